//! Runs, for people.

use std::cmp::Ordering;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{DagId, InstanceKey, NodeIdx, RunId, RunKey, TaskState, TenantScope};
use store::{
    AttemptRow, InstanceFilter, InstanceRow, NodeRow, Page, PageRequest, RequestedRun, RunFilter, RunOrder, RunReader,
    RunRow, StoreError,
};

use super::rows::{kept, page};
use super::{SimStore, pattern, task_instance};

#[async_trait]
impl RunReader for SimStore {
    async fn run_fetch(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        run_id: &RunId,
    ) -> Result<Option<RunRow>, StoreError> {
        let tables = self.tables();
        let mut runs = tables.runs_of(scope);
        Ok(runs.find(|run| (&run.row.dag_id, &run.row.run_id) == (dag_id, run_id)).map(|run| run.row.clone()))
    }

    async fn run_of_request(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        key: &str,
    ) -> Result<Option<RequestedRun>, StoreError> {
        let tables = self.tables();
        let key = kept(key);
        let found = tables.runs_of(scope).filter(|run| run.row.dag_id == *dag_id).find_map(|run| {
            let request = run.request.as_ref().filter(|it| *it.key == *key)?;
            Some(RequestedRun { run: run.row.key, run_id: run.row.run_id.clone(), digest: request.digest })
        });
        Ok(found)
    }

    async fn run_list(
        &self,
        scope: TenantScope,
        filter: &RunFilter,
        of: PageRequest,
    ) -> Result<Page<RunRow>, StoreError> {
        let tables = self.tables();
        let mut rows: Vec<_> = tables.runs_of(scope).map(|run| &run.row).filter(|row| holds(filter, row)).collect();
        rows.sort_by(|a, b| order(filter, a, b));
        Ok(page(rows.into_iter().cloned().collect(), of))
    }

    async fn node_list(&self, scope: TenantScope, run: RunKey) -> Result<Vec<NodeRow>, StoreError> {
        let tables = self.tables();
        Ok(tables.runs.get(&(scope, run)).map(|run| run.nodes.values().cloned().collect()).unwrap_or_default())
    }

    async fn instance_list(
        &self,
        scope: TenantScope,
        filter: &InstanceFilter,
        of: PageRequest,
    ) -> Result<Page<InstanceRow>, StoreError> {
        Ok(page(task_instance::list(&self.tables(), scope, filter), of))
    }

    async fn instance_counts(
        &self,
        scope: TenantScope,
        run: RunKey,
    ) -> Result<Vec<(NodeIdx, TaskState, u64)>, StoreError> {
        Ok(task_instance::counts(&self.tables(), scope, run))
    }

    async fn attempt_list(&self, scope: TenantScope, instance: InstanceKey) -> Result<Vec<AttemptRow>, StoreError> {
        let tables = self.tables();
        let Some(run) = tables.runs.get(&(scope, instance.run)) else { return Ok(Vec::new()) };
        Ok(run.attempts.values().filter(|row| row.instance == instance).cloned().collect())
    }
}

/// Whether a time is between bounds.
pub(crate) fn within((from, to): (Option<Timestamp>, Option<Timestamp>), time: Option<Timestamp>) -> bool {
    let is_after = from.is_none_or(|from| time.is_some_and(|time| time >= from));
    is_after && to.is_none_or(|to| time.is_some_and(|time| time <= to))
}

fn holds(filter: &RunFilter, row: &RunRow) -> bool {
    filter.dag_id.as_ref().is_none_or(|dag_id| *dag_id == row.dag_id)
        && (filter.dag_ids.is_empty() || filter.dag_ids.contains(&row.dag_id))
        && (filter.states.is_empty() || filter.states.contains(&row.state))
        && (filter.run_types.is_empty() || filter.run_types.contains(&row.run_type))
        && filter.run_id_pattern.as_ref().is_none_or(|it| pattern::matches(it, row.run_id.as_str()))
        && filter.dag_id_pattern.as_ref().is_none_or(|it| pattern::matches(it, row.dag_id.as_str()))
        && filter.conf_contains.as_ref().is_none_or(|text| row.conf.contains(text.as_str()))
        && filter.after.is_none_or(|after| if filter.descending { row.key < after } else { row.key > after })
        && lasts(filter.duration_us, row.started_at, row.ended_at)
        && filter.version_number.is_none_or(|number| number == row.version_number)
        && within(filter.run_after, Some(row.run_after))
        && within(filter.started_at, row.started_at)
        && within(filter.ended_at, row.ended_at)
        && within(filter.logical_date, row.logical_date)
}

/// Whether the time from start to end, in microseconds, is between bounds.
pub(crate) fn lasts(
    (from, to): (Option<i64>, Option<i64>),
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
) -> bool {
    let micros = started_at.zip(ended_at).map(|(start, end)| end.as_microsecond() - start.as_microsecond());
    from.is_none_or(|from| micros.is_some_and(|micros| micros >= from))
        && to.is_none_or(|to| micros.is_some_and(|micros| micros <= to))
}

fn order(filter: &RunFilter, a: &RunRow, b: &RunRow) -> Ordering {
    let turned = |order: Ordering| if filter.descending { order.reverse() } else { order };
    let times = |a: Option<Timestamp>, b: Option<Timestamp>| match (a, b) {
        (Some(a), Some(b)) => turned(a.cmp(&b)),
        // What has no such time comes last in both directions.
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    let first = match filter.order {
        RunOrder::Key => Ordering::Equal,
        RunOrder::RunAfter => turned(a.run_after.cmp(&b.run_after)),
        RunOrder::StartedAt => times(a.started_at, b.started_at),
        RunOrder::EndedAt => times(a.ended_at, b.ended_at),
        RunOrder::LogicalDate => times(a.logical_date, b.logical_date),
        RunOrder::RunId => turned(a.run_id.cmp(&b.run_id)),
        RunOrder::State => turned(a.state.as_str().cmp(b.state.as_str())),
    };
    first.then_with(|| turned(a.key.cmp(&b.key)))
}
