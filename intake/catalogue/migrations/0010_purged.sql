-- What was destroyed for good. Its row in drops stays, so that no stick can bring it back.
CREATE TABLE purged (
    drop_number INTEGER PRIMARY KEY REFERENCES drops,
    day         TEXT NOT NULL,
    entry       INTEGER NOT NULL, -- of the custody log: a catalogue that reaches less far has its keys
    held        INTEGER NOT NULL CHECK (held IN (0, 1)) -- whether a verified backup held it then
) STRICT;

-- Mailboxes of which no drop is left: here until what waited for them has left the outbox.
CREATE TABLE purged_mailboxes (
    mailbox_id TEXT PRIMARY KEY
) STRICT;
