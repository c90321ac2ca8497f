-- One row, the fence: `revision` rises with each round that is stored, `serial` with each that signs something. Neither goes back.
CREATE TABLE rollout_fence (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  revision bigint NOT NULL DEFAULT 0,
  serial bigint NOT NULL DEFAULT 0,
  -- The controller whose time counts; others stand by while the revision moves.
  holder text
);

-- A release on its way to the hosts of one kernel. Policy and floors stay as they were when it was made.
CREATE TABLE rollout (
  id text PRIMARY KEY,
  build_id text NOT NULL,
  number bigint NOT NULL CHECK (number > 0),
  module_sha256 text NOT NULL,
  policy jsonb NOT NULL,
  floors jsonb NOT NULL,
  phase text NOT NULL,
  state jsonb NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL
);
-- One release has one rollout that is not over.
CREATE UNIQUE INDEX rollout_release ON rollout (build_id, number) WHERE phase <> 'recalled';

-- What people ask for, until a round takes it.
CREATE TABLE rollout_command (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  rollout_id text NOT NULL REFERENCES rollout,
  command jsonb NOT NULL,
  asked_at timestamptz NOT NULL,
  -- Revision of the round that took it; null: it waits.
  taken bigint
);
CREATE INDEX rollout_command_waiting ON rollout_command (id) WHERE taken IS NULL;

-- Everything that was done and why, with its evidence. Only ever added to.
CREATE TABLE rollout_event (
  rollout_id text NOT NULL REFERENCES rollout,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  revision bigint NOT NULL,
  kind text NOT NULL,
  what text NOT NULL,
  why text NOT NULL,
  evidence jsonb NOT NULL,
  PRIMARY KEY (rollout_id, seq)
);
CREATE FUNCTION rollout_event_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'events of a rollout are only added' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER rollout_event_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON rollout_event
  FOR EACH STATEMENT EXECUTE FUNCTION rollout_event_is_kept();

-- The newest file of each kernel that is, or is about to be, signed and published.
CREATE TABLE rollout_file (
  build_id text PRIMARY KEY,
  serial bigint NOT NULL,
  content text NOT NULL,
  made_at timestamptz NOT NULL
);
