-- Replies as they were sealed to their sources: each bag of answers carries all of them.
CREATE TABLE sealed_replies (
    record    BLOB PRIMARY KEY REFERENCES records ON DELETE CASCADE,
    file_name TEXT NOT NULL UNIQUE,  -- in the bag
    sealed    BLOB NOT NULL,
    carried   TEXT                   -- the day on which a bag first took it along
) STRICT;
