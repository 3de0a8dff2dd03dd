//! What people ask of runs: each act is a commit of its own, so that it finds what was decided before it in the rows.

use std::sync::Arc;

use model::{MapIndex, RunKey, RunState, TaskId, TenantScope, VersionKey};
use plan::{Decisions, Explanation, Limit};
use serde_json::json;
use store::{EventId, NewEventLog, NewNode, Reopened};
use tracing::warn;

use super::RunLoop;
use crate::active::{ActiveRun, RunHandle, claimed_of_row};
use crate::by_hand::{
    Act, Asked, Asker, Beyond, Changes, Clear, ControlError, Explained, Planned, Transfer, explained, lost_executions,
};
use crate::command::Reply;
use crate::cycle::Cycle;
use crate::recovery::Recovered;

/// Something that is asked of a run.
pub(super) enum Request {
    Act {
        run: RunHandle,
        act: Act,
        asker: Asker,
        is_dry_run: bool,
        reply: Reply<Changes, ControlError>,
    },
    /// By another process.
    Asked {
        run: RunHandle,
        asked: Asked,
        event: EventId,
    },
    Explain {
        run: RunHandle,
        task_id: TaskId,
        map_index: MapIndex,
        reply: Reply<Explained, ControlError>,
    },
}

impl Request {
    fn run(&self) -> RunHandle {
        match self {
            Self::Act { run, .. } | Self::Asked { run, .. } | Self::Explain { run, .. } => *run,
        }
    }

    /// By which another process asks.
    pub(super) fn event(&self) -> Option<EventId> {
        if let Self::Asked { event, .. } = self { Some(*event) } else { None }
    }
}

impl RunLoop {
    /// Does what is asked. A run that is being read has its turn when it is there.
    pub(super) async fn answer_requests(&mut self) {
        for request in std::mem::take(&mut self.requests) {
            if self.owns(request.run().0) && self.is_coming(request.run()) {
                self.requests.push(request);
                continue;
            }
            match request {
                Request::Act { run, act, asker, is_dry_run, reply } => {
                    let mut cycle = self.new_cycle();
                    match self.act(&mut cycle, run, &act, &asker, is_dry_run).await {
                        Ok((changes, true)) => {
                            cycle.acts.push((changes, reply));
                            self.commit(cycle).await;
                        }
                        // A caller that is gone does not wait for the answer.
                        Ok((changes, false)) => _ = reply.send(Ok(changes)),
                        // It has its turn when the run is read.
                        Err(ControlError::Overtaken) => {
                            self.requests.push(Request::Act { run, act, asker, is_dry_run, reply });
                        }
                        Err(error) => _ = reply.send(Err(error)),
                    }
                }
                Request::Asked { run, asked, event } => {
                    let mut cycle = self.new_cycle();
                    match self.act(&mut cycle, run, &asked.act, &asked.asker, false).await {
                        Ok(_) => {}
                        Err(ControlError::Overtaken) => {
                            self.requests.push(Request::Asked { run, asked, event });
                            continue;
                        }
                        // The event stays for whoever can.
                        Err(ControlError::NotOwner) => continue,
                        Err(ControlError::Store(error)) if error.may_pass() => continue,
                        Err(error) => warn!(run = %run.1, %error, "what another process asked for was not done"),
                    }
                    cycle.events.push((run.0, event));
                    self.commit(cycle).await;
                }
                Request::Explain { run, task_id, map_index, reply } => {
                    let _ = reply.send(self.explain(run, task_id, map_index).await);
                }
            }
        }
    }

