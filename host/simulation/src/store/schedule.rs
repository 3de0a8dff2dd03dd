//! Where the schedules of DAGs stand.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{DagId, RunKey, RunState, RunType, TenantId, TenantScope};
use store::{DatedRun, ScheduleRow, ScheduleState, ScheduleStore, StoreError, UnreadSchedule};

use super::rows::{SimStore, Tables, kept, micros};

impl Tables {
    /// The schedule of a DAG, with how its DAG stands.
    fn schedule(&self, scope: TenantScope, dag_id: &DagId) -> Option<ScheduleRow> {
        let key = (scope, dag_id.clone());
        let (state, dag) = (self.schedules.get(&key)?, self.bundles.dags.get(&key)?);
        let (pause_reason, unpaused_at) = (dag.pause_reason.clone(), dag.unpaused_at);
        Some(ScheduleRow { state: state.clone(), is_paused: dag.is_paused, pause_reason, unpaused_at })
    }

    /// Schedules that make runs, the earliest fire first.
    fn going(&self, scope: TenantScope) -> Vec<(Timestamp, ScheduleRow)> {
        let of_scope = self.schedules.keys().filter(|(of, _)| *of == scope);
        let rows = of_scope.filter_map(|(_, dag_id)| self.schedule(scope, dag_id)).filter(|row| !row.is_paused);
        let mut going: Vec<_> = rows.filter_map(|row| Some((row.state.next_fire_at?, row))).collect();
        going.sort_by_key(|(at, _)| *at);
        going
    }
}

#[async_trait]
impl ScheduleStore for SimStore {
    async fn schedule_tenants(&self) -> Result<Vec<TenantScope>, StoreError> {
        Ok(vec![TenantScope::assume(TenantId::DEFAULT)])
    }

    async fn schedule_unread(&self, scope: TenantScope, limit: u32) -> Result<Vec<UnreadSchedule>, StoreError> {
        let tables = self.tables();
        let dags = tables.bundles.dags.iter().filter(|((of, _), dag)| *of == scope && !dag.is_stale);
        let unread = dags.filter_map(|(key, dag)| {
            let known = tables.schedules.get(key).cloned();
            let is_read = known.as_ref().is_some_and(|known| known.version == dag.current);
            (!is_read).then(|| UnreadSchedule { dag_id: key.1.clone(), current: dag.current, known })
        });
        Ok(unread.take(limit as usize).collect())
    }

    async fn schedule_put(&self, scope: TenantScope, state: &ScheduleState) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let key = (scope, state.dag_id.clone());
        let is_further = tables.schedules.get(&key).is_some_and(|known| known.cursor > micros(state.cursor));
        if is_further || !tables.bundles.dags.contains_key(&key) {
            return Ok(false);
        }
        let kept = ScheduleState {
            since: micros(state.since),
            cursor: micros(state.cursor),
            next_fire_at: state.next_fire_at.map(micros),
            last_fire_at: state.last_fire_at.map(micros),
            ..state.clone()
        };
        tables.schedules.insert(key, kept);
        Ok(true)
    }

    async fn schedule_fetch(&self, scope: TenantScope, dag_id: &DagId) -> Result<Option<ScheduleRow>, StoreError> {
        Ok(self.tables().schedule(scope, dag_id))
    }

    async fn schedule_due(
        &self,
        scope: TenantScope,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ScheduleRow>, StoreError> {
        let tables = self.tables();
        let due = tables.going(scope).into_iter().filter(|(at, _)| *at <= now).map(|(_, row)| row);
        let is_stale = |row: &ScheduleRow| tables.bundles.dags[&(scope, row.state.dag_id.clone())].is_stale;
        Ok(due.filter(|row| !is_stale(row)).take(limit as usize).collect())
    }

    async fn schedule_next(&self, scope: TenantScope, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let going = self.tables().going(scope);
        Ok(going.into_iter().map(|(at, _)| at).find(|at| *at > after))
    }

    async fn dag_pause(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        is_paused: bool,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let Some(dag) = tables.bundles.dags.get_mut(&(scope, dag_id.clone())) else { return Ok(false) };
        if dag.is_paused != is_paused {
            dag.is_paused = is_paused;
            dag.pause_reason = reason.filter(|_| is_paused).map(kept);
            dag.unpaused_at = if is_paused { dag.unpaused_at } else { Some(micros(now)) };
        }
        Ok(true)
    }

    async fn run_of_date(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        logical_date: Timestamp,
    ) -> Result<Option<DatedRun>, StoreError> {
        let tables = self.tables();
        let is_it = |row: &&store::RunRow| row.dag_id == *dag_id && row.logical_date == Some(logical_date);
        let row = tables.runs_of(scope).map(|run| &run.row).find(is_it);
        Ok(row.map(|row| DatedRun {
            key: row.key,
            run_id: row.run_id.clone(),
            run_type: row.run_type,
            state: row.state,
            clears: row.clears,
        }))
    }

    async fn runs_unfinished_by_dag(&self, scope: TenantScope) -> Result<Vec<(DagId, RunType, u64)>, StoreError> {
        let tables = self.tables();
        let mut counts = BTreeMap::new();
        for run in tables.runs_of(scope).filter(|run| !run.row.state.is_ended()) {
            *counts.entry((run.row.dag_id.clone(), run.row.run_type)).or_insert(0) += 1;
        }
        Ok(counts.into_iter().map(|((dag_id, run_type), count)| (dag_id, run_type, count)).collect())
    }

    async fn runs_ended_last(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunState>, StoreError> {
        let tables = self.tables();
        let rows = tables.runs_of(scope).map(|run| &run.row).filter(|row| row.dag_id == *dag_id);
        let ended = rows.filter(|row| row.state.is_ended() && after.is_none_or(|after| row.key > after));
        let mut ended: Vec<_> = ended.map(|row| row.state).collect();
        ended.reverse();
        ended.truncate(limit as usize);
        Ok(ended)
    }
}
