-- Tokens that machines become hosts by. Only the hash of one is here.
CREATE TABLE enrolment (
  id text PRIMARY KEY,
  token_sha256 text NOT NULL UNIQUE,
  group_name text NOT NULL,
  uses_left integer NOT NULL CHECK (uses_left >= 0),
  expires_at timestamptz NOT NULL,
  made_by text NOT NULL,
  made_at timestamptz NOT NULL,
  revoked_at timestamptz
);

-- What each host said last. Rows change with every check-in and no index with them: there is room for that in each page.
CREATE TABLE host (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  group_name text NOT NULL,
  -- Raw Ed25519 key.
  public_key bytea NOT NULL UNIQUE,
  enrolment_id text NOT NULL REFERENCES enrolment,
  enrolled_at timestamptz NOT NULL,
  decommissioned_at timestamptz,
  seq bigint NOT NULL DEFAULT 0,
  body_sha256 text,
  seen_at timestamptz,
  said_at text,
  boot_id text,
  earlier_boot_id text,
  uptime_seconds bigint NOT NULL DEFAULT 0,
  agent text,
  level text,
  build_id text,
  release text,
  arch text,
  ring text,
  labels jsonb NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'unknown',
  state_since timestamptz,
  state_release bigint,
  state_sha256 text,
  alarm text,
  archive_error text,
  flags text[] NOT NULL DEFAULT '{}',
  counted bigint,
  modules_at timestamptz
) WITH (fillfactor = 70);
CREATE INDEX host_group ON host (group_name);
CREATE INDEX host_name ON host (name text_pattern_ops);

-- What changed of a host, and when: never a row for a check-in that says nothing new.
CREATE TABLE host_event (
  id bigserial PRIMARY KEY,
  host_id uuid NOT NULL REFERENCES host ON DELETE CASCADE,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  detail jsonb NOT NULL
);
CREATE INDEX host_event_host ON host_event (host_id, at DESC);
CREATE INDEX host_event_at ON host_event (at);

-- Trouble that kernels of hosts reported; one row a host and key.
CREATE TABLE host_report (
  host_id uuid NOT NULL REFERENCES host ON DELETE CASCADE,
  key text NOT NULL,
  kind text NOT NULL,
  severity text NOT NULL,
  title text NOT NULL,
  blamed boolean NOT NULL,
  release bigint,
  said_at text NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  count bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (host_id, key)
);
CREATE INDEX host_report_key ON host_report (key);
