-- What each source was last told of its drops, by a state that only its codename opens.
CREATE TABLE told (
    source_number INTEGER PRIMARY KEY REFERENCES sources,
    opened        INTEGER NOT NULL CHECK (opened > 0),  -- how many of its drops
    file_name     TEXT NOT NULL                         -- of the state, in the outbox
) STRICT;
