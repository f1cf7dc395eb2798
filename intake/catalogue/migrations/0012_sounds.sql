-- How recordings sound, as this desk heard them once: only to find the same sound again.
CREATE TABLE sounds (
    drop_number INTEGER PRIMARY KEY REFERENCES drops,
    length_ms   INTEGER NOT NULL,   -- 0 where there was nothing to hear
    essence     BLOB CHECK (length(essence) = 32),  -- keyed digest of the coded sound
    fingerprint BLOB,               -- intake/fingerprint.py; NULL where it can't be decoded
    compared    INTEGER NOT NULL CHECK (compared IN (0, 1))  -- with all that were compared before
) STRICT;
CREATE INDEX sounds_by_essence ON sounds (essence);

-- Passages that sound the same in two recordings.
CREATE TABLE passages (
    drop_number  INTEGER NOT NULL REFERENCES drops,
    other_number INTEGER NOT NULL REFERENCES drops CHECK (other_number < drop_number),
    here_ms      INTEGER NOT NULL,  -- from the start of the drop's recording
    there_ms     INTEGER NOT NULL,  -- from the start of the other's
    length_ms    INTEGER NOT NULL,
    differ       REAL NOT NULL,     -- share of the bits of both that differ
    PRIMARY KEY (drop_number, other_number, here_ms)
) STRICT;
CREATE INDEX passages_by_other ON passages (other_number);
