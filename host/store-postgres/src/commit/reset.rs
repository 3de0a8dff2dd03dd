//! What people do to runs: runs that run again, executions that end, instances that wait again.

use serde_json::json;
use store::{RunCommit, storable};

use super::columns::{Document, micros};
use super::step::{Blame, Changes, Source, Statement, Step};
use super::xcom;
use crate::rows::tenant;

/// What is offered or held elsewhere. Goes first, so that nobody takes it between the statements.
/// Called by `RunStore::commit`. Finds rows by the key of `work`.
const DELETE_WORK: &str = "
DELETE FROM work AS w
USING {rows}
WHERE w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node AND w.map_index = e.map_index
    AND w.fence = e.fence";

/// The rows of executions that end because their instances do, with the version that their runs have. What was only offered has none.
/// Called by `RunStore::commit`. Finds rows by the keys of `task_instance` and `dag_run_state`; adds to the key of `attempt`.
const INSERT_ATTEMPTS: &str = "
INSERT INTO attempt (tenant_id, run_key, node, map_index, try_number, fence, version, started_at, ended_at, end_kind, wall_us,
    cpu_us, memory_bytes, message)
SELECT t.tenant_id, t.run_key, t.node, t.map_index, t.try_number, t.fence,
    (SELECT s.version FROM dag_run_state AS s WHERE s.tenant_id = e.tenant_id AND s.run_key = e.run_key),
    coalesce(t.started_at, e.at), e.at, 'cancelled', 0, 0, 0, e.message
FROM {rows}
JOIN task_instance AS t ON t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node
    AND t.map_index = e.map_index AND t.state = 'running' AND t.fence = e.fence
ON CONFLICT DO NOTHING";

/// Their instances, which run no more; what else the commit has gives them their states.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`; locks them.
const END_EXECUTIONS: &str = "
UPDATE task_instance AS t
SET state = 'none'
FROM {rows}
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
    AND t.state IN ('running', 'queued') AND t.fence = e.fence";

pub(crate) const CANCELLED: Step = Step {
    source: Source::Document("cancelled"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("map_index", "integer"),
        ("fence", "bigint"),
        ("at", "bigint"),
        ("message", "text"),
    ],
    statements: &[
        Statement { name: "reset::DELETE_WORK", sql: DELETE_WORK, changes: Changes::Any },
        Statement { name: "reset::INSERT_ATTEMPTS", sql: INSERT_ATTEMPTS, changes: Changes::Any },
        Statement { name: "reset::END_EXECUTIONS", sql: END_EXECUTIONS, changes: Changes::One },
    ],
    blame: Blame::Overtaken,
};

/// Runs that run again, or go on.
/// Called by `RunStore::commit`. Finds rows by the key of `dag_run_state`; moves them between its indexes; locks them.
const REOPEN_RUNS: &str = "
UPDATE dag_run_state AS s
SET state = CASE s.state WHEN 'queued' THEN 'queued' ELSE 'running' END, reason = NULL, result_available = NULL, ended_at = NULL,
    clears = s.clears + 1, started_at = CASE WHEN s.state IN ('queued', 'running') THEN s.started_at ELSE e.at END,
    version = coalesce(e.version, s.version)
FROM {rows}
WHERE s.tenant_id = e.tenant_id AND s.run_key = e.run_key";

/// Contexts of runs whose levels of mapping are others from now on.
/// Called by `RunStore::commit`. Walks the table's key over the run.
const FORGET_BLOCKS: &str = "
DELETE FROM map_block AS b
USING {rows}
WHERE e.is_laid_out AND b.tenant_id = e.tenant_id AND b.run_key = e.run_key";

pub(crate) const REOPENED: Step = Step {
    source: Source::Document("reopened"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("at", "bigint"),
        ("version", "uuid"),
        ("is_laid_out", "boolean"),
    ],
    statements: &[
        Statement { name: "reset::REOPEN_RUNS", sql: REOPEN_RUNS, changes: Changes::One },
        Statement { name: "reset::FORGET_BLOCKS", sql: FORGET_BLOCKS, changes: Changes::Any },
    ],
    blame: Blame::Overtaken,
};

