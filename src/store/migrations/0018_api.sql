-- Answers to requests that came with an Idempotency-Key: the same request again gets the same answer, and nothing is done twice.
CREATE TABLE idempotency (
  account_id text NOT NULL REFERENCES account,
  key text NOT NULL,
  request_sha256 text NOT NULL,
  answer jsonb NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_at ON idempotency (at);

-- What happened, for pages that show it live: told when it is committed, to servers that listen. Only tables that change seldom; a
-- check-in of a host is none. A word says what to read again, never what is in it.
CREATE FUNCTION tell_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  line jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
BEGIN
  PERFORM pg_notify('tuxtape_event', json_build_object(
    'topic', TG_ARGV[0],
    'id', coalesce(line ->> TG_ARGV[1], ''),
    'kernel', CASE WHEN TG_ARGV[2] = '' THEN NULL ELSE line ->> TG_ARGV[2] END)::text);
  RETURN NULL;
END $$;

CREATE TRIGGER tell_kernel AFTER INSERT OR UPDATE OR DELETE ON kernel
  FOR EACH ROW EXECUTE FUNCTION tell_event('kernel', 'id', 'id');
CREATE TRIGGER tell_build AFTER INSERT OR UPDATE OF state ON kernel_build
  FOR EACH ROW EXECUTE FUNCTION tell_event('kernel-build', 'id', 'kernel_id');
CREATE TRIGGER tell_livepatch AFTER INSERT OR UPDATE OR DELETE ON livepatch
  FOR EACH ROW EXECUTE FUNCTION tell_event('livepatch', 'id', 'kernel_id');
CREATE TRIGGER tell_hold AFTER INSERT OR UPDATE OR DELETE ON hold
  FOR EACH ROW EXECUTE FUNCTION tell_event('hold', 'cve_id', 'kernel_id');
CREATE TRIGGER tell_decision AFTER INSERT OR UPDATE ON decision
  FOR EACH ROW EXECUTE FUNCTION tell_event('decision', 'cve_id', '');
CREATE TRIGGER tell_feed AFTER INSERT OR UPDATE ON feed_sync
  FOR EACH ROW EXECUTE FUNCTION tell_event('feed', 'source', '');

CREATE FUNCTION tell_verdicts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('tuxtape_event', json_build_object('topic', 'verdicts', 'id', kernel_id, 'kernel', kernel_id)::text)
    FROM (SELECT DISTINCT kernel_id FROM changed) AS kernels;
  RETURN NULL;
END $$;
CREATE TRIGGER tell_verdicts AFTER INSERT ON verdict_change
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tell_verdicts();
