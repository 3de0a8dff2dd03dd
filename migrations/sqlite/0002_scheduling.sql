-- expand: when runs begin by themselves, and what they share: schedules, backfills, assets; variables, connections, pools.

-- Shared by tasks -----------------------------------------------------------------------------------------------------

CREATE TABLE variable (
    tenant_id   INTEGER NOT NULL,
    key         TEXT NOT NULL,
    value       TEXT NOT NULL,
    description TEXT,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE connection (
    tenant_id     INTEGER NOT NULL,
    connection_id TEXT NOT NULL,
    conn_type     TEXT NOT NULL,
    description   TEXT,
    host          TEXT,
    login         TEXT,
    password      TEXT,
    schema        TEXT,
    port          INTEGER,
    extra         TEXT,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, connection_id)
) STRICT, WITHOUT ROWID;

-- Without a number of slots there is no limit.
CREATE TABLE pool (
    tenant_id        INTEGER NOT NULL,
    name             TEXT NOT NULL,
    slots            INTEGER CHECK (slots >= 0),
    description      TEXT,
    include_deferred INTEGER NOT NULL CHECK (include_deferred IN (0, 1)),
    updated_at       INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;

-- Schedules -----------------------------------------------------------------------------------------------------------

ALTER TABLE dag ADD COLUMN pause_reason TEXT;
ALTER TABLE dag ADD COLUMN unpaused_at INTEGER;

-- How far the schedule of each DAG is dealt with. `is_paused` says what `dag` says, so that the index leaves out what waits.
CREATE TABLE dag_schedule (
    tenant_id    INTEGER NOT NULL,
    dag_id       TEXT NOT NULL,
    version      BLOB NOT NULL CHECK (length(version) = 16),
    digest       BLOB NOT NULL CHECK (length(digest) = 32),
    since        INTEGER NOT NULL,
    cursor       INTEGER NOT NULL,
    next_fire_at INTEGER,
    last_fire_at INTEGER,
    skipped      INTEGER NOT NULL,
    is_paused    INTEGER NOT NULL CHECK (is_paused IN (0, 1)),
    PRIMARY KEY (tenant_id, dag_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dag_schedule_by_next_fire ON dag_schedule (tenant_id, next_fire_at)
    WHERE next_fire_at IS NOT NULL AND is_paused = 0;

-- One run for each date: whoever makes it a second time makes nothing.
CREATE UNIQUE INDEX dag_run_by_logical_date ON dag_run (tenant_id, dag_id, logical_date)
    WHERE run_type IN ('scheduled', 'backfill');

-- Backfills -----------------------------------------------------------------------------------------------------------

CREATE TABLE backfill (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id       INTEGER NOT NULL,
    dag_id          TEXT NOT NULL,
    state           TEXT NOT NULL,
    from_date       INTEGER NOT NULL,
    to_date         INTEGER NOT NULL,
    is_backwards    INTEGER NOT NULL CHECK (is_backwards IN (0, 1)),
    reprocess       TEXT NOT NULL,
    max_active_runs INTEGER NOT NULL,
    version         BLOB,
    conf            TEXT NOT NULL,
    params          TEXT,
    created_by      TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    ended_at        INTEGER
) STRICT;
CREATE INDEX backfill_by_tenant ON backfill (tenant_id, id);
CREATE INDEX backfill_by_dag ON backfill (tenant_id, dag_id, id);
CREATE UNIQUE INDEX backfill_unfinished ON backfill (tenant_id, dag_id) WHERE state IN ('running', 'paused');

-- A date is begun by writing the key of its run; the run itself follows.
CREATE TABLE backfill_slice (
    tenant_id     INTEGER NOT NULL,
    backfill_id   INTEGER NOT NULL,
    ordinal       INTEGER NOT NULL,
    logical_date  INTEGER NOT NULL,
    interval_from INTEGER NOT NULL,
    interval_to   INTEGER NOT NULL,
    run_after     INTEGER NOT NULL,
    state         TEXT NOT NULL,
    run_key       BLOB,
    clears_before INTEGER,
    PRIMARY KEY (tenant_id, backfill_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX backfill_slice_open ON backfill_slice (tenant_id, backfill_id, state, ordinal)
    WHERE state IN ('waiting', 'begun');

-- Assets --------------------------------------------------------------------------------------------------------------

CREATE TABLE asset (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id  INTEGER NOT NULL,
    name       TEXT NOT NULL,
    uri        TEXT,
    in_group   TEXT,
    extra      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
) STRICT;

-- What the current version of each DAG has to do with assets; no task for a schedule that waits.
CREATE TABLE asset_user (
    tenant_id INTEGER NOT NULL,
    asset_id  INTEGER NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('produced', 'read', 'awaited')),
    dag_id    TEXT NOT NULL,
    task_id   TEXT NOT NULL,
    PRIMARY KEY (tenant_id, asset_id, kind, dag_id, task_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_user_by_dag ON asset_user (tenant_id, dag_id);

CREATE TABLE asset_event (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id  INTEGER NOT NULL,
    asset_id   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    extra      TEXT NOT NULL,
    -- Who told of it through the API, or which instance's success did.
    told_by    TEXT,
    dag_id     TEXT,
    run_key    BLOB,
    run_id     TEXT,
    task_id    TEXT,
    map_index  INTEGER,
    CHECK ((told_by IS NULL) <> (dag_id IS NULL))
) STRICT;
CREATE INDEX asset_event_by_tenant ON asset_event (tenant_id, id);
CREATE INDEX asset_event_by_asset ON asset_event (tenant_id, asset_id, id);
CREATE INDEX asset_event_by_source ON asset_event (tenant_id, dag_id, id) WHERE dag_id IS NOT NULL;

-- Events that wait for DAGs.
CREATE TABLE asset_waiting (
    tenant_id INTEGER NOT NULL,
    dag_id    TEXT NOT NULL,
    event_id  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, dag_id, event_id)
) STRICT, WITHOUT ROWID;

-- An event waits for everybody who waits for its asset when it comes.
CREATE TRIGGER asset_event_waits AFTER INSERT ON asset_event
BEGIN
    INSERT INTO asset_waiting (tenant_id, dag_id, event_id)
    SELECT u.tenant_id, u.dag_id, new.id
    FROM asset_user AS u
    WHERE u.tenant_id = new.tenant_id AND u.asset_id = new.asset_id AND u.kind = 'awaited'
    ON CONFLICT DO NOTHING;
END;

-- Which runs consumed which events.
CREATE TABLE asset_consumed (
    tenant_id INTEGER NOT NULL,
    run_key   BLOB NOT NULL,
    event_id  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, run_key, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_consumed_by_event ON asset_consumed (tenant_id, event_id, run_key);

-- Runs that are to be made of what was consumed; a row goes away when its run is there.
CREATE TABLE asset_start (
    tenant_id     INTEGER NOT NULL,
    run_key       BLOB NOT NULL,
    dag_id        TEXT NOT NULL,
    interval_from INTEGER NOT NULL,
    interval_to   INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, run_key)
) STRICT, WITHOUT ROWID;

-- What people write beside instances.
CREATE TABLE task_instance_note (
    tenant_id INTEGER NOT NULL,
    run_key   BLOB NOT NULL,
    node      INTEGER NOT NULL,
    map_index INTEGER NOT NULL,
    note      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, run_key, node, map_index)
) STRICT, WITHOUT ROWID;