/// Instances that wait again.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`; locks them.
const RESET_INSTANCES: &str = "
UPDATE task_instance AS t
SET state = 'none', reason = NULL, max_tries = t.max_tries - t.tries_before + t.try_number, tries_before = t.try_number,
    lost_executions = 0, suspect = false, has_value = false, since = NULL, times_out = false, scheduled_at = NULL,
    started_at = NULL, ended_at = NULL, retry_at = NULL, worker = NULL
FROM {rows}
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last";

/// What they have said.
/// Called by `RunStore::commit`. Walks the table's key over the instances.
pub(crate) const DELETE_ANSWERS: &str = "
DELETE FROM answer AS a
USING {rows}
WHERE a.tenant_id = e.tenant_id AND a.run_key = e.run_key AND a.node = e.node AND a.map_index BETWEEN e.first AND e.last";

/// What they waited for.
/// Called by `RunStore::commit`. Walks the table's key over the instances.
const DELETE_WAITS: &str = "
DELETE FROM wait AS w
USING {rows}
WHERE w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node AND w.map_index BETWEEN e.first AND e.last";

/// What they have kept.
/// Called by `RunStore::commit`. Walks the table's key over the instances.
const DELETE_STATE: &str = "
DELETE FROM task_state AS s
USING {rows}
WHERE NOT e.keeps_state AND s.tenant_id = e.tenant_id AND s.run_key = e.run_key AND s.node = e.node
    AND s.map_index BETWEEN e.first AND e.last";

/// Lengths of the lists that unmapped ones returned.
/// Called by `RunStore::commit`. Finds rows by the key of `task_node`; locks them.
pub(crate) const FORGET_LISTS: &str = "
UPDATE task_node AS n
SET list_length = NULL
FROM {rows}
WHERE e.first = -1 AND n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node";

pub(crate) const RESETS: Step = Step {
    source: Source::Document("resets"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("first", "integer"),
        ("last", "integer"),
        ("keeps_state", "boolean"),
    ],
    statements: &[
        Statement {
            name: "reset::RESET_INSTANCES",
            sql: RESET_INSTANCES,
            changes: Changes::Sum("greatest(e.last - e.first + 1, 0)"),
        },
        Statement { name: "xcom::DELETE of resets", sql: xcom::DELETE, changes: Changes::Any },
        Statement { name: "reset::DELETE_ANSWERS", sql: DELETE_ANSWERS, changes: Changes::Any },
        Statement { name: "reset::DELETE_WAITS", sql: DELETE_WAITS, changes: Changes::Any },
        Statement { name: "reset::DELETE_STATE", sql: DELETE_STATE, changes: Changes::Any },
        Statement { name: "reset::FORGET_LISTS", sql: FORGET_LISTS, changes: Changes::Any },
    ],
    blame: Blame::Overtaken,
};

pub(crate) fn push(commit: &RunCommit, document: &mut Document) {
    document.push(
        "cancelled",
        commit.cancelled.iter().map(|it| {
            json!({
                "tenant_id": tenant(it.scope), "run_key": it.instance.run.uuid(), "node": it.instance.node,
                "map_index": it.instance.map_index, "fence": it.fence.number(), "at": micros(it.at),
                "message": storable(&it.message),
            })
        }),
    );
    document.push(
        "reopened",
        commit.reopened.iter().map(|it| {
            json!({
                "tenant_id": tenant(it.scope), "run_key": it.run.uuid(), "at": micros(it.at),
                "version": it.version.map(|version| version.uuid()), "is_laid_out": it.tasks.is_some(),
            })
        }),
    );
    document.push("resets", commit.resets.iter().map(|it| {
        json!({
            "tenant_id": tenant(it.scope), "run_key": it.run.uuid(), "node": it.node, "first": it.first, "last": it.last,
            "keeps_state": it.keeps_state,
        })
    }));
}