    /// Decides what an act comes to; true where there is something to write.
    async fn act(
        &mut self,
        cycle: &mut Cycle,
        handle @ (scope, key): RunHandle,
        act: &Act,
        asker: &Asker,
        is_dry_run: bool,
    ) -> Result<(Changes, bool), ControlError> {
        if !self.owns(scope) {
            return Err(ControlError::NotOwner);
        }
        let reason = reason_of(act, asker);
        let limits = self.parts.limits.machine;
        let version = match act {
            Act::Clear(Clear { version: Some(version), .. }) => Some(self.parts.versions.fetch(scope, *version).await?),
            _ => None,
        };
        let is_other = |own: VersionKey| version.as_ref().is_some_and(|version| version.key != own);
        let mut tasks = None;
        let in_memory = self.active.get_mut(&key).filter(|run| !is_other(run.claimed.version));
        let (changes, decisions) = if let Some(run) = in_memory {
            let planned = Planned::of(&run.machine, run.machine.state(), act)?;
            let changes = planned.changes(&run.claimed.dag, run.claimed.version);
            if is_dry_run || planned.is_nothing() {
                return Ok((changes, false));
            }
            (changes, planned.carry_out(&mut run.machine, &reason, cycle.now))
        } else {
            let mut read = self.sources().look(scope, key).await?.ok_or(ControlError::UnknownRun)?;
            let state = read.snapshot.run.state;
            let is_active = self.active.contains_key(&key);
            if state == RunState::Queued && read.snapshot.run.run_after > cycle.now {
                return self.act_before_it_begins(cycle, &read, act, asker, is_dry_run);
            }
            if !state.is_ended() && !is_active {
                self.read_later(handle);
                return Err(ControlError::Overtaken);
            }
            let (version, machine, changes, decisions) = match (version, act) {
                (Some(version), Act::Clear(clear)) if read.has_other_tasks(&version) => {
                    let transfer = Transfer::of(&read, &version, clear, &reason, limits, cycle.now)?;
                    if is_dry_run || transfer.changes.instances.is_empty() {
                        return Ok((transfer.changes, false));
                    }
                    tasks = Some(transfer.tasks);
                    (transfer.version, transfer.machine, transfer.changes, transfer.decisions)
                }
                (version, _) => {
                    if let Some(version) = version.filter(|version| version.key != read.version.key) {
                        read = read.under(version)?;
                    }
                    let mut machine = read.view(limits, cycle.now);
                    let planned = Planned::of(&machine, state, act)?;
                    let changes = planned.changes(&read.version.dag, read.version.key);
                    if is_dry_run || planned.is_nothing() {
                        return Ok((changes, false));
                    }
                    let decisions = planned.carry_out(&mut machine, &reason, cycle.now);
                    (read.version.clone(), machine, changes, decisions)
                }
            };
            let (active, max) = (self.unfinished(), self.parts.limits.runs);
            if active >= max && !is_active {
                return Err(ControlError::Overloaded { active, max });
            }
            let waits = self.active.get_mut(&key).map(|run| (run.waits.clone(), run.woken.clone())).unwrap_or_default();
            self.drop_run(key);
            let row = &read.snapshot.run;
            self.activate(key, ActiveRun::new(machine, claimed_of_row(row, &version), row.run_type));
            if let Some(run) = self.active.get_mut(&key) {
                self.waits.adopt(run, waits);
                if state.is_ended() {
                    cycle.deadline_again(&run.claimed, row.run_after);
                }
            }
            (changes, decisions)
        };
        cycle.keeps_state = matches!(act, Act::Clear(clear) if clear.keeps_state);
        Ok((self.write_act(cycle, (scope, key), act, asker, decisions, changes, tasks), true))
    }

