-- What opens, without a card, an OpenPGP message that a source had made before it was sent: the
-- copy of what is inside is a cache, and the subkey may be destroyed.
CREATE TABLE inside_keys (
    drop_number INTEGER PRIMARY KEY REFERENCES drops,
    session_key TEXT NOT NULL,  -- as gpg says it: algorithm:hex
    subkey      TEXT            -- the fingerprint of the subkey that opened it here first
) STRICT;
