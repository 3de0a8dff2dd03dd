//! What instances wait for without a worker: events of assets, signals, answers, ends of other runs. (Times are the machine's.)
//!
//! The rows say what is met, so nothing is lost whoever dies; here it is only known which runs to look at: those that begin to wait, and
//! those about which something has come. A look costs one read of the run's waits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::outcome::{WakeOn, Woken};
use model::{InstanceKey, Key, MapIndex, NodeIdx, RunKey, RunState, SignalId, TaskState, TenantScope};
use plan::{Decisions, Event};
use serde_json::json;
use store::{NamedValue, NewValues, RETURN_VALUE, SignalRow, StoreError, StoredValue, TakenSignal, WaitKind, WaitRow};
use tracing::warn;
use uuid::Uuid;

use super::{REREAD_PAUSE, RunLoop};
use crate::active::{ActiveRun, RunHandle, Waiting};
use crate::cycle::Cycle;

/// Who waits for what, of all runs.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// Instances that wait for an event of an asset or for the end of a run.
    by_key: BTreeMap<(TenantScope, WaitKind, Arc<str>), BTreeSet<InstanceKey>>,
    /// Runs whose waits are to be looked at.
    must_look: BTreeSet<RunHandle>,
    /// What a look has found.
    met: Vec<Met>,
    /// How runs ended that somebody waits for.
    ends: BTreeMap<Arc<str>, (String, RunState)>,
}

type WaitsOfRun = BTreeMap<(NodeIdx, MapIndex), Waiting>;
type WokenOfRun = BTreeMap<(NodeIdx, MapIndex), Arc<Woken>>;

/// What an instance waits for is there.
#[derive(Debug)]
struct Met {
    run: RunHandle,
    node: NodeIdx,
    map_index: MapIndex,
    payload: Option<Arc<str>>,
    signal: Option<SignalId>,
}

impl Waits {
    pub(super) fn has_news(&self) -> bool {
        !self.met.is_empty()
    }

    pub(super) fn must_look(&self) -> bool {
        !self.must_look.is_empty()
    }

    /// Something may have come for a run.
    pub(super) fn look_at(&mut self, run: RunHandle) {
        self.must_look.insert(run);
    }

    /// Something has come that these wait for.
    pub(super) fn has_come(&mut self, scope: TenantScope, kind: WaitKind, key: &str) {
        if self.by_key.is_empty() {
            return;
        }
        if let Some(instances) = self.by_key.get(&(scope, kind, key.into())) {
            self.must_look.extend(instances.iter().map(|instance| (scope, instance.run)));
        }
    }

    /// Events of assets may have come.
    pub(super) fn doubt(&mut self) {
        let of_assets = self.by_key.iter().filter(|((_, kind, _), _)| *kind == WaitKind::Asset);
        let runs = of_assets.flat_map(|((scope, ..), instances)| instances.iter().map(|it| (*scope, it.run)));
        self.must_look.extend(runs);
    }

    fn add(&mut self, scope: TenantScope, instance: InstanceKey, waiting: &Waiting) {
        if matches!(waiting.kind, WaitKind::Asset | WaitKind::DagRun) {
            self.by_key.entry((scope, waiting.kind, waiting.key.clone())).or_default().insert(instance);
        }
    }

    fn remove(&mut self, scope: TenantScope, instance: InstanceKey, waiting: &Waiting) {
        let key = (scope, waiting.kind, waiting.key.clone());
        if let Some(instances) = self.by_key.get_mut(&key) {
            instances.remove(&instance);
            if instances.is_empty() {
                self.by_key.remove(&key);
                self.ends.remove(&waiting.key);
            }
        }
    }

    /// A run is in memory no longer.
    pub(super) fn forget(&mut self, run: &ActiveRun) {
        for (&(node, map_index), waiting) in &run.waits {
            self.remove(run.scope(), InstanceKey { run: run.claimed.key, node, map_index }, waiting);
        }
        self.must_look.remove(&(run.scope(), run.claimed.key));
    }

