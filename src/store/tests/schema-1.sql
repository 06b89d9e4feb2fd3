-- A store as schema 1 was written: three signals, two alerts, three deliveries owed. Never edited: what has to be upgraded is out there.
PRAGMA application_id = 1095648334;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO facts VALUES('hash_key',X'f45bd9c221afb9905fe697c899e6df49');
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
INSERT INTO signals VALUES(1882672914051891200,-3228224620821513157,0,1882672914052939776,NULL,'local','generic','event','05feb8411c27cddd3be3ade620e6dae4005fe004872e8b6648dd246ea3f368be',1795456804325068807,1795456804325068807,1795456804325068807,NULL,NULL,NULL);
INSERT INTO signals VALUES(1882672914094882816,3542774703674368719,0,1882672914052939776,NULL,'local','generic','event','df94c9bedf7289b3e7d85ac5558a92edbbe2f9233a6a661ffa9d504f6b9e6a80',1795456804366856477,1795456804366856477,1795456804366856477,NULL,NULL,NULL);
INSERT INTO signals VALUES(1882672914125291520,431237389566869910,0,1882672914127388672,NULL,'local','generic','event','96a11a8771a25cbf6e9158b6404f8029497e496bc96759b392141fb39f62d77a',1795456804395934921,1795456804395934921,1795456804395934921,NULL,NULL,NULL);
CREATE TABLE contents (
    id      INTEGER PRIMARY KEY,           -- signals.id
    data    TEXT,                          -- JSON; null where it is `raw`, Andon's own fields aside
    trace   TEXT,                          -- of a stuck signal
    path    TEXT,
    headers TEXT,                          -- JSON; null with a shared body
    raw     BLOB                           -- null with a shared body
) STRICT;
INSERT INTO contents VALUES(1882672914051891200,'{"key":"a","title":"drift","severity":"high","model":"m","value":1,"at":"2026-11-23T18:00:04.325068807Z","id":"05feb8411c27cddd3be3ade620e6dae4005fe004872e8b6648dd246ea3f368be"}',NULL,NULL,'[["user-agent","curl/7.88.1"],["content-type","application/json"]]',X'7b226b6579223a2261222c227469746c65223a226472696674222c227365766572697479223a2268696768222c226d6f64656c223a226d222c2276616c7565223a317d');
INSERT INTO contents VALUES(1882672914094882816,'{"key":"a","title":"drift","severity":"high","model":"m","value":2,"at":"2026-11-23T18:00:04.366856477Z","id":"df94c9bedf7289b3e7d85ac5558a92edbbe2f9233a6a661ffa9d504f6b9e6a80"}',NULL,NULL,'[["user-agent","curl/7.88.1"],["content-type","application/json"]]',X'7b226b6579223a2261222c227469746c65223a226472696674222c227365766572697479223a2268696768222c226d6f64656c223a226d222c2276616c7565223a327d');
INSERT INTO contents VALUES(1882672914125291520,'{"key":"b","title":"drift","severity":"low","model":"m","value":3,"at":"2026-11-23T18:00:04.395934921Z","id":"96a11a8771a25cbf6e9158b6404f8029497e496bc96759b392141fb39f62d77a"}',NULL,NULL,'[["user-agent","curl/7.88.1"],["content-type","application/json"]]',X'7b226b6579223a2262222c227469746c65223a226472696674222c227365766572697479223a226c6f77222c226d6f64656c223a226d222c2276616c7565223a337d');
CREATE TABLE bodies (
    id      INTEGER PRIMARY KEY,
    path    TEXT,
    headers TEXT NOT NULL,
    raw     BLOB NOT NULL
) STRICT;
CREATE TABLE signal_alerts (
    signal INTEGER NOT NULL,
    alert  INTEGER NOT NULL,
    PRIMARY KEY (signal, alert)
) STRICT, WITHOUT ROWID;
CREATE TABLE look_ups (
    signal     INTEGER PRIMARY KEY,
    attempts   INTEGER NOT NULL,
    next_at_ms INTEGER NOT NULL,
    progress   TEXT NOT NULL,              -- JSON; what was looked up so far
    error      TEXT
) STRICT;
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
INSERT INTO alerts VALUES(1882672914052939776,4368537135654885833,1,4,2,2,1882672914094882816,1795456804368212538,1795456804366856477,1795543204368,1795543204368,NULL,'platform-alert','generic-event','local',NULL,NULL);
INSERT INTO alerts VALUES(1882672914127388672,1319465755534639656,1,2,3,1,1882672914125291520,1795456804397414211,1795456804395934921,1795543204397,1795543204397,NULL,'platform-alert','generic-event','local',NULL,NULL);
CREATE TABLE revisions (
    id       INTEGER PRIMARY KEY,
    alert    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    previous INTEGER,
    made_ms  INTEGER NOT NULL,
    json     TEXT NOT NULL
) STRICT;
INSERT INTO revisions VALUES(1,1882672914052939776,1,NULL,1795456804326,'{"id":"alt_1m84s19f60000","revision":1,"state":"open","mapping":"generic-event","key":"[\"generic-event\",\"local\",\"a\",\"m\"]","kind":"platform-alert","severity":"high","title":"m: drift","at":"2026-11-23T18:00:04.325068807Z","revised_at":"2026-11-23T18:00:04.32647977Z","first_seen":"2026-11-23T18:00:04.32647977Z","last_seen":"2026-11-23T18:00:04.32647977Z","count":1,"model":{"name":"m"},"measured":{"value":1},"fields":{"subject":"m","headline":"drift","value":1},"links":[{"text":"Andon record","href":"http://127.0.0.1:17399/v1/alerts/alt_1m84s19f60000"}],"origin":{"connection":"local","connector":"generic","host":"localhost"},"signal":"sig_1m84s19f50000","told":["soc"]}');
INSERT INTO revisions VALUES(2,1882672914052939776,2,1,1795456804368,'{"id":"alt_1m84s19f60000","revision":2,"state":"updated","mapping":"generic-event","key":"[\"generic-event\",\"local\",\"a\",\"m\"]","kind":"platform-alert","severity":"high","title":"m: drift","at":"2026-11-23T18:00:04.366856477Z","revised_at":"2026-11-23T18:00:04.368212538Z","first_seen":"2026-11-23T18:00:04.32647977Z","last_seen":"2026-11-23T18:00:04.368212538Z","count":2,"model":{"name":"m"},"measured":{"value":2},"fields":{"subject":"m","headline":"drift","value":2},"links":[{"text":"Andon record","href":"http://127.0.0.1:17399/v1/alerts/alt_1m84s19f60000"}],"origin":{"connection":"local","connector":"generic","host":"localhost"},"signal":"sig_1m84s19ge0000","told":["soc"]}');
INSERT INTO revisions VALUES(3,1882672914127388672,1,NULL,1795456804397,'{"id":"alt_1m84s19hd0000","revision":1,"state":"open","mapping":"generic-event","key":"[\"generic-event\",\"local\",\"b\",\"m\"]","kind":"platform-alert","severity":"low","title":"m: drift","at":"2026-11-23T18:00:04.395934921Z","revised_at":"2026-11-23T18:00:04.397414211Z","first_seen":"2026-11-23T18:00:04.397414211Z","last_seen":"2026-11-23T18:00:04.397414211Z","count":1,"model":{"name":"m"},"measured":{"value":3},"fields":{"subject":"m","headline":"drift","value":3},"links":[{"text":"Andon record","href":"http://127.0.0.1:17399/v1/alerts/alt_1m84s19hd0000"}],"origin":{"connection":"local","connector":"generic","host":"localhost"},"signal":"sig_1m84s19hb0000","told":["soc"]}');
CREATE TABLE destinations (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO destinations VALUES(1,'soc');
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
INSERT INTO outbox VALUES(1,1,1882672914052939776,1,1,1795456804327,0,2,1795456806301,'cannot send to `soc`: cannot reach `127.0.0.1:9`: Connection refused (os error 111)');
INSERT INTO outbox VALUES(1,2,1882672914052939776,2,2,1795456804368,0,0,9223372036854775807,NULL);
INSERT INTO outbox VALUES(1,3,1882672914127388672,3,1,1795456804397,0,1,1795456806301,'cannot send to `soc`: cannot reach `127.0.0.1:9`: Connection refused (os error 111)');
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
CREATE TABLE calls (
    action INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    json   TEXT NOT NULL,
    PRIMARY KEY (action, seq)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE cursors (
    connection TEXT NOT NULL,
    signal     TEXT NOT NULL,
    json       TEXT NOT NULL,
    PRIMARY KEY (connection, signal)
) STRICT, WITHOUT ROWID;
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
CREATE INDEX signals_unsettled ON signals (state, id) WHERE state > 0;
CREATE INDEX signals_of_body ON signals (body) WHERE body IS NOT NULL;
CREATE INDEX look_ups_due ON look_ups (next_at_ms);
CREATE INDEX alerts_open ON alerts (id, key_hash) WHERE open = 1;
CREATE INDEX alerts_quiet ON alerts (check_ms) WHERE open = 1 AND check_ms IS NOT NULL;
CREATE INDEX alerts_repeat ON alerts (repeat_ms) WHERE open = 1 AND repeat_ms IS NOT NULL;
CREATE INDEX outbox_postponed ON outbox (destination, next_at_ms) WHERE next_at_ms IS NOT NULL;
CREATE INDEX outbox_of_alert ON outbox (destination, alert, seq) WHERE newest_only = 1 OR next_at_ms IS NOT NULL;
CREATE INDEX actions_open ON actions (id) WHERE open = 1;
CREATE INDEX actions_until ON actions (until_ms) WHERE until_ms IS NOT NULL;
CREATE INDEX actions_of_alert ON actions (alert) WHERE alert IS NOT NULL;
CREATE UNIQUE INDEX actions_asked_once ON actions (caller, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX echoes_expected ON echoes (connection, signal, until_ms) WHERE used_by IS NULL;
COMMIT;
PRAGMA user_version = 1;
