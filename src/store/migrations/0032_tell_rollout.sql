-- Pages show rollouts live: what was done in one, and what was asked for. A round that changes nothing adds no event.
CREATE TRIGGER tell_rollout_event AFTER INSERT ON rollout_event FOR EACH ROW EXECUTE FUNCTION tell_event('rollout', 'rollout_id', '');
CREATE TRIGGER tell_rollout_command AFTER INSERT ON rollout_command FOR EACH ROW EXECUTE FUNCTION tell_event('rollout', 'rollout_id', '');
