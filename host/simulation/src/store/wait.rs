//! What instances wait for without a worker, and signals to runs.

use async_trait::async_trait;
use model::limits::run::SIGNALS_MAX;
use model::{AssetName, InstanceKey, RunKey, TaskState, TenantScope};
use store::{
    EventKind, NewSignal, NewWait, Page, PageRequest, SignalRow, StoreError, TakenSignal, WaitFilter, WaitKind,
    WaitRow, WaitStore,
};

use super::rows::{Run, SimStore, Tables, kept, micros, page};

impl Run {
    pub(super) fn wait(&mut self, it: &NewWait) {
        let wait = NewWait {
            key: kept(&it.key).into(),
            form: it.form.as_deref().map(|form| kept(form).into()),
            since: micros(it.since),
            ..it.clone()
        };
        self.waits.insert((it.instance.node, it.instance.map_index), wait);
    }

    pub(super) fn take_signal(&mut self, it: &TakenSignal) -> bool {
        let signal = self.signals.iter_mut().find(|row| row.signal.id == it.signal && row.taken_by.is_none());
        signal.map(|row| row.taken_by = Some(it.instance)).is_some()
    }
}

impl Tables {
    fn waits(&self, scope: TenantScope) -> impl Iterator<Item = WaitRow> {
        self.runs_of(scope).flat_map(|run| run.waits.values().filter_map(|wait| self.wait_row(run, wait)))
    }

    fn wait_row(&self, run: &Run, wait: &NewWait) -> Option<WaitRow> {
        let short = run.instances.get(&(wait.instance.node, wait.instance.map_index))?.short;
        let waits = match short.state {
            TaskState::AwaitingInput => true,
            TaskState::Deferred => short.fence == wait.fence,
            _ => false,
        };
        waits.then(|| WaitRow {
            wait: wait.clone(),
            dag_id: run.row.dag_id.clone(),
            run_id: run.row.run_id.clone(),
            task_id: run.nodes[&wait.instance.node].task_id.clone(),
            state: short.state,
            times_out_at: short.retry_at.filter(|_| short.times_out),
            is_met: self.is_met(run, wait),
        })
    }

    fn is_met(&self, run: &Run, wait: &NewWait) -> bool {
        match wait.kind {
            WaitKind::Time => false,
            WaitKind::Signal => run.signals.iter().any(|it| it.taken_by.is_none() && it.signal.name == wait.key),
            WaitKind::Asset => {
                let events = self.assets.events.iter().filter(|((scope, _), _)| *scope == wait.scope);
                let last = events.filter(|(_, row)| row.name.as_str() == &*wait.key).map(|(_, row)| row).next_back();
                last.is_some_and(|row| row.at >= wait.since)
            }
            WaitKind::DagRun => {
                let is_it =
                    |of: &&Run| !of.row.state.is_ended() && of.row.key.uuid().to_string() == wait.key.to_lowercase();
                !self.runs_of(wait.scope).any(|of| is_it(&of))
            }
        }
    }

    /// Tells the owners of runs that wait for an asset.
    pub(crate) fn tell_of_asset(&mut self, scope: TenantScope, name: &AssetName) {
        if !self.cluster.is_used() {
            return;
        }
        let waits =
            |run: &&Run| run.waits.values().any(|wait| wait.kind == WaitKind::Asset && *wait.key == *name.as_str());
        let runs: Vec<_> = self.runs_of(scope).filter(waits).map(|run| run.row.key).collect();
        for run in runs {
            self.cluster.tell(scope, EventKind::Met(run));
        }
    }

    fn signal(&mut self, new: &NewSignal) -> Result<bool, StoreError> {
        if self.runs_of(new.scope).any(|run| run.signals.iter().any(|row| row.signal.id == new.id)) {
            return Ok(false);
        }
        let refused = |why| StoreError::Conflict { what: "run", name: new.run.to_string(), why };
        let run = self.runs.get_mut(&(new.scope, new.run)).ok_or_else(|| refused("does not exist"))?;
        if run.row.state.is_ended() {
            return Err(refused("has ended"));
        }
        let used = run.signals.iter().filter(|row| row.taken_by.is_none()).count() as u64;
        if used >= u64::from(SIGNALS_MAX) {
            let limit = "the number of signals that nobody has taken";
            return Err(StoreError::LimitReached { limit, used, max: u64::from(SIGNALS_MAX) });
        }
        let signal = NewSignal {
            name: kept(&new.name).into(),
            payload: kept(&new.payload).into(),
            by: kept(&new.by).into(),
            at: micros(new.at),
            ..new.clone()
        };
        run.signals.push(SignalRow { signal, taken_by: None });
        if self.cluster.is_used() {
            self.cluster.tell(new.scope, EventKind::Met(new.run));
        }
        Ok(true)
    }
}

#[async_trait]
impl WaitStore for SimStore {
    async fn waits_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<WaitRow>, StoreError> {
        let tables = self.tables();
        let Some(run) = tables.runs.get(&(scope, run)) else { return Ok(Vec::new()) };
        Ok(run.waits.values().filter_map(|wait| tables.wait_row(run, wait)).collect())
    }

    async fn waits_on(
        &self,
        scope: TenantScope,
        kind: WaitKind,
        key: &str,
        after: Option<InstanceKey>,
        limit: u32,
    ) -> Result<Vec<WaitRow>, StoreError> {
        let tables = self.tables();
        let of = tables.waits(scope).filter(|row| row.wait.kind == kind && *row.wait.key == *kept(key));
        let rest = of.filter(|row| after.is_none_or(|after| row.wait.instance > after));
        Ok(rest.take(limit as usize).collect())
    }

    async fn wait_list(
        &self,
        scope: TenantScope,
        filter: &WaitFilter,
        of: PageRequest,
    ) -> Result<Page<WaitRow>, StoreError> {
        let tables = self.tables();
        let holds = |row: &WaitRow| {
            filter.kind.is_none_or(|kind| kind == row.wait.kind)
                && filter.dag_id.as_ref().is_none_or(|dag_id| *dag_id == row.dag_id)
                && filter.run.is_none_or(|run| run == row.wait.instance.run)
                && (!filter.has_form || row.wait.form.is_some())
        };
        Ok(page(tables.waits(scope).filter(holds).collect(), of))
    }

    async fn signal_insert(&self, signal: &NewSignal) -> Result<bool, StoreError> {
        self.tables().signal(signal)
    }

    async fn signal_list(&self, scope: TenantScope, run: RunKey) -> Result<Vec<SignalRow>, StoreError> {
        Ok(self.tables().runs.get(&(scope, run)).map_or_else(Vec::new, |run| run.signals.clone()))
    }

    async fn signal_of_instance(
        &self,
        scope: TenantScope,
        instance: InstanceKey,
    ) -> Result<Option<SignalRow>, StoreError> {
        let tables = self.tables();
        let Some(run) = tables.runs.get(&(scope, instance.run)) else { return Ok(None) };
        Ok(run.signals.iter().rfind(|row| row.taken_by == Some(instance)).cloned())
    }
}
