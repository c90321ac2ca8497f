-- Fixes that a person took back for a kernel: no livepatch is built with them until they are released.
CREATE TABLE hold (
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  cve_id text NOT NULL,
  reason text NOT NULL,
  author text NOT NULL,
  held_at timestamptz NOT NULL,
  PRIMARY KEY (kernel_id, cve_id)
);
