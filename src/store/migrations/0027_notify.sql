-- Where people are told. A channel holds no secret: its password, key or secret address is in a file.
CREATE TABLE notify_channel (
  name text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('mail', 'webhook', 'slack')),
  -- mail: addresses; webhook: one URL; slack: nothing, its URL is the secret.
  target text[] NOT NULL,
  secret_file text,
  added_by text NOT NULL,
  added_at timestamptz NOT NULL,
  -- How it goes: failures since it last took something.
  failures integer NOT NULL DEFAULT 0,
  failing_since timestamptz,
  error_code text,
  error text,
  next_try_at timestamptz,
  sent_at timestamptz
);

CREATE TABLE notify_rule (
  id text PRIMARY KEY,
  channel text NOT NULL REFERENCES notify_channel ON DELETE CASCADE,
  -- Empty: all of them.
  kinds text[] NOT NULL,
  states text[] NOT NULL,
  least text NOT NULL,
  kernel_id text REFERENCES kernel ON DELETE CASCADE,
  -- 0: at once.
  digest_minutes integer NOT NULL CHECK (digest_minutes BETWEEN 0 AND 10080),
  added_by text NOT NULL,
  added_at timestamptz NOT NULL
);
CREATE INDEX notify_rule_channel ON notify_rule (channel);
CREATE INDEX notify_rule_kernel ON notify_rule (kernel_id);

-- The outbox: written by the transaction that made the thing so, and emptied into deliveries.
CREATE TABLE notify_notice (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  state text NOT NULL,
  kernel_id text,
  cve_id text,
  subject text NOT NULL,
  detail jsonb NOT NULL
);

-- A message. Its id is what its reader knows it by, however often it is sent.
CREATE TABLE notify_delivery (
  id uuid PRIMARY KEY,
  channel text NOT NULL REFERENCES notify_channel ON DELETE CASCADE,
  rule_id text NOT NULL,
  made_at timestamptz NOT NULL,
  -- Until then what else its rule wants comes into it.
  due_at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'sent', 'given-up')),
  attempt integer NOT NULL DEFAULT 0,
  next_try_at timestamptz NOT NULL,
  leased_until timestamptz,
  ended_at timestamptz,
  error_code text,
  error text
);
CREATE INDEX notify_delivery_waiting ON notify_delivery (channel, next_try_at) WHERE state = 'waiting';
CREATE INDEX notify_delivery_ended ON notify_delivery (ended_at) WHERE state <> 'waiting';

CREATE TABLE notify_item (
  delivery_id uuid NOT NULL REFERENCES notify_delivery ON DELETE CASCADE,
  number integer NOT NULL,
  notice jsonb NOT NULL,
  PRIMARY KEY (delivery_id, number)
);

-- Hosts that were told to be silent: nothing is written down when a host says nothing.
CREATE TABLE notify_silence (
  host_id uuid PRIMARY KEY REFERENCES host ON DELETE CASCADE,
  since timestamptz NOT NULL
);

-- One notice, if there is anybody to tell. What was before the first rule is not told.
CREATE FUNCTION notify_tell(at timestamptz, kind text, state text, kernel text, cve text, subject text, detail jsonb)
RETURNS void LANGUAGE sql AS $$
  INSERT INTO notify_notice (at, kind, state, kernel_id, cve_id, subject, detail)
  SELECT at, kind, state, kernel, cve, subject, detail WHERE EXISTS (SELECT FROM notify_rule)
$$;

CREATE FUNCTION notify_of_verdict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_tell(NEW.at, 'verdict', coalesce(NEW.after, 'withdrawn'), NEW.kernel_id, NEW.cve_id, NEW.cve_id, jsonb_build_object('before', NEW.before));
  RETURN NULL;
END $$;
CREATE TRIGGER notify_of_verdict AFTER INSERT ON verdict_change FOR EACH ROW EXECUTE FUNCTION notify_of_verdict();
CREATE TRIGGER notify_of_verdict_again AFTER UPDATE ON verdict_change FOR EACH ROW
  WHEN (OLD.after IS DISTINCT FROM NEW.after) EXECUTE FUNCTION notify_of_verdict();

CREATE FUNCTION notify_of_exploit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_tell(now(), 'exploited', NEW.class, NULL, NEW.cve_id, NEW.cve_id, '{}');
  RETURN NULL;
END $$;
CREATE TRIGGER notify_of_exploit AFTER INSERT ON priority FOR EACH ROW
  WHEN (NEW.class IN ('exploited', 'public-exploit')) EXECUTE FUNCTION notify_of_exploit();
