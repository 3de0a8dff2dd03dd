-- expand: when runs begin by themselves, and what they share: schedules, backfills, assets; variables, connections, pools; what
-- machines decide, what instances wait for, and who did what.

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

-- What machines decide ------------------------------------------------------------------------------------------------

-- `unique_date` is the logical date, of which a DAG has one run: runs of before this migration may share one, and then only the
-- oldest has it here. An idempotency key lives as long as the run that was made with it.
ALTER TABLE dag_run ADD COLUMN unique_date INTEGER;
ALTER TABLE dag_run ADD COLUMN backfill_id INTEGER;
ALTER TABLE dag_run ADD COLUMN idempotency_key TEXT;
ALTER TABLE dag_run ADD COLUMN idempotency_digest BLOB;
UPDATE dag_run SET unique_date = logical_date
WHERE logical_date IS NOT NULL AND key = (SELECT min(o.key) FROM dag_run AS o
    WHERE o.tenant_id = dag_run.tenant_id AND o.dag_id = dag_run.dag_id AND o.logical_date = dag_run.logical_date);
CREATE UNIQUE INDEX dag_run_by_logical_date ON dag_run (tenant_id, dag_id, unique_date) WHERE unique_date IS NOT NULL;
CREATE UNIQUE INDEX dag_run_by_idempotency_key ON dag_run (tenant_id, dag_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- What stays as it was when the run was made.
ALTER TABLE dag_run_input ADD COLUMN is_latest INTEGER NOT NULL DEFAULT 1 CHECK (is_latest IN (0, 1));
ALTER TABLE dag_run_input ADD COLUMN variables TEXT NOT NULL DEFAULT '{}';
ALTER TABLE dag_run_input ADD COLUMN parent_run BLOB;
ALTER TABLE dag_run_input ADD COLUMN parent_node INTEGER;
ALTER TABLE dag_run_input ADD COLUMN parent_map_index INTEGER;
ALTER TABLE dag_run_input ADD COLUMN parent_depth INTEGER;

-- `since` is when the attempt first waited without a worker; `times_out` says that what is due at `retry_at` is its end.
ALTER TABLE task_instance ADD COLUMN since INTEGER;
ALTER TABLE task_instance ADD COLUMN times_out INTEGER NOT NULL DEFAULT 0;

-- Contexts of levels of mapping, a row for each expansion; those of mapped tasks outside groups follow from `task_node`.
CREATE TABLE map_block (
    tenant_id      INTEGER NOT NULL,
    run_key        BLOB NOT NULL,
    level          INTEGER NOT NULL,
    first          INTEGER NOT NULL,
    parent         INTEGER NOT NULL,
    length         INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    live           INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, run_key, level, first)
) STRICT, WITHOUT ROWID;

-- What successes said beside their values: choices, lengths of lists.
CREATE TABLE answer (
    tenant_id INTEGER NOT NULL,
    run_key   BLOB NOT NULL,
    node      INTEGER NOT NULL,
    map_index INTEGER NOT NULL,
    answer    TEXT NOT NULL,
    PRIMARY KEY (tenant_id, run_key, node, map_index)
) STRICT, WITHOUT ROWID;

-- What instances wait for without a worker. One that does not wait any more may have left its row: the instance's row decides.
CREATE TABLE wait (
    tenant_id INTEGER NOT NULL,
    run_key   BLOB NOT NULL,
    node      INTEGER NOT NULL,
    map_index INTEGER NOT NULL,
    fence     INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('time', 'asset', 'signal', 'dag_run')),
    key       TEXT NOT NULL,
    form      TEXT,
    PRIMARY KEY (tenant_id, run_key, node, map_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX wait_by_key ON wait (tenant_id, kind, key, run_key, node, map_index);

-- Signals to runs. One that nobody has taken names no node.
CREATE TABLE signal (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id INTEGER NOT NULL,
    id        BLOB NOT NULL CHECK (length(id) = 16),
    run_key   BLOB NOT NULL,
    name      TEXT NOT NULL,
    payload   TEXT NOT NULL,
    sent_by   TEXT NOT NULL,
    at        INTEGER NOT NULL,
    node      INTEGER,
    map_index INTEGER,
    UNIQUE (tenant_id, id)
) STRICT;
CREATE INDEX signal_by_run ON signal (tenant_id, run_key, number);

-- What people write beside instances.
CREATE TABLE task_instance_note (
    tenant_id INTEGER NOT NULL,
    run_key   BLOB NOT NULL,
    node      INTEGER NOT NULL,
    map_index INTEGER NOT NULL,
    note      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, run_key, node, map_index)
) STRICT, WITHOUT ROWID;

-- Who did what ---------------------------------------------------------------------------------------------------------

CREATE TABLE event_log (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id  INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    event      TEXT NOT NULL,
    owner      TEXT NOT NULL,
    dag_id     TEXT,
    run_id     TEXT,
    task_id    TEXT,
    map_index  INTEGER,
    try_number INTEGER,
    extra      TEXT NOT NULL
) STRICT;
CREATE INDEX event_log_by_tenant ON event_log (tenant_id, id);
CREATE INDEX event_log_by_dag ON event_log (tenant_id, dag_id, id) WHERE dag_id IS NOT NULL;
CREATE TRIGGER event_log_is_append_only BEFORE UPDATE ON event_log
BEGIN SELECT RAISE(ABORT, 'event_log is append-only'); END;
