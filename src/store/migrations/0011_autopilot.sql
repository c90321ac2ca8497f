-- How far the machine may go by itself for a kernel; no row: it does nothing.
CREATE TABLE policy (
  kernel_id text PRIMARY KEY REFERENCES kernel ON DELETE CASCADE,
  policy jsonb NOT NULL,
  author text NOT NULL,
  set_at timestamptz NOT NULL
);

-- What came of trying the fix of one CVE alone on a kernel. `key`: what it was tried with; with another one it is tried anew.
CREATE TABLE fix_trial (
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  cve_id text NOT NULL,
  key text NOT NULL,
  ready boolean NOT NULL,
  reason jsonb,
  tried_at timestamptz NOT NULL,
  PRIMARY KEY (kernel_id, cve_id),
  CHECK (ready = (reason IS NULL))
);

-- Sets of fixes that the machine built, or could not build, into one livepatch.
CREATE TABLE autopilot_build (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  wanted text NOT NULL,
  cves text[] NOT NULL,
  livepatch_id text REFERENCES livepatch ON DELETE CASCADE,
  reason jsonb,
  at timestamptz NOT NULL,
  CHECK ((livepatch_id IS NULL) = (reason IS NOT NULL))
);
CREATE INDEX autopilot_build_kernel ON autopilot_build (kernel_id, id DESC);