CREATE TRIGGER notify_of_exploit_later AFTER UPDATE OF class ON priority FOR EACH ROW
  WHEN (NEW.class IN ('exploited', 'public-exploit') AND OLD.class IS DISTINCT FROM NEW.class)
  EXECUTE FUNCTION notify_of_exploit();

-- A livepatch that was proved waits for people; one that failed its proof waits for them, too.
CREATE FUNCTION notify_of_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_tell(now(), 'livepatch', CASE WHEN NEW.gate ->> 'passed' = 'true' THEN 'waits-for-approval' ELSE 'proof-failed' END,
    NEW.kernel_id, NULL, NEW.module_name, jsonb_build_object('livepatch', NEW.id, 'cves', NEW.recipe -> 'cves'));
  RETURN NULL;
END $$;
CREATE TRIGGER notify_of_gate AFTER UPDATE OF gate ON livepatch FOR EACH ROW
  WHEN (NEW.gate IS NOT NULL AND OLD.gate IS DISTINCT FROM NEW.gate) EXECUTE FUNCTION notify_of_gate();

CREATE FUNCTION notify_of_trial() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_tell(NEW.tried_at, 'task', coalesce(NEW.reason ->> 'code', 'unknown'), NEW.kernel_id, NEW.cve_id, NEW.cve_id, NEW.reason);
  RETURN NULL;
END $$;
CREATE TRIGGER notify_of_trial AFTER INSERT ON fix_trial FOR EACH ROW WHEN (NOT NEW.ready) EXECUTE FUNCTION notify_of_trial();
CREATE TRIGGER notify_of_trial_again AFTER UPDATE ON fix_trial FOR EACH ROW
  WHEN (NOT NEW.ready AND OLD.reason IS DISTINCT FROM NEW.reason) EXECUTE FUNCTION notify_of_trial();

CREATE FUNCTION notify_of_build() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_tell(NEW.at, 'task', coalesce(NEW.reason ->> 'code', 'unknown'), NEW.kernel_id,
    CASE WHEN cardinality(NEW.cves) = 1 THEN NEW.cves[1] END, array_to_string(NEW.cves[1:10], ' '), NEW.reason);
  RETURN NULL;
END $$;
CREATE TRIGGER notify_of_build AFTER INSERT ON autopilot_build FOR EACH ROW
  WHEN (NEW.reason IS NOT NULL) EXECUTE FUNCTION notify_of_build();

CREATE FUNCTION notify_of_kernel_build() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_tell(coalesce(NEW.ended_at, now()), 'task', 'kernel-build-failed', NEW.kernel_id, NULL, NEW.id,
    jsonb_build_object('why', NEW.first_error));
  RETURN NULL;
END $$;
CREATE TRIGGER notify_of_kernel_build AFTER UPDATE OF state ON kernel_build FOR EACH ROW
  WHEN (NEW.state = 'failed' AND OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION notify_of_kernel_build();

-- What a host is marked for, and what it took back or shut away. Check-ins that say nothing new make no row, and call nothing.
CREATE FUNCTION notify_of_host() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_tell(NEW.at, 'host',
    CASE NEW.kind WHEN 'flag' THEN split_part(NEW.detail ->> 'why', ':', 1) ELSE NEW.detail ->> 'to' END,
    kernel.id, NULL, host.name, NEW.detail || jsonb_build_object('host', host.id))
  FROM host LEFT JOIN kernel ON kernel.build_id = host.build_id WHERE host.id = NEW.host_id;
  RETURN NULL;
END $$;
CREATE TRIGGER notify_of_host AFTER INSERT ON host_event FOR EACH ROW
  WHEN (NEW.kind = 'flag' OR (NEW.kind = 'state' AND NEW.detail ->> 'to' IN ('reverted', 'quarantined')))
  EXECUTE FUNCTION notify_of_host();

CREATE FUNCTION notify_of_report() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_tell(NEW.last_at, 'report', NEW.kind, kernel.id, NULL, host.name,
    jsonb_build_object('host', host.id, 'key', NEW.key, 'title', NEW.title, 'severity', NEW.severity, 'release', NEW.release))
  FROM host LEFT JOIN kernel ON kernel.build_id = host.build_id WHERE host.id = NEW.host_id;
  RETURN NULL;
END $$;
CREATE TRIGGER notify_of_report AFTER INSERT ON host_report FOR EACH ROW
  WHEN (NEW.blamed) EXECUTE FUNCTION notify_of_report();
CREATE TRIGGER notify_of_report_blame AFTER UPDATE OF blamed ON host_report FOR EACH ROW
  WHEN (NEW.blamed AND NOT OLD.blamed) EXECUTE FUNCTION notify_of_report();
