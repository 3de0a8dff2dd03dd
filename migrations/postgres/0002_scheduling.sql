-- expand: when runs begin by themselves, and what they share: schedules, backfills, assets; variables, connections, pools; what
-- machines decide, what instances wait for, and who did what.

-- Shared by tasks -----------------------------------------------------------------------------------------------------

CREATE TABLE variable (
    tenant_id   bigint NOT NULL,
    key         text COLLATE "C" NOT NULL,
    value       text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    updated_at  bigint NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

CREATE TABLE connection (
    tenant_id     bigint NOT NULL,
    connection_id text COLLATE "C" NOT NULL,
    conn_type     text COLLATE "C" NOT NULL,
    description   text COLLATE "C",
    host          text COLLATE "C",
    login         text COLLATE "C",
    password      text COLLATE "C",
    schema        text COLLATE "C",
    port          integer,
    extra         text COLLATE "C",
    updated_at    bigint NOT NULL,
    PRIMARY KEY (tenant_id, connection_id)
);

-- Without a number of slots there is no limit.
CREATE TABLE pool (
    tenant_id        bigint NOT NULL,
    name             text COLLATE "C" NOT NULL,
    slots            bigint CHECK (slots >= 0),
    description      text COLLATE "C",
    include_deferred boolean NOT NULL,
    updated_at       bigint NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- Schedules -----------------------------------------------------------------------------------------------------------

ALTER TABLE dag ADD COLUMN pause_reason text COLLATE "C";
ALTER TABLE dag ADD COLUMN unpaused_at bigint;

-- How far the schedule of each DAG is dealt with. `is_paused` says what `dag` says, so that the index leaves out what waits.
CREATE TABLE dag_schedule (
    tenant_id    bigint NOT NULL,
    dag_id       text COLLATE "C" NOT NULL,
    version      uuid NOT NULL,
    digest       bytea NOT NULL CHECK (octet_length(digest) = 32),
    since        bigint NOT NULL,
    cursor       bigint NOT NULL,
    next_fire_at bigint,
    last_fire_at bigint,
    skipped      bigint NOT NULL,
    is_paused    boolean NOT NULL,
    PRIMARY KEY (tenant_id, dag_id)
);
CREATE INDEX dag_schedule_by_next_fire ON dag_schedule (tenant_id, next_fire_at)
    WHERE next_fire_at IS NOT NULL AND NOT is_paused;

-- Backfills -----------------------------------------------------------------------------------------------------------

CREATE TABLE backfill (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id       bigint NOT NULL,
    dag_id          text COLLATE "C" NOT NULL,
    state           text COLLATE "C" NOT NULL,
    from_date       bigint NOT NULL,
    to_date         bigint NOT NULL,
    is_backwards    boolean NOT NULL,
    reprocess       text COLLATE "C" NOT NULL,
    max_active_runs integer NOT NULL,
    version         uuid,
    conf            text COLLATE "C" NOT NULL,
    params          text COLLATE "C",
    created_by      text COLLATE "C" NOT NULL,
    created_at      bigint NOT NULL,
    updated_at      bigint NOT NULL,
    ended_at        bigint
);
CREATE INDEX backfill_by_dag ON backfill (tenant_id, dag_id, id);
CREATE UNIQUE INDEX backfill_unfinished ON backfill (tenant_id, dag_id) WHERE state IN ('running', 'paused');
-- Of indexes that look alike to it while a table is empty, PostgreSQL takes the one that was made last.
ALTER TABLE backfill ADD PRIMARY KEY (tenant_id, id);

-- A date is begun by writing the key of its run; the run itself follows.
CREATE TABLE backfill_slice (
    tenant_id     bigint NOT NULL,
    backfill_id   bigint NOT NULL,
    ordinal       integer NOT NULL,
    logical_date  bigint NOT NULL,
    interval_from bigint NOT NULL,
    interval_to   bigint NOT NULL,
    run_after     bigint NOT NULL,
    state         text COLLATE "C" NOT NULL,
    run_key       uuid,
    clears_before integer,
    PRIMARY KEY (tenant_id, backfill_id, ordinal)
);
CREATE INDEX backfill_slice_open ON backfill_slice (tenant_id, backfill_id, state, ordinal)
    WHERE state IN ('waiting', 'begun');

-- Assets --------------------------------------------------------------------------------------------------------------

CREATE TABLE asset (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  bigint NOT NULL,
    name       text COLLATE "C" NOT NULL,
    uri        text COLLATE "C",
    in_group   text COLLATE "C",
    extra      text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    UNIQUE (tenant_id, name)
);

-- What the current version of each DAG has to do with assets; no task for a schedule that waits.
CREATE TABLE asset_user (
    tenant_id bigint NOT NULL,
    asset_id  bigint NOT NULL,
    kind      text COLLATE "C" NOT NULL CHECK (kind IN ('produced', 'read', 'awaited')),
    dag_id    text COLLATE "C" NOT NULL,
    task_id   text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, asset_id, kind, dag_id, task_id)
);
CREATE INDEX asset_user_by_dag ON asset_user (tenant_id, dag_id);

CREATE TABLE asset_event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  bigint NOT NULL,
    asset_id   bigint NOT NULL,
    at         bigint NOT NULL,
    extra      text COLLATE "C" NOT NULL,
    -- Who told of it through the API, or which instance's success did.
    told_by    text COLLATE "C",
    dag_id     text COLLATE "C",
    run_key    uuid,
    run_id     text COLLATE "C",
    task_id    text COLLATE "C",
    map_index  integer,
    CHECK ((told_by IS NULL) <> (dag_id IS NULL))
);
CREATE INDEX asset_event_by_tenant ON asset_event (tenant_id, id);
CREATE INDEX asset_event_by_asset ON asset_event (tenant_id, asset_id, id);
CREATE INDEX asset_event_by_source ON asset_event (tenant_id, dag_id, id) WHERE dag_id IS NOT NULL;

