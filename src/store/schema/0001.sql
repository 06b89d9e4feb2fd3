-- Schema 1. Tables are keyed so that what arrives is appended; an index on a path that every signal
-- takes is partial and grows at its end. Columns named *_ms are milliseconds since 1970. Columns of
-- type ANY hold an instant exactly: nanoseconds since 1970, or RFC 3339 where those do not fit.

-- One row for each fact about the store itself.
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- Narrow, so that lists, counts and the window of repeats read little.
CREATE TABLE signals (
    id          INTEGER PRIMARY KEY,
    repeat_hash INTEGER NOT NULL,          -- of connection, name and vendor id
    state       INTEGER NOT NULL,          -- 0 read, 1 waiting, 2 stuck, 3 refused
    alert       INTEGER,                   -- the first alert it counts in; more are in signal_alerts
    body        INTEGER,                   -- bodies.id, where several signals share one body
    connection  TEXT NOT NULL,
    connector   TEXT NOT NULL,
    signal      TEXT NOT NULL,
    vendor_id   TEXT NOT NULL,
    at          ANY NOT NULL,
    received_at ANY NOT NULL,
    now         ANY NOT NULL,
    change      INTEGER,                   -- 0 new, 1 changed, 2 same, 3 gone
    echo_of     INTEGER,
    reason      TEXT                       -- why it is stuck or refused, one line
) STRICT;
CREATE INDEX signals_unsettled ON signals (state, id) WHERE state > 0;
CREATE INDEX signals_of_body ON signals (body) WHERE body IS NOT NULL;

-- The wide part of a signal, one row for each.
CREATE TABLE contents (
    id      INTEGER PRIMARY KEY,           -- signals.id
    data    TEXT,                          -- JSON; null where it is `raw`, Andon's own fields aside
    trace   TEXT,                          -- of a stuck signal
    path    TEXT,
    headers TEXT,                          -- JSON; null with a shared body
    raw     BLOB                           -- null with a shared body
) STRICT;

-- Bodies that hold several signals.
CREATE TABLE bodies (
    id      INTEGER PRIMARY KEY,
    path    TEXT,
    headers TEXT NOT NULL,
    raw     BLOB NOT NULL
) STRICT;

-- The second and further alerts that one signal counts in; seldom used.
CREATE TABLE signal_alerts (
    signal INTEGER NOT NULL,
    alert  INTEGER NOT NULL,
    PRIMARY KEY (signal, alert)
) STRICT, WITHOUT ROWID;

-- Signals that wait for a look-up.
CREATE TABLE look_ups (
    signal     INTEGER PRIMARY KEY,
    attempts   INTEGER NOT NULL,
    next_at_ms INTEGER NOT NULL,
    progress   TEXT NOT NULL,              -- JSON; what was looked up so far
    error      TEXT
) STRICT;
CREATE INDEX look_ups_due ON look_ups (next_at_ms);

-- Narrow: what an alert shows is its newest revision; what moves without one stands here.
CREATE TABLE alerts (
    id          INTEGER PRIMARY KEY,
    key_hash    INTEGER NOT NULL,
    open        INTEGER NOT NULL,
    severity    INTEGER NOT NULL,
    revision    INTEGER NOT NULL,          -- revisions.id of the newest
    count       INTEGER NOT NULL,
    signal      INTEGER NOT NULL,
    last_seen   ANY NOT NULL,
    at          ANY NOT NULL,
    check_ms    INTEGER,                   -- when to look whether it has gone quiet; never late, sometimes early
    quiet_ms    INTEGER,                   -- when it has gone quiet
    repeat_ms   INTEGER,                   -- when it is said again
    kind        TEXT NOT NULL,
    mapping     TEXT NOT NULL,
    connection  TEXT NOT NULL,
    measured    TEXT,                      -- JSON; null while it is as the revision shows it
    evidence    TEXT
) STRICT;
CREATE INDEX alerts_open ON alerts (id, key_hash) WHERE open = 1;
CREATE INDEX alerts_quiet ON alerts (check_ms) WHERE open = 1 AND check_ms IS NOT NULL;
CREATE INDEX alerts_repeat ON alerts (repeat_ms) WHERE open = 1 AND repeat_ms IS NOT NULL;

