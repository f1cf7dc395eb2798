-- How many of the drops of a source who was told were destroyed since: they were opened all the same,
-- and what a source is told next says how many had been by then.
ALTER TABLE told ADD COLUMN purged INTEGER NOT NULL DEFAULT 0;