-- Events that wait for DAGs.
CREATE TABLE asset_waiting (
    tenant_id bigint NOT NULL,
    dag_id    text COLLATE "C" NOT NULL,
    event_id  bigint NOT NULL,
    PRIMARY KEY (tenant_id, dag_id, event_id)
);

-- An event waits for everybody who waits for its asset when it comes.
CREATE FUNCTION asset_event_waits() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    INSERT INTO asset_waiting (tenant_id, dag_id, event_id)
    SELECT u.tenant_id, u.dag_id, new.id
    FROM asset_user AS u
    WHERE u.tenant_id = new.tenant_id AND u.asset_id = new.asset_id AND u.kind = 'awaited'
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$function$;
CREATE TRIGGER asset_event_waits AFTER INSERT ON asset_event FOR EACH ROW EXECUTE FUNCTION asset_event_waits();

-- Which runs consumed which events.
CREATE TABLE asset_consumed (
    tenant_id bigint NOT NULL,
    run_key   uuid NOT NULL,
    event_id  bigint NOT NULL,
    PRIMARY KEY (tenant_id, run_key, event_id)
);
CREATE INDEX asset_consumed_by_event ON asset_consumed (tenant_id, event_id, run_key);

-- Runs that are to be made of what was consumed; a row goes away when its run is there.
CREATE TABLE asset_start (
    tenant_id     bigint NOT NULL,
    run_key       uuid NOT NULL,
    dag_id        text COLLATE "C" NOT NULL,
    interval_from bigint NOT NULL,
    interval_to   bigint NOT NULL,
    at            bigint NOT NULL,
    PRIMARY KEY (tenant_id, run_key)
);

-- What machines decide ------------------------------------------------------------------------------------------------

-- `unique_date` is the logical date, of which a DAG has one run: runs of before this migration may share one, and then only the
-- oldest has it here. An idempotency key lives as long as the run that was made with it.
ALTER TABLE dag_run ADD COLUMN unique_date bigint;
ALTER TABLE dag_run ADD COLUMN backfill_id bigint;
ALTER TABLE dag_run ADD COLUMN idempotency_key text COLLATE "C";
ALTER TABLE dag_run ADD COLUMN idempotency_digest bytea;
UPDATE dag_run AS r SET unique_date = r.logical_date
FROM (SELECT DISTINCT ON (tenant_id, dag_id, logical_date) tenant_id, key
    FROM dag_run WHERE logical_date IS NOT NULL ORDER BY tenant_id, dag_id, logical_date, key) AS o
