-- What other desks' custody logs say they did with drops that they shared with this one.
CREATE TABLE elsewhere (
    signer      TEXT NOT NULL,     -- the other desk's signing key, hex
    number      INTEGER NOT NULL,  -- of the entry in its log
    entry       BLOB NOT NULL,     -- byte for byte
    drop_number INTEGER NOT NULL REFERENCES drops,
    desk        TEXT NOT NULL,     -- what it calls itself
    salt        TEXT NOT NULL,     -- by which the mark in the entry is proved, hex
    PRIMARY KEY (signer, number, entry)
) STRICT;
CREATE INDEX elsewhere_of ON elsewhere (drop_number);

-- How far these logs reached.
CREATE TABLE heads_elsewhere (
    signer TEXT NOT NULL,
    number INTEGER NOT NULL,
    hash   BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (signer, number, hash)
) STRICT;
