-- expand: callbacks that runs owe, and deadlines.

-- Written with what causes it. `due_at` is when somebody has to look at it: when it is to be called, or when the lease of whoever has
-- begun it ends. `node`, `map_index` and `instance_try` name the instance that something happened to; a run has none.
CREATE TABLE callback (
    tenant_id       INTEGER NOT NULL,
    run_key         BLOB NOT NULL,
    number          INTEGER NOT NULL,
    event           TEXT NOT NULL,
    callback        TEXT NOT NULL,
    node            INTEGER,
    map_index       INTEGER,
    instance_try    INTEGER,
    message         TEXT,
    created_at      INTEGER NOT NULL,
    state           TEXT NOT NULL DEFAULT 'waiting',
    try_number      INTEGER NOT NULL DEFAULT 1,
    lost_executions INTEGER NOT NULL DEFAULT 0,
    fence           INTEGER NOT NULL DEFAULT 0,
    due_at          INTEGER,
    started_at      INTEGER,
    ended_at        INTEGER,
    error           TEXT,
    PRIMARY KEY (tenant_id, run_key, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX callback_due ON callback (tenant_id, due_at) WHERE due_at IS NOT NULL;

-- How many callbacks of a run's instances were left out, because there were so many.
CREATE TABLE callback_left_out (
    tenant_id INTEGER NOT NULL,
    run_key   BLOB NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, run_key)
) STRICT, WITHOUT ROWID;
