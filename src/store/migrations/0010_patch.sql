-- The change of one kernel for a set of CVEs, or under a name of a person. Without a version: it was opened, and does not fit
-- the source by itself.
CREATE TABLE patch (
  id text PRIMARY KEY,
  kernel_id text NOT NULL REFERENCES kernel ON DELETE CASCADE,
  -- The CVEs in their order, joined by "+", or the name.
  name text NOT NULL,
  cves text[] NOT NULL,
  made_at timestamptz NOT NULL,
  UNIQUE (kernel_id, name)
);

CREATE TABLE patch_version (
  patch_id text NOT NULL REFERENCES patch ON DELETE CASCADE,
  number integer NOT NULL CHECK (number > 0),
  -- Of the text.
  sha256 text NOT NULL,
  -- sha256 of the version before it; null for the first.
  base text,
  text text NOT NULL,
  review_key text NOT NULL,
  origin jsonb NOT NULL,
  author text NOT NULL,
  note text NOT NULL,
  made_at timestamptz NOT NULL,
  PRIMARY KEY (patch_id, number),
  CHECK ((number = 1) = (base IS NULL))
);
CREATE INDEX patch_version_review ON patch_version (review_key);

-- What was built and approved was built from a version as it was written.
CREATE FUNCTION patch_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a version of a patch is never changed';
END $$;
CREATE TRIGGER patch_version_stays BEFORE UPDATE ON patch_version FOR EACH ROW EXECUTE FUNCTION patch_version_stays();
