-- What the server's own test source sent: opened, and nothing of it kept but the day.
CREATE TABLE canaries (
    drop_number INTEGER PRIMARY KEY REFERENCES drops,
    day         TEXT NOT NULL  -- on which it was sent
) STRICT;
