-- The archive took this mail back (a commit with the blob `d`): it stays readable, and says so.
ALTER TABLE announcement ADD COLUMN withdrawn boolean NOT NULL DEFAULT false;
