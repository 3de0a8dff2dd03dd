-- expand: when runs begin by themselves, and what they share: schedules, backfills, assets; variables, connections, pools.

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

-- One run for each date: whoever makes it a second time makes nothing.
CREATE UNIQUE INDEX dag_run_by_logical_date ON dag_run (tenant_id, dag_id, logical_date)
    WHERE run_type IN ('scheduled', 'backfill');

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

-- What people write beside instances.
CREATE TABLE task_instance_note (
    tenant_id bigint NOT NULL,
    run_key   uuid NOT NULL,
    node      integer NOT NULL,
    map_index integer NOT NULL,
    note      text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, run_key, node, map_index)
);
