-- The last verified backup on each medium: the day, and how far the custody log reached in it.
CREATE TABLE backups (
    medium      TEXT PRIMARY KEY,    -- 32 hex digits, made when the desk first came to it
    made        INTEGER NOT NULL UNIQUE, -- counts the desk's backups
    day         TEXT NOT NULL,
    head_number INTEGER NOT NULL,
    head_hash   BLOB NOT NULL CHECK (length(head_hash) = 32)
) STRICT;

-- The envelopes that are on a medium. They are known by their digests, so this outlives a purge:
-- the next backup takes them away there too.
CREATE TABLE backed_up (
    medium TEXT NOT NULL REFERENCES backups,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    keyed  INTEGER NOT NULL CHECK (keyed IN (0, 1)), -- whether its session key is there too
    PRIMARY KEY (medium, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX backed_up_digest ON backed_up (digest);
