PRAGMA journal_mode = WAL;

-- Settings of the database: security object, revision limit.
CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- One row per document id ever used; the winning revision and the sequence of the last change.
CREATE TABLE documents (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE,
    winner INTEGER NOT NULL,
    deleted INTEGER NOT NULL
) WITHOUT ROWID;

-- How many of them live and how many are deleted: every listing tells, and counting them takes time.
CREATE TABLE counts (deleted INTEGER PRIMARY KEY, documents INTEGER NOT NULL);
INSERT INTO counts VALUES (0, 0), (1, 0);

-- The revision tree. body is NULL when only the name of the revision is known.
CREATE TABLE revisions (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    gen INTEGER NOT NULL,
    hash TEXT NOT NULL,
    parent INTEGER,
    leaf INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    body BLOB,
    attachments TEXT,
    UNIQUE (id, gen, hash)
);
CREATE INDEX leaves ON revisions (id) WHERE leaf = 1;

CREATE TABLE local_documents (id TEXT PRIMARY KEY, rev INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;

-- Attachment bytes. A blob that no revision names is garbage until the next compaction.
CREATE TABLE blobs (n INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE chunks (blob INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (blob, n));

-- One index per distinct set of map functions, one map per distinct function text in it.
CREATE TABLE indexes (n INTEGER PRIMARY KEY, signature TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL);
CREATE TABLE maps (n INTEGER PRIMARY KEY, idx INTEGER NOT NULL, position INTEGER NOT NULL, count INTEGER NOT NULL);
CREATE TABLE rows (
    map INTEGER NOT NULL,
    key BLOB NOT NULL,
    id TEXT NOT NULL,
    n INTEGER NOT NULL,
    keytext BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (map, key, id, n)
) WITHOUT ROWID;
CREATE INDEX rows_by_id ON rows (map, id);
