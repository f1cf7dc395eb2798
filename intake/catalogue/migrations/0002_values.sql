-- What scrubbing removed, word for word, where the newsroom's policy is to keep it.
CREATE TABLE removed_values (
    drop_number INTEGER NOT NULL REFERENCES recordings,
    place       INTEGER NOT NULL,  -- in the manifest's order
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,     -- of the field it stood in
    text        TEXT NOT NULL,
    PRIMARY KEY (drop_number, place)
) STRICT;
