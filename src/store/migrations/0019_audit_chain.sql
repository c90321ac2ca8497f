-- The audit log as a chain: each row's hash is over its content and the hash of the row before. The database makes it, so that no
-- writer can leave it out; src/store/audit.ts says it again, so that it can be checked elsewhere.
ALTER TABLE audit
  ADD COLUMN seq bigint,
  ADD COLUMN reason text NOT NULL DEFAULT '',
  -- How whoever did it came in: machine (a program of the server's machine, with the database at hand), session, token and its id.
  ADD COLUMN via text NOT NULL DEFAULT 'machine',
  ADD COLUMN previous text,
  ADD COLUMN hash text;

-- Each field as its length in bytes, a colon, and its bytes: no two rows read alike. Times as microseconds since 1970.
CREATE FUNCTION audit_hash(line audit) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT encode(sha256(string_agg(convert_to(octet_length(field) || ':' || field, 'UTF8'), ''::bytea ORDER BY n)), 'hex')
  FROM unnest(ARRAY[
    'tuxtape audit v1', line.previous, line.seq::text, (extract(epoch FROM line.at) * 1000000)::bigint::text,
    line.actor, line.via, line.action, line.subject, line.reason, line.detail::text
  ]) WITH ORDINALITY AS fields (field, n)
$$;

CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last record;
BEGIN
  -- One writer at a time, until it commits: two rows must not follow the same one.
  PERFORM pg_advisory_xact_lock(7368422);
  SELECT seq, hash INTO last FROM audit WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1;
  NEW.seq := coalesce(last.seq, 0) + 1;
  NEW.previous := coalesce(last.hash, repeat('0', 64));
  NEW.hash := audit_hash(NEW);
  RETURN NEW;
END $$;

-- Rows from before join the chain in their order.
ALTER TABLE audit DISABLE TRIGGER audit_append_only;
DO $$
DECLARE
  line audit;
  number bigint := 0;
  last text := repeat('0', 64);
BEGIN
  FOR line IN SELECT * FROM audit ORDER BY id LOOP
    number := number + 1;
    line.seq := number;
    line.previous := last;
    line.reason := coalesce(line.detail ->> 'reason', '');
    last := audit_hash(line);
    UPDATE audit SET seq = number, previous = line.previous, reason = line.reason, hash = last WHERE id = line.id;
  END LOOP;
END $$;
ALTER TABLE audit ENABLE TRIGGER audit_append_only;

ALTER TABLE audit
  ALTER COLUMN seq SET NOT NULL,
  ALTER COLUMN previous SET NOT NULL,
  ALTER COLUMN hash SET NOT NULL,
  ALTER COLUMN via DROP DEFAULT,
  ADD UNIQUE (seq);
CREATE TRIGGER audit_chained BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_chain();
CREATE TRIGGER tell_audit AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION tell_event('audit', 'seq', '');
