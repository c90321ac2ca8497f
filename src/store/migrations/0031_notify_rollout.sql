-- A rollout that stops by itself, or is stopped, waits for people.
CREATE FUNCTION notify_of_rollout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_tell(NEW.at, 'rollout', CASE NEW.kind WHEN 'halt' THEN 'halted' WHEN 'pause' THEN 'paused' ELSE 'recalled' END,
    kernel.id, NULL, NEW.rollout_id, jsonb_build_object('why', NEW.why, 'what', NEW.what, 'release', rollout.number))
  FROM rollout LEFT JOIN kernel ON kernel.build_id = rollout.build_id WHERE rollout.id = NEW.rollout_id;
  RETURN NULL;
END $$;
CREATE TRIGGER notify_of_rollout AFTER INSERT ON rollout_event FOR EACH ROW
  WHEN (NEW.kind IN ('halt', 'pause', 'recall')) EXECUTE FUNCTION notify_of_rollout();
