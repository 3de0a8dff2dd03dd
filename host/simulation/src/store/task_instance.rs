//! Task instances, for people.

use std::collections::BTreeMap;

use model::{InstanceKey, MapIndex, NodeIdx, RunKey, TaskState, TenantScope};
use store::{InstanceFilter, InstanceRow, OfRuns};

use super::dag_run::{lasts, within};
use super::pattern;
use super::rows::{Instance, Run, Tables};

pub(crate) fn list(tables: &Tables, scope: TenantScope, filter: &InstanceFilter) -> Vec<InstanceRow> {
    let runs = tables.runs_of(scope).filter(|run| {
        filter.run.is_none_or(|key| key == run.row.key) && filter.dag_id.as_ref().is_none_or(|it| it == run.dag_id())
    });
    let mut rows: Vec<_> = runs.flat_map(|run| run.instances.values().filter_map(|it| row(run, it))).collect();
    rows.retain(|row| holds(filter, row));
    if filter.descending {
        rows.reverse();
    }
    rows
}

pub(crate) fn counts(tables: &Tables, scope: TenantScope, run: RunKey) -> Vec<(NodeIdx, TaskState, u64)> {
    let mut counts = BTreeMap::new();
    if let Some(run) = tables.runs.get(&(scope, run)) {
        for it in run.instances.values() {
            *counts.entry((it.short.node, it.short.state)).or_default() += 1;
        }
    }
    counts.into_iter().map(|((node, state), count)| (node, state, count)).collect()
}

fn row(run: &Run, it: &Instance) -> Option<InstanceRow> {
    let short = &it.short;
    let node = run.nodes.get(&short.node)?;
    Some(InstanceRow {
        key: InstanceKey { run: run.row.key, node: short.node, map_index: short.map_index },
        dag_id: run.row.dag_id.clone(),
        run_id: run.row.run_id.clone(),
        task_id: node.task_id.clone(),
        state: short.state,
        reason: it.reason.clone(),
        try_number: short.try_number,
        max_tries: short.max_tries,
        map_length: node.map_length,
        version: run.row.version,
        version_number: run.row.version_number,
        worker: it.worker,
        run_after: run.row.run_after,
        logical_date: run.row.logical_date,
        scheduled_at: it.scheduled_at,
        started_at: short.started_at,
        ended_at: it.ended_at,
        retry_at: short.retry_at,
    })
}

fn holds(filter: &InstanceFilter, row: &InstanceRow) -> bool {
    (filter.task_ids.is_empty() || filter.task_ids.contains(&row.task_id))
        && (filter.states.is_empty() || filter.states.contains(&row.state))
        && (filter.map_indexes.is_empty() || filter.map_indexes.contains(&row.key.map_index))
        && filter.mapped.is_none_or(|mapped| mapped == (row.key.map_index != MapIndex::NONE))
        && (filter.try_numbers.is_empty() || filter.try_numbers.contains(&row.try_number))
        && within(filter.started_at, row.started_at)
        && within(filter.ended_at, row.ended_at)
        && lasts(filter.duration_us, row.started_at, row.ended_at)
        && filter.after.is_none_or(|after| if filter.descending { row.key < after } else { row.key > after })
        && is_of_run(&filter.of_runs, row)
}

fn is_of_run(filter: &OfRuns, row: &InstanceRow) -> bool {
    let fits = |pattern: &Option<String>, id: &str| pattern.as_ref().is_none_or(|it| pattern::matches(it, id));
    filter.version_number.is_none_or(|number| number == row.version_number)
        && (filter.dag_ids.is_empty() || filter.dag_ids.contains(&row.dag_id))
        && (filter.run_ids.is_empty() || filter.run_ids.contains(&row.run_id))
        && fits(&filter.dag_id_pattern, row.dag_id.as_str())
        && fits(&filter.run_id_pattern, row.run_id.as_str())
        && within(filter.run_after, Some(row.run_after))
        && within(filter.logical_date, row.logical_date)
}
