-- What a person says of one CVE in one kernel, against the ladder; it always ends. Rows are kept when they are over.
CREATE TABLE verdict_override (
  id text PRIMARY KEY,
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  cve_id text NOT NULL,
  status text NOT NULL CHECK (status IN ('affected', 'not_affected', 'fixed', 'under_investigation')),
  justification text,
  reason text NOT NULL CHECK (reason <> ''),
  until timestamptz NOT NULL,
  author text NOT NULL,
  made_at timestamptz NOT NULL,
  revoked_at timestamptz,
  revoked_by text,
  CHECK ((status = 'not_affected') = (justification IS NOT NULL)),
  CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE UNIQUE INDEX verdict_override_current ON verdict_override (kernel_id, cve_id) WHERE revoked_at IS NULL;
