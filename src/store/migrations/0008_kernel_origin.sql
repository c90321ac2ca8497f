-- How a kernel came to be known, where its source is from, and what was done to it.
ALTER TABLE kernel
  ADD COLUMN origin text NOT NULL DEFAULT 'built' CHECK (origin IN ('built', 'build-tree', 'debug-info', 'config')),
  ADD COLUMN source jsonb,
  ADD COLUMN source_directory text,
  ADD COLUMN patches jsonb NOT NULL DEFAULT '[]',
  ADD COLUMN config_changes jsonb NOT NULL DEFAULT '[]';
