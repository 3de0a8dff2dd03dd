-- expand: the first schema: bundles, DAGs and their versions, runs, task instances, what they leave behind, tokens.
--
-- Keys are UUIDs as 16 bytes; digests are 32 bytes; times are microseconds since 1970 UTC; states are their words, so that a
-- new state never renumbers an old row; flags are 0 and 1. Every table but `cluster` has `tenant_id`, first in its key.
-- A table whose rows are short and found by key is WITHOUT ROWID: its rows are its key's tree.

-- One row. The epoch rises with each start; it is the high part of every fence.
CREATE TABLE cluster (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO cluster (id, epoch) VALUES (1, 0);

CREATE TABLE tenant (
    tenant_id INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO tenant (tenant_id, name) VALUES (1, 'default');

-- Found by the digest of the secret, before the tenant is known.
CREATE TABLE token (
    digest     BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    tenant_id  INTEGER NOT NULL,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;

-- Catalog ------------------------------------------------------------------------------------------------------------

CREATE TABLE bundle_version (
    tenant_id  INTEGER NOT NULL,
    key        BLOB NOT NULL CHECK (length(key) = 16),
    name       TEXT NOT NULL,
    component  BLOB NOT NULL CHECK (length(component) = 32),
    size_bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key),
    UNIQUE (tenant_id, name, component)
) STRICT, WITHOUT ROWID;

CREATE TABLE bundle (
    tenant_id  INTEGER NOT NULL,
    name       TEXT NOT NULL,
    current    BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name),
    FOREIGN KEY (tenant_id, current) REFERENCES bundle_version (tenant_id, key)
) STRICT, WITHOUT ROWID;

-- Documents are large and rows are never changed, so this table keeps its rowid.
CREATE TABLE dag_version (
    tenant_id      INTEGER NOT NULL,
    key            BLOB NOT NULL CHECK (length(key) = 16),
    dag_id         TEXT NOT NULL,
    version_number INTEGER NOT NULL CHECK (version_number >= 1),
    digest         BLOB NOT NULL CHECK (length(digest) = 32),
    bundle_version BLOB NOT NULL,
    label          TEXT,
    created_at     INTEGER NOT NULL,
    document       TEXT NOT NULL,
    PRIMARY KEY (tenant_id, key),
    UNIQUE (tenant_id, dag_id, version_number),
    UNIQUE (tenant_id, dag_id, digest),
    FOREIGN KEY (tenant_id, bundle_version) REFERENCES bundle_version (tenant_id, key)
) STRICT;

CREATE INDEX dag_version_by_bundle_version ON dag_version (tenant_id, bundle_version);

CREATE TABLE dag (
    tenant_id  INTEGER NOT NULL,
    dag_id     TEXT NOT NULL,
    bundle     TEXT NOT NULL,
    is_stale   INTEGER NOT NULL CHECK (is_stale IN (0, 1)),
    is_paused  INTEGER NOT NULL CHECK (is_paused IN (0, 1)),
    current    BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, dag_id),
    FOREIGN KEY (tenant_id, bundle) REFERENCES bundle (tenant_id, name),
    FOREIGN KEY (tenant_id, current) REFERENCES dag_version (tenant_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX dag_by_bundle ON dag (tenant_id, bundle, dag_id);

-- Tags of the current version.
CREATE TABLE dag_tag (
    tenant_id INTEGER NOT NULL,
    dag_id    TEXT NOT NULL,
    tag       TEXT NOT NULL,
    PRIMARY KEY (tenant_id, dag_id, tag),
    FOREIGN KEY (tenant_id, dag_id) REFERENCES dag (tenant_id, dag_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dag_tag_by_tag ON dag_tag (tenant_id, tag, dag_id);

-- A version never changes. It may go when nothing refers to it.
CREATE TRIGGER bundle_version_is_fixed BEFORE UPDATE ON bundle_version
BEGIN SELECT RAISE(ABORT, 'bundle_version never changes'); END;
CREATE TRIGGER dag_version_is_fixed BEFORE UPDATE ON dag_version
BEGIN SELECT RAISE(ABORT, 'dag_version never changes'); END;

-- Runs ---------------------------------------------------------------------------------------------------------------

-- Hot: changes with the run's state. Keys rise with time, so what is unfinished lies at the end of each tree.
CREATE TABLE dag_run (
    tenant_id     INTEGER NOT NULL,
    key           BLOB NOT NULL CHECK (length(key) = 16),
    dag_id        TEXT NOT NULL,
    run_id        TEXT NOT NULL,
    version       BLOB NOT NULL,
    run_type      TEXT NOT NULL,
    state         TEXT NOT NULL,
    clears        INTEGER NOT NULL DEFAULT 0,
    run_after     INTEGER NOT NULL,
    queued_at     INTEGER NOT NULL,
    logical_date  INTEGER,
    interval_from INTEGER,
    interval_to   INTEGER,
    started_at    INTEGER,
    ended_at      INTEGER,
    reason        TEXT,
    PRIMARY KEY (tenant_id, key),
    FOREIGN KEY (tenant_id, version) REFERENCES dag_version (tenant_id, key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX dag_run_by_run_id ON dag_run (tenant_id, dag_id, run_id);
-- The key stands in every index, `tenant_id` among it. Were that named before, SQLite would walk a tenant's runs instead.
CREATE INDEX dag_run_by_version ON dag_run (version);
CREATE INDEX dag_run_by_dag ON dag_run (tenant_id, dag_id, key);
CREATE INDEX dag_run_by_run_after ON dag_run (tenant_id, run_after, key);
CREATE INDEX dag_run_by_dag_run_after ON dag_run (tenant_id, dag_id, run_after, key);
CREATE INDEX dag_run_unfinished ON dag_run (tenant_id, key) WHERE state IN ('queued', 'running');
CREATE INDEX dag_run_failed ON dag_run (tenant_id, key) WHERE state = 'failed';

-- Cold: what a run was given; written once, perhaps large.
CREATE TABLE dag_run_input (
    tenant_id    INTEGER NOT NULL,
    run_key      BLOB NOT NULL,
    conf         TEXT NOT NULL,
    params       TEXT NOT NULL,
    triggered_by TEXT NOT NULL,
    note         TEXT,
    PRIMARY KEY (tenant_id, run_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_node (
    tenant_id   INTEGER NOT NULL,
    run_key     BLOB NOT NULL,
    node        INTEGER NOT NULL,
    task_id     TEXT NOT NULL,
    map_length  INTEGER,
    list_length INTEGER,
    PRIMARY KEY (tenant_id, run_key, node)
) STRICT, WITHOUT ROWID;

-- Hot. `tries_before` counts the attempts of before the last clear: `max_tries` counts from there.
CREATE TABLE task_instance (
    tenant_id       INTEGER NOT NULL,
    run_key         BLOB NOT NULL,
    node            INTEGER NOT NULL,
    map_index       INTEGER NOT NULL CHECK (map_index >= -1),
    state           TEXT NOT NULL,
    try_number      INTEGER NOT NULL,
    max_tries       INTEGER NOT NULL,
    tries_before    INTEGER NOT NULL DEFAULT 0,
    fence           INTEGER NOT NULL DEFAULT 0,
    lost_executions INTEGER NOT NULL DEFAULT 0,
    suspect         INTEGER NOT NULL DEFAULT 0,
    has_value       INTEGER NOT NULL DEFAULT 0,
    scheduled_at    INTEGER,
    started_at      INTEGER,
    ended_at        INTEGER,
    retry_at        INTEGER,
    worker          BLOB,
    reason          TEXT,
    PRIMARY KEY (tenant_id, run_key, node, map_index)
) STRICT, WITHOUT ROWID;

-- History: one row for each execution that has ended.
CREATE TABLE attempt (
    tenant_id    INTEGER NOT NULL,
    run_key      BLOB NOT NULL,
    node         INTEGER NOT NULL,
    map_index    INTEGER NOT NULL,
    try_number   INTEGER NOT NULL,
    fence        INTEGER NOT NULL,
    version      BLOB NOT NULL,
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER NOT NULL,
    end_kind     TEXT NOT NULL,
    wall_us      INTEGER NOT NULL,
    cpu_us       INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL,
    message      TEXT,
    PRIMARY KEY (tenant_id, run_key, node, map_index, try_number, fence)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER attempt_is_append_only BEFORE UPDATE ON attempt
BEGIN SELECT RAISE(ABORT, 'attempt is append-only'); END;

-- A value stands here or, when it is large, in the blob that the digest names.
CREATE TABLE xcom (
    tenant_id  INTEGER NOT NULL,
    run_key    BLOB NOT NULL,
    node       INTEGER NOT NULL,
    map_index  INTEGER NOT NULL,
    key        TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    digest     BLOB,
    value      TEXT,
    PRIMARY KEY (tenant_id, run_key, node, map_index, key),
    CHECK ((digest IS NULL) <> (value IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE task_state (
    tenant_id  INTEGER NOT NULL,
    run_key    BLOB NOT NULL,
    node       INTEGER NOT NULL,
    map_index  INTEGER NOT NULL,
    key        TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    value      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, run_key, node, map_index, key)
) STRICT, WITHOUT ROWID;

-- Runs that are kept no longer and whose rows and logs are being deleted: nobody finds them any more.
CREATE TABLE discarded_run (
    tenant_id INTEGER NOT NULL,
    run_key   BLOB NOT NULL,
    PRIMARY KEY (tenant_id, run_key)
) STRICT, WITHOUT ROWID;
