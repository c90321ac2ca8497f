-- Commits of the fixes that a patch was opened with, whatever was edited since.
ALTER TABLE patch ADD COLUMN commits jsonb NOT NULL DEFAULT '[]';
