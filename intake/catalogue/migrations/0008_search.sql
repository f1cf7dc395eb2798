-- Everything that can be searched for. A subject is a drop, or a record that is about none.
CREATE TABLE subjects (
    subject INTEGER PRIMARY KEY,
    about   BLOB UNIQUE CHECK (length(about) = 32),  -- SHA-256 of the envelope of the drop
    record  BLOB UNIQUE CHECK (length(record) = 16)
) STRICT;

-- A line that says something. Its number begins with its subject's: findable >> 24.
CREATE TABLE findable (
    findable INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,  -- a record's kind, 'quote', 'drop', 'message', 'removed value'
    record   BLOB,
    at_ms    INTEGER,
    writer   TEXT,           -- folded
    term     TEXT,           -- folded, and whole: what filters ask for
    text     TEXT NOT NULL
) STRICT;
CREATE INDEX findable_record ON findable (record) WHERE record IS NOT NULL;
CREATE INDEX findable_term ON findable (kind, term) WHERE term IS NOT NULL;

-- The folded words of `text`, in the index only: nothing is deleted from it but by the same words.
CREATE VIRTUAL TABLE words USING fts5 (
    text, content = '', columnsize = 0, prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc Me'"
);
-- What is deleted leaves the index at once, not when it is next merged.
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);

-- The way words were folded; where it is another one, the index is made anew.
CREATE TABLE folding (folding TEXT NOT NULL) STRICT;