    /// Follows what a machine has decided about instances that waited.
    pub(super) fn decided(&mut self, cycle: &mut Cycle, run: &mut ActiveRun, decisions: &Decisions) {
        if run.waits.is_empty() && run.woken.is_empty() {
            return;
        }
        let transitions = decisions.transitions.iter().chain(&decisions.marks);
        let moved = transitions.map(|it| (it.node, it.first, it.last, Some(it.to)));
        let reset = decisions.resets.iter().map(|it| (it.node, it.first, it.last, None));
        for (node, first, last, to) in moved.chain(reset) {
            let over: Vec<_> = run.waits.range((node, first)..=(node, last)).map(|(at, _)| *at).collect();
            for at in over {
                let Some(waiting) = run.waits.remove(&at) else { continue };
                let instance = InstanceKey { run: run.claimed.key, node, map_index: at.1 };
                self.remove(run.scope(), instance, &waiting);
                cycle.commit.woken.push((run.scope(), instance));
                if to == Some(TaskState::Scheduled) {
                    // What came with it is put here by whoever knows.
                    run.woken.insert(at, Arc::new(Woken { on: waiting.on, payload: None }));
                }
            }
            if to != Some(TaskState::Scheduled) {
                let over: Vec<_> = run.woken.range((node, first)..=(node, last)).map(|(at, _)| *at).collect();
                over.into_iter().for_each(|at| _ = run.woken.remove(&at));
            }
        }
    }

    /// A run goes on under another version.
    pub(super) fn adopt(&mut self, run: &mut ActiveRun, (waits, woken): (WaitsOfRun, WokenOfRun)) {
        for (&(node, map_index), waiting) in &waits {
            self.add(run.scope(), InstanceKey { run: run.claimed.key, node, map_index }, waiting);
        }
        run.waits = waits;
        run.woken = woken;
    }

    /// A run that is read again waits as its rows say.
    pub(super) fn resume(&mut self, run: &mut ActiveRun, rows: &[WaitRow]) {
        for row in rows {
            let instance = row.wait.instance;
            let waiting = Waiting { on: on_of(row), kind: row.wait.kind, key: row.wait.key.clone() };
            self.add(run.scope(), instance, &waiting);
            run.waits.insert((instance.node, instance.map_index), waiting);
        }
        if rows.iter().any(|row| row.wait.kind != WaitKind::Time) {
            self.look_at((run.scope(), run.claimed.key));
        }
    }
}

impl RunLoop {
    /// Notes the waits that the commit begins, once it is known for which runs they are.
    pub(super) async fn begin_waits(&mut self, cycle: &mut Cycle) -> Result<(), StoreError> {
        for wait in std::mem::take(&mut cycle.run_waits) {
            let Some((dag_id, run_id)) = &wait.run else { continue };
            let row = self.parts.reader.run_fetch(wait.scope, dag_id, run_id).await?;
            if let Some((row, wait)) = row.zip(cycle.commit.waits.get_mut(wait.wait)) {
                wait.key = row.key.uuid().to_string().into();
                if row.state.is_ended() {
                    self.waits.ends.insert(wait.key.clone(), (row.run_id.to_string(), row.state));
                }
            }
        }
        for (wait, on) in cycle.commit.waits.iter().zip(std::mem::take(&mut cycle.waits_on)) {
            let Some(run) = self.active.get_mut(&wait.instance.run) else { continue };
            let waiting = Waiting { on, kind: wait.kind, key: wait.key.clone() };
            self.waits.add(wait.scope, wait.instance, &waiting);
            run.waits.insert((wait.instance.node, wait.instance.map_index), waiting);
            if wait.kind != WaitKind::Time {
                cycle.waiting.insert((wait.scope, wait.instance.run));
            }
        }
        Ok(())
    }

    /// A run has ended, for whom others may wait.
    pub(super) fn run_ended(&mut self, scope: TenantScope, run: RunKey, run_id: &str, state: RunState) {
        let key: Arc<str> = run.uuid().to_string().into();
        if self.waits.by_key.contains_key(&(scope, WaitKind::DagRun, key.clone())) {
            self.waits.ends.insert(key.clone(), (run_id.to_owned(), state));
            self.waits.has_come(scope, WaitKind::DagRun, &key);
        }
    }

