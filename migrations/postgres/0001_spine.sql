-- expand: the first schema: bundles, DAGs and their versions, runs, task instances, what they leave behind, tokens.
--
-- The same as SQLite's migration of this number, but for what changes about a run, which has a table of its own, and what
-- processes that share a database need, at the end. Keys are UUIDs that rise with time; digests are 32 bytes;
-- times are microseconds since 1970 UTC; states are their words, so that a new state never renumbers an old row. Texts compare
-- by their bytes, as they do in SQLite. Every table but `cluster` has `tenant_id`, first in its key.
--
-- Hot tables (`dag_run_state`, `task_instance`, `task_state`) are narrow, have room in their pages for the next version of a row, and
-- are vacuumed early; no index of `task_instance` names a column that changes, so that its updates stay in the page. What a run
-- was given and what it leaves behind stands in tables of its own, which only grow: since keys rise with time, what is old lies
-- together and can be deleted without a hot table being touched.

-- One row. The epoch rises with each start; it is the high part of every fence.
CREATE TABLE cluster (
    id    smallint PRIMARY KEY CHECK (id = 1),
    epoch bigint NOT NULL
);
INSERT INTO cluster (id, epoch) VALUES (1, 0);

CREATE TABLE tenant (
    tenant_id bigint PRIMARY KEY,
    name      text COLLATE "C" NOT NULL UNIQUE
);
INSERT INTO tenant (tenant_id, name) VALUES (1, 'default');

-- Found by the digest of the secret, before the tenant is known.
CREATE TABLE token (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    tenant_id  bigint NOT NULL,
    name       text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME;
END
$$;

-- Catalog ------------------------------------------------------------------------------------------------------------

CREATE TABLE bundle_version (
    tenant_id  bigint NOT NULL,
    key        uuid NOT NULL,
    name       text COLLATE "C" NOT NULL,
    component  bytea NOT NULL CHECK (octet_length(component) = 32),
    size_bytes bigint NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, key),
    CONSTRAINT bundle_version_by_component UNIQUE (tenant_id, name, component)
);

CREATE TABLE bundle (
    tenant_id  bigint NOT NULL,
    name       text COLLATE "C" NOT NULL,
    current    uuid NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, name),
    FOREIGN KEY (tenant_id, current) REFERENCES bundle_version (tenant_id, key)
);

CREATE TABLE dag_version (
    tenant_id      bigint NOT NULL,
    key            uuid NOT NULL,
    dag_id         text COLLATE "C" NOT NULL,
    version_number bigint NOT NULL CHECK (version_number >= 1),
    digest         bytea NOT NULL CHECK (octet_length(digest) = 32),
    bundle_version uuid NOT NULL,
    label          text COLLATE "C",
    created_at     bigint NOT NULL,
    document       text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, key),
    CONSTRAINT dag_version_by_digest UNIQUE (tenant_id, dag_id, digest),
    CONSTRAINT dag_version_by_number UNIQUE (tenant_id, dag_id, version_number),
    FOREIGN KEY (tenant_id, bundle_version) REFERENCES bundle_version (tenant_id, key)
);

CREATE INDEX dag_version_by_bundle_version ON dag_version (tenant_id, bundle_version);

CREATE TABLE dag (
    tenant_id  bigint NOT NULL,
    dag_id     text COLLATE "C" NOT NULL,
    bundle     text COLLATE "C" NOT NULL,
    is_stale   boolean NOT NULL,
    is_paused  boolean NOT NULL,
    current    uuid NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, dag_id),
    FOREIGN KEY (tenant_id, bundle) REFERENCES bundle (tenant_id, name),
    FOREIGN KEY (tenant_id, current) REFERENCES dag_version (tenant_id, key)
);
CREATE INDEX dag_by_bundle ON dag (tenant_id, bundle, dag_id);

-- Tags of the current version.
CREATE TABLE dag_tag (
    tenant_id bigint NOT NULL,
    dag_id    text COLLATE "C" NOT NULL,
    tag       text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, dag_id, tag),
    FOREIGN KEY (tenant_id, dag_id) REFERENCES dag (tenant_id, dag_id)
);
CREATE INDEX dag_tag_by_tag ON dag_tag (tenant_id, tag, dag_id);

