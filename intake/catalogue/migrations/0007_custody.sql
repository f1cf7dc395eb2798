-- The custody log: each entry holds the hash of the one before, and none is ever changed.
CREATE TABLE custody (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    entry  BLOB NOT NULL  -- JSON: docs/custody.md
) STRICT;
CREATE TRIGGER custody_stays BEFORE UPDATE ON custody
BEGIN SELECT raise(ABORT, 'the custody log is never changed'); END;
CREATE TRIGGER custody_is_kept BEFORE DELETE ON custody
BEGIN SELECT raise(ABORT, 'the custody log is never changed'); END;
