-- Builds of kernels. The queue (a schema of its own) holds only leases on them: what is so is said here.
CREATE TABLE kernel_build (
  id text PRIMARY KEY,
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  -- How often a worker took it up; every write of a worker names its attempt.
  attempt integer NOT NULL DEFAULT 0,
  -- Attempts that ended without a word.
  deaths integer NOT NULL DEFAULT 0,
  requested_by text NOT NULL,
  queued_at timestamptz NOT NULL,
  -- Start of the newest attempt.
  started_at timestamptz,
  ended_at timestamptz,
  jobs integer NOT NULL CHECK (jobs > 0),
  timeout_seconds integer NOT NULL CHECK (timeout_seconds > 0),
  -- Null: the machine's own bounds.
  memory_bytes bigint,
  disk_bytes bigint,
  -- Files compiled so far, and how many there will be, where a build of the same configuration was counted.
  compiled integer NOT NULL DEFAULT 0,
  total integer,
  -- The kernel was built already.
  kept boolean NOT NULL DEFAULT false,
  -- Log file of the newest attempt, on the machine that builds.
  log text,
  first_error text,
  error jsonb,
  CHECK ((state IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL)),
  CHECK ((state = 'failed') = (error IS NOT NULL))
);
-- Two requests for one kernel join one build.
CREATE UNIQUE INDEX kernel_build_open ON kernel_build (kernel_id) WHERE state IN ('queued', 'running');
CREATE INDEX kernel_build_kernel ON kernel_build (kernel_id, queued_at);