WHERE r.tenant_id = o.tenant_id AND r.key = o.key;
CREATE UNIQUE INDEX dag_run_by_logical_date ON dag_run (tenant_id, dag_id, unique_date) WHERE unique_date IS NOT NULL;
CREATE UNIQUE INDEX dag_run_by_idempotency_key ON dag_run (tenant_id, dag_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- What stays as it was when the run was made.
ALTER TABLE dag_run_input ADD COLUMN is_latest boolean NOT NULL DEFAULT true;
ALTER TABLE dag_run_input ADD COLUMN variables text COLLATE "C" NOT NULL DEFAULT '{}';
ALTER TABLE dag_run_input ADD COLUMN parent_run uuid;
ALTER TABLE dag_run_input ADD COLUMN parent_node integer;
ALTER TABLE dag_run_input ADD COLUMN parent_map_index integer;
ALTER TABLE dag_run_input ADD COLUMN parent_depth integer;

-- `since` is when the attempt first waited without a worker; `times_out` says that what is due at `retry_at` is its end.
ALTER TABLE task_instance ADD COLUMN since bigint;
ALTER TABLE task_instance ADD COLUMN times_out boolean NOT NULL DEFAULT false;

-- Contexts of levels of mapping, a row for each expansion; those of mapped tasks outside groups follow from `task_node`.
CREATE TABLE map_block (
    tenant_id      bigint NOT NULL,
    run_key        uuid NOT NULL,
    level          integer NOT NULL,
    first          bigint NOT NULL,
    parent         bigint NOT NULL,
    length         bigint NOT NULL,
    first_position bigint NOT NULL,
    live           bigint NOT NULL,
    PRIMARY KEY (tenant_id, run_key, level, first)
);

-- What successes said beside their values: choices, lengths of lists.
CREATE TABLE answer (
    tenant_id bigint NOT NULL,
    run_key   uuid NOT NULL,
    node      integer NOT NULL,
    map_index integer NOT NULL,
    answer    text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, run_key, node, map_index)
);

-- What instances wait for without a worker. One that does not wait any more may have left its row: the instance's row decides.
CREATE TABLE wait (
    tenant_id bigint NOT NULL,
    run_key   uuid NOT NULL,
    node      integer NOT NULL,
    map_index integer NOT NULL,
    fence     bigint NOT NULL,
    since     bigint NOT NULL,
    kind      text COLLATE "C" NOT NULL CHECK (kind IN ('time', 'asset', 'signal', 'dag_run')),
    key       text COLLATE "C" NOT NULL,
    form      text COLLATE "C",
    PRIMARY KEY (tenant_id, run_key, node, map_index)
);
CREATE INDEX wait_by_key ON wait (tenant_id, kind, key, run_key, node, map_index);

-- Signals to runs. One that nobody has taken names no node.
CREATE TABLE signal (
    number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id bigint NOT NULL,
    id        uuid NOT NULL,
    run_key   uuid NOT NULL,
    name      text COLLATE "C" NOT NULL,
    payload   text COLLATE "C" NOT NULL,
    sent_by   text COLLATE "C" NOT NULL,
    at        bigint NOT NULL,
    node      integer,
    map_index integer,
    UNIQUE (tenant_id, id)
);
CREATE INDEX signal_by_run ON signal (tenant_id, run_key, number);

-- What people write beside instances.
CREATE TABLE task_instance_note (
    tenant_id bigint NOT NULL,
    run_key   uuid NOT NULL,
    node      integer NOT NULL,
    map_index integer NOT NULL,
    note      text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, run_key, node, map_index)
);

-- Who did what ---------------------------------------------------------------------------------------------------------

CREATE TABLE event_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  bigint NOT NULL,
    at         bigint NOT NULL,
    event      text COLLATE "C" NOT NULL,
    owner      text COLLATE "C" NOT NULL,
    dag_id     text COLLATE "C",
    run_id     text COLLATE "C",
    task_id    text COLLATE "C",
    map_index  integer,
    try_number integer,
    extra      text COLLATE "C" NOT NULL
);
CREATE INDEX event_log_by_tenant ON event_log (tenant_id, id);
CREATE INDEX event_log_by_dag ON event_log (tenant_id, dag_id, id) WHERE dag_id IS NOT NULL;
CREATE TRIGGER event_log_is_append_only BEFORE UPDATE ON event_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Cluster ---------------------------------------------------------------------------------------------------------------

-- What an owner is told beside reports and runs to read: that something may be there that a run waits for (`met`), or what somebody
-- asks for (`asked`).
ALTER TABLE event ADD COLUMN kind text COLLATE "C" CHECK (kind IN ('met', 'asked'));
ALTER TABLE event ADD COLUMN request text COLLATE "C";
