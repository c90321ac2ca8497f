-- What modprobe knows of the modules of a kernel: read at its build, encoded.
CREATE TABLE kernel_modules (
  kernel_id text PRIMARY KEY REFERENCES kernel ON DELETE CASCADE,
  facts bytea NOT NULL
);

-- The newest list of loaded modules of each host that runs a kernel.
CREATE TABLE host_modules (
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  host text NOT NULL,
  at timestamptz NOT NULL,
  modules text[] NOT NULL,
  -- Kept out by modprobe.d: in every way, or by its aliases alone.
  blocked text[] NOT NULL,
  blacklisted text[] NOT NULL,
  PRIMARY KEY (kernel_id, host)
);

-- What the fleet rung says of the module a CVE is in: a part of the priority. Null: it says nothing.
ALTER TABLE verdict ADD COLUMN exposure text;

-- A VEX document of a kernel is one document that changes: its number rises with its content.
CREATE TABLE vex_document (
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  format text NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  digest text NOT NULL,
  issued_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (kernel_id, format)
);
