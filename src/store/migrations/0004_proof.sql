-- What was found by holding the fix of a CVE against the source of a kernel: the rungs that read and compile. It stands
-- until the fix or the kernel's tree is another one; a verdict takes it up each time it is decided.
CREATE TABLE proof (
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  cve_id text NOT NULL,
  proof jsonb NOT NULL,
  proved_at timestamptz NOT NULL,
  PRIMARY KEY (kernel_id, cve_id)
);
