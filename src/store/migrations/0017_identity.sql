-- Who may do what over the API. Accounts are never deleted: the audit log names them, and a name stays one person's.
CREATE TABLE account (
  id text PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  -- How the person is called elsewhere; only shown.
  shown text NOT NULL,
  -- Argon2id in PHC form; null: no login with a password.
  password text,
  totp_secret bytea,
  -- The newest step whose code was used: a code counts once.
  totp_step bigint,
  -- The person at an OIDC provider; both or neither.
  issuer text,
  subject text,
  -- Wrong passwords in a row, and until when no other try counts.
  failures integer NOT NULL DEFAULT 0,
  retry_at timestamptz,
  added_by text NOT NULL,
  added_at timestamptz NOT NULL,
  disabled_at timestamptz,
  UNIQUE (issuer, subject),
  CHECK ((issuer IS NULL) = (subject IS NULL))
);

CREATE TABLE account_grant (
  account_id text NOT NULL REFERENCES account,
  role text NOT NULL CHECK (role IN ('viewer', 'author', 'reviewer', 'release-manager', 'admin')),
  scope_kind text NOT NULL CHECK (scope_kind IN ('all', 'kernel', 'group')),
  -- Id of the kernel, name of the group; empty for all.
  scope_id text NOT NULL CHECK ((scope_kind = 'all') = (scope_id = '')),
  PRIMARY KEY (account_id, role, scope_kind, scope_id)
);

-- Only hashes of the ids in cookies: whoever reads this table can be nobody.
CREATE TABLE session (
  id_hash text PRIMARY KEY,
  account_id text NOT NULL REFERENCES account,
  began_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL
);
CREATE INDEX session_account ON session (account_id);

CREATE TABLE api_token (
  id text PRIMARY KEY,
  hash text NOT NULL UNIQUE,
  account_id text NOT NULL REFERENCES account,
  name text NOT NULL,
  -- What of its account's grants it carries: [{role, scope}]. Never more than the account has when it is used.
  grants jsonb NOT NULL,
  made_by text NOT NULL,
  made_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  used_at timestamptz,
  revoked_at timestamptz
);
CREATE INDEX api_token_account ON api_token (account_id);