-- A version never changes. It may go when nothing refers to it.
CREATE TRIGGER bundle_version_is_fixed BEFORE UPDATE ON bundle_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER dag_version_is_fixed BEFORE UPDATE ON dag_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Runs ---------------------------------------------------------------------------------------------------------------

-- What does not change about a run.
CREATE TABLE dag_run (
    tenant_id     bigint NOT NULL,
    key           uuid NOT NULL,
    dag_id        text COLLATE "C" NOT NULL,
    run_id        text COLLATE "C" NOT NULL,
    run_type      text COLLATE "C" NOT NULL,
    run_after     bigint NOT NULL,
    queued_at     bigint NOT NULL,
    logical_date  bigint,
    interval_from bigint,
    interval_to   bigint,
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX dag_run_by_dag ON dag_run (tenant_id, dag_id, key);
CREATE INDEX dag_run_by_run_after ON dag_run (tenant_id, run_after, key);
CREATE INDEX dag_run_by_dag_run_after ON dag_run (tenant_id, dag_id, run_after, key);
-- Of indexes that look alike to it while a table is empty, PostgreSQL takes the one that was made last.
CREATE UNIQUE INDEX dag_run_by_run_id ON dag_run (tenant_id, dag_id, run_id);

-- Hot: what changes about a run. Keys rise with time, so what is unfinished lies at the end of each tree.
CREATE TABLE dag_run_state (
    tenant_id  bigint NOT NULL,
    run_key    uuid NOT NULL,
    version    uuid NOT NULL,
    clears     integer NOT NULL DEFAULT 0,
    started_at bigint,
    ended_at   bigint,
    state      text COLLATE "C" NOT NULL,
    reason     text COLLATE "C",
    -- For those who wait in other processes than the run's owner; null while the result may still come.
    result_available boolean,
    PRIMARY KEY (tenant_id, run_key),
    FOREIGN KEY (tenant_id, version) REFERENCES dag_version (tenant_id, key)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 1
);
CREATE INDEX dag_run_by_version ON dag_run_state (tenant_id, version);
CREATE INDEX dag_run_unfinished ON dag_run_state (tenant_id, run_key) WHERE state IN ('queued', 'running');
CREATE INDEX dag_run_failed ON dag_run_state (tenant_id, run_key) WHERE state = 'failed';

-- Cold: what a run was given; written once, perhaps large.
CREATE TABLE dag_run_input (
    tenant_id    bigint NOT NULL,
    run_key      uuid NOT NULL,
    conf         text COLLATE "C" NOT NULL,
    params       text COLLATE "C" NOT NULL,
    triggered_by text COLLATE "C" NOT NULL,
    note         text COLLATE "C",
    PRIMARY KEY (tenant_id, run_key)
);

CREATE TABLE task_node (
    tenant_id   bigint NOT NULL,
    run_key     uuid NOT NULL,
    node        integer NOT NULL,
    task_id     text COLLATE "C" NOT NULL,
    map_length  bigint,
    list_length bigint,
    PRIMARY KEY (tenant_id, run_key, node)
) WITH (fillfactor = 90);

-- Hot: inserted, claimed and ended within seconds, as a rule. `tries_before` counts the attempts of before the last clear:
-- `max_tries` counts from there.
CREATE TABLE task_instance (
    tenant_id       bigint NOT NULL,
    run_key         uuid NOT NULL,
    node            integer NOT NULL,
    map_index       integer NOT NULL CHECK (map_index >= -1),
    try_number      integer NOT NULL,
    max_tries       integer NOT NULL,
    tries_before    integer NOT NULL DEFAULT 0,
    lost_executions integer NOT NULL DEFAULT 0,
    fence           bigint NOT NULL DEFAULT 0,
    scheduled_at    bigint,
    started_at      bigint,
    ended_at        bigint,
    retry_at        bigint,
    worker          uuid,
    suspect         boolean NOT NULL DEFAULT false,
    has_value       boolean NOT NULL DEFAULT false,
    state           text COLLATE "C" NOT NULL,
    reason          text COLLATE "C",
    PRIMARY KEY (tenant_id, run_key, node, map_index)
) WITH (
    fillfactor = 65,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 1
);

-- History: one row for each execution that has ended.
CREATE TABLE attempt (
    tenant_id    bigint NOT NULL,
    run_key      uuid NOT NULL,
    node         integer NOT NULL,
    map_index    integer NOT NULL,
    try_number   integer NOT NULL,
    fence        bigint NOT NULL,
    version      uuid NOT NULL,
    started_at   bigint NOT NULL,
    ended_at     bigint NOT NULL,
    wall_us      bigint NOT NULL,
    cpu_us       bigint NOT NULL,
    memory_bytes bigint NOT NULL,
    end_kind     text COLLATE "C" NOT NULL,
    message      text COLLATE "C",
    PRIMARY KEY (tenant_id, run_key, node, map_index, try_number, fence)
);
CREATE TRIGGER attempt_is_append_only BEFORE UPDATE ON attempt
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A value stands here or, when it is large, in the blob that the digest names.
CREATE TABLE xcom (
    tenant_id  bigint NOT NULL,
    run_key    uuid NOT NULL,
    node       integer NOT NULL,
    map_index  integer NOT NULL,
    key        text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    size_bytes bigint NOT NULL,
    digest     bytea,
    value      text COLLATE "C",
    PRIMARY KEY (tenant_id, run_key, node, map_index, key),
    CHECK ((digest IS NULL) <> (value IS NULL))
);

-- Hot: a key may be written often while its instance runs.
CREATE TABLE task_state (
    tenant_id  bigint NOT NULL,
    run_key    uuid NOT NULL,
    node       integer NOT NULL,
    map_index  integer NOT NULL,
    key        text COLLATE "C" NOT NULL,
    updated_at bigint NOT NULL,
    expires_at bigint,
    value      text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, run_key, node, map_index, key)
) WITH (
    fillfactor = 65,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 1
);