    /// A run that has not begun has no instances yet; it can only be ended, and then has them, all skipped.
    fn act_before_it_begins(
        &mut self,
        cycle: &mut Cycle,
        read: &Recovered,
        act: &Act,
        asker: &Asker,
        is_dry_run: bool,
    ) -> Result<(Changes, bool), ControlError> {
        let row = &read.snapshot.run;
        let (Act::Cancel | Act::MarkRun(RunState::Failed)) = act else {
            return Err(ControlError::NotBegun { run_after: row.run_after });
        };
        let (mut machine, begun) = read.begin(self.parts.limits.machine, cycle.now);
        let planned = Planned::stop(&machine, row.state);
        let changes = planned.changes(&read.version.dag, read.version.key);
        if is_dry_run {
            return Ok((changes, false));
        }
        let ended = planned.carry_out(&mut machine, &reason_of(act, asker), cycle.now);
        let (scope, key) = (row.scope, row.key);
        self.later.remove(&(row.run_after, (scope, key)));
        self.drop_run(key);
        self.activate(key, ActiveRun::new(machine, claimed_of_row(row, &read.version), row.run_type));
        let decisions = begun.followed_by(ended);
        Ok((self.write_act(cycle, (scope, key), act, asker, decisions, changes, None), true))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one commit")]
    fn write_act(
        &mut self,
        cycle: &mut Cycle,
        (scope, run): RunHandle,
        act: &Act,
        asker: &Asker,
        decisions: Decisions,
        mut changes: Changes,
        tasks: Option<Vec<NewNode>>,
    ) -> Changes {
        let version = if let Act::Clear(clear) = act { clear.version } else { None };
        cycle.commit.reopened.push(Reopened { scope, run, version, tasks, at: cycle.now });
        cycle
            .commit
            .logs
            .extend(self.active.get(&run).map(|active| log_of(active, act, asker, cycle, changes.count())));
        self.apply(cycle, run, decisions, None);
        if let Some(active) = self.active.get_mut(&run) {
            changes.state = active.machine.state();
            active.cleared();
        }
        self.must_go_on = true;
        changes
    }

    async fn explain(
        &self,
        (scope, run): RunHandle,
        task_id: TaskId,
        map_index: MapIndex,
    ) -> Result<Explained, ControlError> {
        if !self.owns(scope) {
            return Err(ControlError::NotOwner);
        }
        let Some(active) = self.active.get(&run) else {
            let read = self.sources().look(scope, run).await?.ok_or(ControlError::UnknownRun)?;
            return explained(&read, self.parts.limits.machine, self.parts.clock.now(), task_id, map_index);
        };
        let Some(node) = active.claimed.dag.find(task_id.as_str()) else {
            return Err(ControlError::UnknownTask(task_id));
        };
        let explanation = active.machine.explain(node, map_index);
        if explanation == Explanation::Unknown {
            return Err(ControlError::UnknownInstance { task_id: task_id.to_string(), map_index });
        }
        let mut beyond: Vec<_> = lost_executions(&active.machine, node, map_index).into_iter().collect();
        if matches!(explanation, Explanation::Ready | Explanation::Limited(Limit::Room)) {
            beyond.extend(self.rooms.why(active, node));
            beyond.extend(self.why_no_slot());
        }
        Ok(Explained { task_id, map_index, instance: Some(explanation), beyond })
    }

    /// What keeps everything that is ready from starting.
    fn why_no_slot(&self) -> Option<Beyond> {
        if self.is_draining {
            return Some(Beyond::Draining);
        }
        let elsewhere = self.shared.as_ref().map_or(0, super::Shared::slots);
        let slots = u32::try_from(self.slots.total()).unwrap_or(u32::MAX).saturating_add(elsewhere);
        if slots == 0 || !self.slots.has_workers() && elsewhere == 0 {
            return Some(Beyond::NoWorker);
        }
        (self.slots.freest_count() == 0).then_some(Beyond::NoSlot { slots })
    }
}

/// What stands in the rows of instances that somebody has changed.
fn reason_of(act: &Act, asker: &Asker) -> String {
    let what = match act {
        Act::Clear(_) => "cleared",
        Act::Mark(_) | Act::MarkRun(RunState::Success | RunState::Queued | RunState::Running) => "marked",
        Act::MarkRun(RunState::Failed) => "marked failed",
        Act::Cancel => "cancelled",
    };
    match &asker.why {
        Some(why) => format!("{what} by {}: {why}", asker.name),
        None => format!("{what} by {}", asker.name),
    }
}

fn log_of(run: &ActiveRun, act: &Act, asker: &Asker, cycle: &Cycle, count: u64) -> NewEventLog {
    let instances = match act {
        Act::Clear(clear) => Some(&clear.instances),
        Act::Mark(mark) => Some(&mark.instances),
        Act::MarkRun(_) | Act::Cancel => None,
    };
    let to = match act {
        Act::Mark(mark) => Some(mark.to.as_str()),
        Act::MarkRun(to) => Some(to.as_str()),
        Act::Clear(_) | Act::Cancel => None,
    };
    let task_id = instances.and_then(|it| if let [task_id] = &it.tasks[..] { Some(task_id.clone()) } else { None });
    let map_index = instances.and_then(|it| if let [index] = it.map_indexes[..] { Some(index) } else { None });
    let extra = json!({"why": asker.why, "to": to, "instances": count});
    let extra: Arc<str> = extra.to_string().into();
    NewEventLog {
        scope: run.scope(),
        at: cycle.now,
        event: act.name().into(),
        owner: asker.name.as_str().into(),
        dag_id: Some(run.claimed.dag_id.clone()),
        run_id: Some(run.claimed.run_id.clone()),
        task_id,
        map_index,
        try_number: None,
        extra,
    }
}

/// A request of another process; nothing for one that no program of this kind wrote.
pub(super) fn asked(scope: TenantScope, run: RunKey, request: &str, event: EventId) -> Option<Request> {
    let asked = Asked::of_text(request)?;
    Some(Request::Asked { run: (scope, run), asked, event })
}
