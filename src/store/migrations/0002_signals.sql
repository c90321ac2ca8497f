-- What the CNA says beside the record: the rationale of its score, introducing commits set by hand.
ALTER TABLE cve
  ADD COLUMN rationale text,
  ADD COLUMN vulnerable_commits text[] NOT NULL DEFAULT '{}',
  -- Date of the first announcement that was read, by its Date header.
  ADD COLUMN announced_at timestamptz;

UPDATE cve SET announced_at = sent.first
FROM (SELECT cve_id, min(sent_at) AS first FROM announcement WHERE kind = 'published' GROUP BY cve_id) AS sent
WHERE sent.cve_id = cve.id;

-- The records hold more now: every one is read again at the next sync.
DELETE FROM feed_cursor WHERE source = 'vulns';
UPDATE cve SET oid = 'stale ' || oid WHERE oid <> '';

-- What others say of a CVE, each source for itself. A signal may come before its CVE.
CREATE TABLE signal (
  source text NOT NULL CHECK (source IN ('nvd', 'kev', 'vulnrichment', 'epss', 'exploits')),
  cve_id text NOT NULL,
  -- The source's own time; null where it gives none.
  at timestamptz,
  -- When we first read this very content.
  read_at timestamptz NOT NULL,
  value jsonb NOT NULL,
  PRIMARY KEY (source, cve_id)
);
CREATE INDEX signal_cve ON signal (cve_id);

-- Files of a source that were read, by content: what did not change is not read again.
CREATE TABLE signal_file (
  source text NOT NULL,
  cve_id text NOT NULL,
  oid text NOT NULL,
  PRIMARY KEY (source, cve_id)
);

-- The last failure of each source; gone with the next success.
CREATE TABLE feed_failure (
  source text PRIMARY KEY,
  at timestamptz NOT NULL,
  code text NOT NULL,
  reason text NOT NULL
);

-- Predicted probability that the CNA scores it HIGH or above, and of which text.
CREATE TABLE prediction (
  cve_id text PRIMARY KEY REFERENCES cve,
  probability real NOT NULL CHECK (probability BETWEEN 0 AND 1),
  model text NOT NULL,
  text_md5 text NOT NULL
);

-- Where each CVE stands; made anew from everything above and below it, which also says why.
CREATE TABLE priority (
  cve_id text PRIMARY KEY REFERENCES cve,
  class text NOT NULL CHECK (class IN ('exploited', 'public-exploit', 'open', 'accepted', 'rejected')),
  class_rank smallint NOT NULL,
  weight real NOT NULL,
  origin text NOT NULL CHECK (origin IN ('person', 'scored', 'predicted')),
  reach text NOT NULL,
  epss real,
  announced_at timestamptz,
  -- When it must be made again although nothing changed: an accepted risk ends.
  until timestamptz
);
CREATE INDEX priority_order
  ON priority (class_rank, weight DESC, (origin = 'predicted'), (coalesce(epss, 0)) DESC, announced_at DESC NULLS LAST, cve_id);

-- What people decided; never touched by a sync, never deleted: revoked.
CREATE TABLE decision (
  id text PRIMARY KEY,
  cve_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('severity', 'accept', 'note', 'mitigation')),
  -- severity: 0 to 10.
  score real CHECK (score BETWEEN 0 AND 10),
  -- mitigation: what to do on the host.
  mitigation jsonb,
  reason text NOT NULL CHECK (reason <> ''),
  -- accept, mitigation: the end; null = until it is revoked, or (mitigation) until patched.
  until timestamptz,
  until_patched boolean NOT NULL DEFAULT false,
  author text NOT NULL,
  made_at timestamptz NOT NULL,
  revoked_at timestamptz,
  revoked_by text,
  CHECK ((kind = 'severity') = (score IS NOT NULL)),
  CHECK ((kind = 'mitigation') = (mitigation IS NOT NULL)),
  CHECK (kind <> 'accept' OR until IS NOT NULL),
  CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX decision_cve ON decision (cve_id, made_at);

-- Who did what, in order. Rows are only ever added.
CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  detail jsonb NOT NULL
);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is only ever added to';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
