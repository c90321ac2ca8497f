-- Machines that make livepatches for this server. They hold a token, of which only the hash is here, and no login of the database.
CREATE TABLE builder (
  name text PRIMARY KEY,
  token_sha256 text NOT NULL UNIQUE,
  added_by text NOT NULL,
  added_at timestamptz NOT NULL,
  -- A builder that was taken away stays: its jobs name it.
  removed_at timestamptz,
  seen_at timestamptz,
  version text,
  -- Build-ids of the kernels that it has, those that it used last first.
  kernels text[] NOT NULL DEFAULT '{}'
);

-- Livepatches to be made. The queue (a schema of its own) holds only leases on them: what is so is said here.
CREATE TABLE livepatch_job (
  id text PRIMARY KEY,
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  build_id text NOT NULL,
  kernel_release text NOT NULL,
  module_name text NOT NULL,
  -- UTF-8, exactly as it is built.
  patch bytea NOT NULL,
  -- Hash of all that decides the module.
  key text NOT NULL,
  cves text[] NOT NULL,
  priority integer NOT NULL,
  timeout_seconds integer NOT NULL CHECK (timeout_seconds > 0),
  state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  -- How often a builder took it up; every word of a builder names its attempt.
  attempt integer NOT NULL DEFAULT 0,
  -- Attempts that ended without a word, or that a machine failed.
  deaths integer NOT NULL DEFAULT 0,
  requested_by text NOT NULL,
  queued_at timestamptz NOT NULL,
  started_at timestamptz,
  ended_at timestamptz,
  builder text REFERENCES builder,
  -- Which lease of the queue is that of the running attempt.
  lease integer,
  -- End of what the attempt printed.
  log text NOT NULL DEFAULT '',
  -- Why it failed; of one that waits or runs: why the attempt before did.
  error jsonb,
  -- What came of it; taken away once the livepatch is kept.
  module bytea,
  made jsonb
);
-- The same module is not made twice at a time.
CREATE UNIQUE INDEX livepatch_job_open ON livepatch_job (key)
  WHERE state IN ('queued', 'running');
CREATE INDEX livepatch_job_waiting ON livepatch_job (build_id, priority DESC, queued_at) WHERE state = 'queued';
CREATE INDEX livepatch_job_queued_at ON livepatch_job (queued_at);
CREATE INDEX livepatch_job_kernel ON livepatch_job (kernel_id);
