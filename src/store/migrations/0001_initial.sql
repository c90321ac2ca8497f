-- CVEs as the feed gives them: the record's content, or the mail's until the record is there.
CREATE TABLE cve (
  id text PRIMARY KEY CHECK (id ~ '^CVE-[0-9]{4}-[0-9]{4,19}$'),
  -- The id's two numbers, to sort by. An id may have up to 19 digits: more than a bigint holds.
  year integer NOT NULL GENERATED ALWAYS AS (split_part(id, '-', 2)::integer) STORED,
  number numeric(19) NOT NULL GENERATED ALWAYS AS (split_part(id, '-', 3)::numeric) STORED,
  state text NOT NULL CHECK (state IN ('published', 'rejected')),
  source text NOT NULL CHECK (source IN ('record', 'mail')),
  title text NOT NULL,
  description text NOT NULL,
  files text[] NOT NULL,
  ranges jsonb NOT NULL,
  cvss_vector text,
  score real CHECK (score BETWEEN 0 AND 10),
  refs text[] NOT NULL,
  -- The git blobs the row was read from: a full comparison sees without reading which rows changed.
  oid text NOT NULL
);
CREATE INDEX cve_newest ON cve (year DESC, number DESC);

-- Mails of the announcement list: the audit trail.
CREATE TABLE announcement (
  epoch integer NOT NULL,
  commit text NOT NULL,
  message_id text NOT NULL,
  cve_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('published', 'rejected')),
  subject text NOT NULL,
  sender text NOT NULL,
  sent_at timestamptz,
  body text NOT NULL,
  PRIMARY KEY (epoch, commit)
);
CREATE INDEX announcement_cve ON announcement (cve_id);

-- How far each feed was read: moves in the same transaction as the content.
CREATE TABLE feed_cursor (
  source text PRIMARY KEY,
  commit text NOT NULL
);

CREATE TABLE feed_sync (
  source text PRIMARY KEY,
  address text NOT NULL,
  at timestamptz NOT NULL,
  newest timestamptz,
  bundled boolean NOT NULL
);

-- Items that could not be read, with the reason.
CREATE TABLE feed_quarantine (
  source text NOT NULL,
  item text NOT NULL,
  code text NOT NULL,
  reason text NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source, item)
);

CREATE TABLE kernel (
  id text PRIMARY KEY,
  name text NOT NULL UNIQUE,
  release text,
  version text NOT NULL,
  arch text NOT NULL,
  state text NOT NULL CHECK (state IN ('added', 'built')),
  build_id text UNIQUE,
  tree_directory text NOT NULL,
  config_sha256 text NOT NULL,
  toolchain jsonb NOT NULL,
  bundled boolean NOT NULL,
  added_at timestamptz NOT NULL DEFAULT now(),
  built_at timestamptz,
  CHECK ((state = 'built') = (build_id IS NOT NULL))
);

CREATE TABLE kernel_profile (
  kernel_id text PRIMARY KEY REFERENCES kernel ON DELETE CASCADE,
  profile bytea NOT NULL
);

CREATE TABLE verdict (
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  cve_id text NOT NULL REFERENCES cve,
  status text NOT NULL CHECK (status IN ('affected', 'not_affected', 'fixed', 'under_investigation')),
  justification text,
  -- The rung whose evidence decided.
  rung text NOT NULL,
  evidence jsonb NOT NULL,
  decided_at timestamptz NOT NULL,
  PRIMARY KEY (kernel_id, cve_id),
  CHECK ((status = 'not_affected') = (justification IS NOT NULL))
);

CREATE TABLE livepatch (
  id text PRIMARY KEY,
  kernel_id text NOT NULL REFERENCES kernel,
  module_name text NOT NULL,
  module_sha256 text NOT NULL,
  directory text NOT NULL,
  recipe jsonb NOT NULL,
  gate jsonb,
  built_at timestamptz NOT NULL
);
CREATE INDEX livepatch_kernel ON livepatch (kernel_id, built_at DESC);