    /// Wakes whom a look has found.
    pub(super) fn wake(&mut self, cycle: &mut Cycle) {
        for met in std::mem::take(&mut self.waits.met) {
            let Met { run: (scope, key), node, map_index, payload, signal } = met;
            let Some(run) = self.active.get_mut(&key) else { continue };
            let Some(waiting) = run.waits.get(&(node, map_index)) else { continue };
            let on = waiting.on.clone();
            let decisions = run.on(Event::Woken { node, map_index }, cycle.now);
            let to = decisions.transitions.iter().find(|it| it.node == node && it.first == map_index).map(|it| it.to);
            let instance = InstanceKey { run: key, node, map_index };
            self.apply(cycle, key, decisions, None);
            cycle.commit.signals.extend(signal.map(|signal| TakenSignal { scope, signal, instance }));
            match (to, payload) {
                (Some(TaskState::Scheduled), payload) => {
                    if let Some(run) = self.active.get_mut(&key) {
                        run.woken.insert((node, map_index), Arc::new(Woken { on, payload }));
                    }
                }
                (Some(TaskState::Success), Some(value)) => {
                    if let Ok(name) = Key::new(RETURN_VALUE) {
                        let values = vec![NamedValue { key: name, value: StoredValue::Inline(value) }];
                        cycle.commit.values.push(NewValues { scope, instance, values, at: cycle.now });
                    }
                }
                _ => {}
            }
        }
    }

    /// Looks at the rows of those who may have got what they wait for.
    pub(super) async fn look_at_waits(&mut self) {
        if self.waits.has_news() || self.parts.clock.monotonic() < self.ask_after {
            return;
        }
        while let Some(handle) = self.waits.must_look.first().copied() {
            if let Err(error) = self.look(handle).await {
                warn!(run = %handle.1, %error, "cannot look at what instances wait for yet");
                self.ask_after = self.parts.clock.monotonic() + REREAD_PAUSE;
                return;
            }
            self.waits.must_look.remove(&handle);
        }
    }

    async fn look(&mut self, handle @ (scope, run): RunHandle) -> Result<(), StoreError> {
        if !self.active.contains_key(&run) {
            return Ok(());
        }
        let rows = self.parts.waits.waits_of_run(scope, run).await?;
        let rows: Vec<_> = rows.into_iter().filter(|row| row.is_met).collect();
        let has_signals = rows.iter().any(|row| row.wait.kind == WaitKind::Signal);
        let mut signals: Vec<SignalRow> =
            if has_signals { self.parts.waits.signal_list(scope, run).await? } else { Vec::new() };
        signals.retain(|row| row.taken_by.is_none());
        for row in rows {
            let InstanceKey { node, map_index, .. } = row.wait.instance;
            let mut met = Met { run: handle, node, map_index, payload: None, signal: None };
            match row.wait.kind {
                WaitKind::Time => continue,
                WaitKind::Asset => met.payload = Some(json!({"asset": &*row.wait.key, "extra": {}}).to_string().into()),
                WaitKind::DagRun => met.payload = self.end_of(scope, &row.wait.key).await?,
                WaitKind::Signal => {
                    // One signal is for one instance.
                    let Some(at) = signals.iter().position(|row_of| row_of.signal.name == row.wait.key) else {
                        continue;
                    };
                    let signal = signals.remove(at).signal;
                    met.payload = Some(signal.payload);
                    met.signal = Some(signal.id);
                }
            }
            self.waits.met.push(met);
        }
        Ok(())
    }

    /// How a run ended; nothing where there is none.
    async fn end_of(&self, scope: TenantScope, key: &Arc<str>) -> Result<Option<Arc<str>>, StoreError> {
        let payload =
            |run_id: &str, state: RunState| json!({"run_id": run_id, "state": state.as_str()}).to_string().into();
        if let Some((run_id, state)) = self.waits.ends.get(key) {
            return Ok(Some(payload(run_id, *state)));
        }
        let Some(run) = Uuid::parse_str(key).ok().filter(|uuid| !uuid.is_nil()) else { return Ok(None) };
        let snapshot = self.parts.runs.run_snapshot(scope, RunKey::from_uuid(run)).await?;
        Ok(snapshot.map(|snapshot| payload(snapshot.run.run_id.as_str(), snapshot.run.state)))
    }
}

/// What a row says that a body had answered.
fn on_of(row: &WaitRow) -> WakeOn {
    match row.wait.kind {
        WaitKind::Time => WakeOn::Until { at_us: row.times_out_at.map_or(0, |at| at.as_microsecond()) },
        WaitKind::Asset => WakeOn::Asset(row.wait.key.to_string()),
        WaitKind::Signal => WakeOn::Signal(row.wait.key.to_string()),
        WaitKind::DagRun => WakeOn::DagRun(row.wait.key.to_string()),
    }
}
