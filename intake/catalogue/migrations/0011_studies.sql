-- What a recording's own headers say of its sound; 0 and '' where they don't.
CREATE TABLE stream_facts (
    drop_number INTEGER PRIMARY KEY REFERENCES drops,
    length_ms   INTEGER NOT NULL,
    sample_rate INTEGER NOT NULL,
    channels    INTEGER NOT NULL,
    bits        INTEGER NOT NULL,
    bitrate     INTEGER NOT NULL,  -- bits a second
    codec       TEXT NOT NULL
) STRICT;

-- What became of a recording that came uncleaned, or of a message that its source had encrypted,
-- when this desk tried. Where it was cleaned, the rest describes the cleaned copy.
CREATE TABLE cleanings (
    drop_number INTEGER PRIMARY KEY REFERENCES drops,
    outcome     TEXT NOT NULL,
    nested      INTEGER NOT NULL CHECK (nested IN (0, 1)),  -- OpenPGP inside the envelope
    size        INTEGER NOT NULL,
    sha256      TEXT NOT NULL,
    format      TEXT NOT NULL,
    extension   TEXT NOT NULL,
    removed     TEXT NOT NULL,  -- JSON: kind, and how often
    remains     TEXT NOT NULL
) STRICT;