-- Runs that are kept no longer and whose rows and logs are being deleted: nobody finds them any more.
CREATE TABLE discarded_run (
    tenant_id bigint NOT NULL,
    run_key   uuid NOT NULL,
    PRIMARY KEY (tenant_id, run_key)
);

-- Cluster ------------------------------------------------------------------------------------------------------------

-- One row for each lifetime of a process; heartbeats update it and no other row.
CREATE TABLE server (
    id           uuid PRIMARY KEY,
    node         uuid NOT NULL,
    name         text COLLATE "C" NOT NULL,
    version      text COLLATE "C" NOT NULL,
    is_scheduler boolean NOT NULL,
    slots        integer NOT NULL,
    lease_until  timestamptz NOT NULL,
    -- It was evicted or has left; it never comes back.
    is_gone      boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 50, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE shard (
    shard integer PRIMARY KEY,
    owner uuid,
    epoch bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO shard (shard) SELECT generate_series(0, 63);

-- Hot: executions that are offered to the workers of all processes, or held by one of them. A row goes away with its report.
CREATE TABLE work (
    tenant_id  bigint NOT NULL,
    run_key    uuid NOT NULL,
    node       integer NOT NULL,
    map_index  integer NOT NULL,
    try_number integer NOT NULL,
    fence      bigint NOT NULL,
    shard      integer NOT NULL,
    suspect    boolean NOT NULL,
    offered    bigint GENERATED ALWAYS AS IDENTITY,
    holder     uuid,
    PRIMARY KEY (tenant_id, run_key, node, map_index)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX work_offered ON work (tenant_id, offered) WHERE holder IS NULL;
CREATE INDEX work_held ON work (holder) WHERE holder IS NOT NULL;

-- Hot: what waits for the owner of a shard. A row goes away with the commit that deals with it.
CREATE TABLE event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard      integer NOT NULL,
    tenant_id  bigint NOT NULL,
    run_key    uuid NOT NULL,
    -- Of an execution that has ended, with its report; null where only the run is named.
    node       integer,
    map_index  integer,
    try_number integer,
    fence      bigint,
    report     text COLLATE "C"
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX event_by_shard ON event (shard, id);
CREATE INDEX event_by_run ON event (tenant_id, run_key);
