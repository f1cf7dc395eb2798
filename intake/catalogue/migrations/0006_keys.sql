-- What opens a drop without a card: destroyed, the working copy can't be read any more, and neither
-- can the envelope once the newsroom's subkeys that it was sealed to are gone.
CREATE TABLE drop_keys (
    drop_number INTEGER PRIMARY KEY REFERENCES drops,
    copy_key    BLOB NOT NULL CHECK (length(copy_key) = 32),
    session_key TEXT NOT NULL,  -- of the OpenPGP message, as gpg says it: algorithm:hex
    subkey      TEXT            -- the fingerprint of the subkey that opened it here first
) STRICT;
