-- What was found by holding the fix of a CVE against the source of a kernel: the rungs that read and compile. It stands
-- until the fix or the kernel's tree is another one; a verdict takes it up each time it is decided.
CREATE TABLE proof (
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  cve_id text NOT NULL,
  proof jsonb NOT NULL,
  proved_at timestamptz NOT NULL,
  PRIMARY KEY (kernel_id, cve_id)
);

-- Only verdicts that changed are written: the digest names the whole verdict, evidence included.
ALTER TABLE verdict ADD COLUMN digest text NOT NULL DEFAULT '';

-- What became another verdict, and when: the difference a person is told.
CREATE TABLE verdict_change (
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  cve_id text NOT NULL,
  at timestamptz NOT NULL,
  -- Null: decided for the first time, or withdrawn because the CVE is gone.
  before text,
  after text,
  PRIMARY KEY (kernel_id, at, cve_id)
);
