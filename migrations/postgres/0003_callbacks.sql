-- expand: callbacks that runs owe, and deadlines.

-- Written with what causes it. `due_at` is when somebody has to look at it: when it is to be called, or when the lease of whoever has
-- begun it ends. `node`, `map_index` and `instance_try` name the instance that something happened to; a run has none.
CREATE TABLE callback (
    tenant_id       bigint NOT NULL,
    run_key         uuid NOT NULL,
    number          integer NOT NULL,
    event           text COLLATE "C" NOT NULL,
    callback        text COLLATE "C" NOT NULL,
    node            integer,
    map_index       integer,
    instance_try    integer,
    message         text COLLATE "C",
    created_at      bigint NOT NULL,
    state           text COLLATE "C" NOT NULL DEFAULT 'waiting',
    try_number      integer NOT NULL DEFAULT 1,
    lost_executions integer NOT NULL DEFAULT 0,
    fence           bigint NOT NULL DEFAULT 0,
    due_at          bigint,
    started_at      bigint,
    ended_at        bigint,
    error           text COLLATE "C",
    PRIMARY KEY (tenant_id, run_key, number)
);
CREATE INDEX callback_due ON callback (tenant_id, due_at) WHERE due_at IS NOT NULL;

-- How many callbacks of a run's instances were left out, because there were so many.
CREATE TABLE callback_left_out (
    tenant_id bigint NOT NULL,
    run_key   uuid NOT NULL,
    count     bigint NOT NULL,
    PRIMARY KEY (tenant_id, run_key)
);
