-- What a verdict reads of a CVE, as one word: a verdict is due when it was decided from another.
ALTER TABLE cve ADD COLUMN content text NOT NULL DEFAULT '';

CREATE FUNCTION cve_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.content := md5(NEW.state || ' ' || NEW.ranges::text || ' ' || NEW.files::text);
  RETURN NEW;
END $$;
CREATE TRIGGER cve_content BEFORE INSERT OR UPDATE ON cve FOR EACH ROW EXECUTE FUNCTION cve_content();
UPDATE cve SET content = '';

-- What it was decided from: the content of the CVE, the proof and the person's word in force then.
ALTER TABLE verdict ADD COLUMN input text NOT NULL DEFAULT '';

-- The same for what all verdicts of a kernel share: its version, profile, hosts, and the ladder itself.
ALTER TABLE kernel ADD COLUMN triaged_with text;
ALTER TABLE kernel_profile ADD COLUMN sha256 text NOT NULL DEFAULT '';