-- Each revision as it was made. `previous` chains an alert's history without an index.
CREATE TABLE revisions (
    id       INTEGER PRIMARY KEY,
    alert    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    previous INTEGER,
    made_ms  INTEGER NOT NULL,
    json     TEXT NOT NULL
) STRICT;

CREATE TABLE destinations (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- What is owed. Each destination appends at its own end of the tree, so that the backlog of one
-- costs neither the others nor what is new. A row is taken away when it was delivered.
CREATE TABLE outbox (
    destination INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    alert       INTEGER NOT NULL,
    revision    INTEGER NOT NULL,          -- revisions.id
    number      INTEGER NOT NULL,          -- the alert's revision
    owed_ms     INTEGER NOT NULL,
    newest_only INTEGER NOT NULL,          -- 1 for destinations of state: older waiting revisions may go
    attempts    INTEGER NOT NULL,
    next_at_ms  INTEGER,                   -- null: never tried; else when to try again
    error       TEXT,
    PRIMARY KEY (destination, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_postponed ON outbox (destination, next_at_ms) WHERE next_at_ms IS NOT NULL;
CREATE INDEX outbox_of_alert ON outbox (destination, alert, seq) WHERE newest_only = 1 OR next_at_ms IS NOT NULL;

CREATE TABLE dead_letters (
    seq         INTEGER PRIMARY KEY,
    destination INTEGER NOT NULL,
    alert       INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    newest_only INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    died_ms     INTEGER NOT NULL,
    status      INTEGER,
    body        BLOB NOT NULL,
    reason      TEXT NOT NULL
) STRICT;

CREATE TABLE actions (
    id              INTEGER PRIMARY KEY,
    open            INTEGER NOT NULL,      -- work is left to do now
    until_ms        INTEGER,               -- when it is undone
    alert           INTEGER,
    state           TEXT NOT NULL,
    action          TEXT NOT NULL,
    connection      TEXT NOT NULL,
    caller          TEXT NOT NULL,
    idempotency_key TEXT,
    json            TEXT NOT NULL
) STRICT;
CREATE INDEX actions_open ON actions (id) WHERE open = 1;
CREATE INDEX actions_until ON actions (until_ms) WHERE until_ms IS NOT NULL;
CREATE INDEX actions_of_alert ON actions (alert) WHERE alert IS NOT NULL;
CREATE UNIQUE INDEX actions_asked_once ON actions (caller, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE calls (
    action INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    json   TEXT NOT NULL,
    PRIMARY KEY (action, seq)
) STRICT, WITHOUT ROWID;

-- Signals that Andon's own calls are expected to cause.
CREATE TABLE echoes (
    id         INTEGER PRIMARY KEY,
    connection TEXT NOT NULL,
    connector  TEXT NOT NULL,
    signal     TEXT NOT NULL,
    action     INTEGER NOT NULL,
    expected   TEXT NOT NULL,              -- JSON; what containment needs to recognise it
    from_ms    INTEGER NOT NULL,
    until_ms   INTEGER NOT NULL,
    used_by    INTEGER                     -- signals.id
) STRICT;
CREATE INDEX echoes_expected ON echoes (connection, signal, until_ms) WHERE used_by IS NULL;

CREATE TABLE cursors (
    connection TEXT NOT NULL,
    signal     TEXT NOT NULL,
    json       TEXT NOT NULL,
    PRIMARY KEY (connection, signal)
) STRICT, WITHOUT ROWID;

-- The last reading of each polled item.
CREATE TABLE polled (
    connection TEXT NOT NULL,
    signal     TEXT NOT NULL,
    item       TEXT NOT NULL,
    scan       INTEGER NOT NULL,
    data       TEXT NOT NULL,
    PRIMARY KEY (connection, signal, item)
) STRICT;

CREATE TABLE files (
    connection TEXT NOT NULL,
    path       TEXT NOT NULL,
    sha256     BLOB NOT NULL,
    read_ms    INTEGER NOT NULL,
    PRIMARY KEY (connection, path, sha256)
) STRICT, WITHOUT ROWID;

-- Append only; each digest covers the row and the digest before it.
CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    who    TEXT NOT NULL,
    what   TEXT NOT NULL,
    json   TEXT NOT NULL,
    digest BLOB NOT NULL
) STRICT;

CREATE TABLE revoked (
    hash  TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    who   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE flags (
    name  TEXT PRIMARY KEY,
    who   TEXT NOT NULL,
    why   TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
