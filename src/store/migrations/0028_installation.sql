-- What this installation is. One row. The epoch only rises: it is set when the database is made and each time a backup is restored into
-- one, to the seconds since 1970 and more than it was. Who hands out serial numbers puts it before them: a restored database is behind
-- what it said before, and must never be mistaken for it.
CREATE TABLE installation (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  epoch bigint NOT NULL DEFAULT extract(epoch FROM now())::bigint CHECK (epoch > 0),
  restored_at timestamptz
);
INSERT INTO installation DEFAULT VALUES;

CREATE FUNCTION installation_only_rises() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' OR NEW.epoch < OLD.epoch OR NEW.id <> OLD.id THEN
    RAISE EXCEPTION 'the epoch of an installation only rises, and its id stays';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER installation_only_rises BEFORE UPDATE OR DELETE ON installation FOR EACH ROW EXECUTE FUNCTION installation_only_rises();
CREATE FUNCTION installation_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the installation is never taken away';
END $$;
CREATE TRIGGER installation_stays BEFORE TRUNCATE ON installation FOR EACH STATEMENT EXECUTE FUNCTION installation_stays();

-- When a CVE was first read here; null: before this was written down.
ALTER TABLE cve ADD COLUMN read_at timestamptz;
ALTER TABLE cve ALTER COLUMN read_at SET DEFAULT now();
