-- What reporters add to drops. A record is known by the same 16 bytes on every desk, and by its
-- number on this one; every revision of it is kept, so that desks can merge.
CREATE TABLE records (
    record BLOB PRIMARY KEY CHECK (length(record) = 16),
    kind   TEXT NOT NULL,
    number INTEGER NOT NULL,
    about  BLOB CHECK (length(about) = 32),  -- SHA-256 of the envelope of the drop
    within BLOB CHECK (length(within) = 16), -- the case or person that it belongs to
    shown  TEXT, -- what a list shows of it now, JSON; NULL where it was removed
    split  INTEGER NOT NULL DEFAULT 0 CHECK (split IN (0, 1)),  -- whether it is in conflict
    UNIQUE (kind, number)
) STRICT;

-- The last number of each kind: none is given twice, also not after a purge.
CREATE TABLE numbers (
    kind TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT;
CREATE INDEX records_about ON records (about);
CREATE INDEX records_within ON records (within);
CREATE INDEX records_split ON records (about) WHERE split;

CREATE TABLE revisions (
    revision BLOB PRIMARY KEY CHECK (length(revision) = 16),
    record   BLOB NOT NULL REFERENCES records,
    said     BLOB NOT NULL  -- JSON: docs/vault.md
) STRICT;
CREATE INDEX revisions_of ON revisions (record);

-- A revision stands in for those before it. One that came from elsewhere may name some that didn't.
CREATE TABLE parents (
    revision BLOB NOT NULL REFERENCES revisions,
    parent   BLOB NOT NULL,
    PRIMARY KEY (revision, parent)
) STRICT, WITHOUT ROWID;
CREATE INDEX parents_of ON parents (parent);
