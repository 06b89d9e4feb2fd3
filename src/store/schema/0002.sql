-- Schema 2. What a destination calls an alert, where it has a name of its own for it: its answers may give that
-- name alone. It goes with the alert.
CREATE TABLE known_as (
    connection TEXT NOT NULL,
    name       TEXT NOT NULL,
    alert      INTEGER NOT NULL,
    PRIMARY KEY (connection, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_as_of_alert ON known_as (alert);
