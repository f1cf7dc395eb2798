-- A drop is an envelope that arrived, or that a signed bag promised and that did not arrive.
CREATE TABLE drops (
    drop_number INTEGER PRIMARY KEY,
    digest      BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),  -- SHA-256 of the envelope
    status      TEXT NOT NULL CHECK (status IN ('stored', 'opened', 'set aside')),
    set_aside   TEXT CHECK ((set_aside IS NOT NULL) = (status = 'set aside'))
) STRICT;

-- Whoever sent drops with one codename. What links them is known only here, and in the envelopes.
CREATE TABLE sources (
    source_number INTEGER PRIMARY KEY,
    mailbox_id    TEXT NOT NULL,
    pseudonym     TEXT NOT NULL,
    reply_key     TEXT NOT NULL,
    UNIQUE (mailbox_id, pseudonym, reply_key)
) STRICT;

-- What the manifest of an opened envelope says of the recording, or message, inside.
CREATE TABLE recordings (
    drop_number     INTEGER PRIMARY KEY REFERENCES drops,
    source_number   INTEGER NOT NULL REFERENCES sources,
    name            TEXT NOT NULL,
    size            INTEGER NOT NULL,  -- bytes
    sha256          TEXT NOT NULL,
    format          TEXT NOT NULL,
    condition       TEXT NOT NULL,
    day             TEXT NOT NULL,     -- of arrival at the server; nothing finer is known
    newsroom_digest TEXT NOT NULL,
    recipients      INTEGER NOT NULL   -- as the manifest says
) STRICT;
CREATE INDEX recordings_by_source ON recordings (source_number);

-- Kinds and counts of what scrubbing removed, and of what remains.
CREATE TABLE findings (
    drop_number INTEGER NOT NULL REFERENCES recordings,
    remains     INTEGER NOT NULL CHECK (remains IN (0, 1)),
    kind        TEXT NOT NULL,
    count       INTEGER NOT NULL,
    PRIMARY KEY (drop_number, remains, kind)
) STRICT;

CREATE TABLE alarms (
    drop_number INTEGER NOT NULL REFERENCES drops,
    alarm       TEXT NOT NULL,
    PRIMARY KEY (drop_number, alarm)
) STRICT;
