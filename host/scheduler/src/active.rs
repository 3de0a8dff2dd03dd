//! An unfinished run in memory.

use std::sync::Arc;

use jiff::Timestamp;
use model::outcome::{Answer, End, ResourcesUsed};
use model::{AttemptToken, Fence, InstanceKey, Place, RunKey, TaskState, TenantScope};
use plan::{Decisions, Event, Ready, RunContext, RunMachine, SavedInstance, SavedNode, SavedRun};
use store::{Claim, ClaimedRun, Execution, Report, RunRow, RunSnapshot};

use crate::board::RunProgress;
use crate::command::NewTrigger;
use crate::version::Version;

/// A machine with what its claims and its waiters need.
pub(crate) struct ActiveRun {
    pub(crate) machine: RunMachine,
    pub(crate) claimed: Arc<ClaimedRun>,
    /// Stands in the queue of runs that have ready instances.
    pub(crate) is_queued: bool,
    /// Ready instances that the gauge counts.
    pub(crate) ready_told: u32,
    /// Its result is known to those who wait elsewhere.
    pub(crate) is_result_told: bool,
    generation: u64,
}

impl ActiveRun {
    pub(crate) fn new(machine: RunMachine, claimed: ClaimedRun) -> Self {
        Self {
            machine,
            claimed: Arc::new(claimed),
            is_queued: false,
            ready_told: 0,
            is_result_told: false,
            generation: 0,
        }
    }

    pub(crate) fn scope(&self) -> TenantScope {
        self.claimed.scope
    }

    /// What waiters are told after a commit.
    pub(crate) fn progress(&mut self) -> RunProgress {
        self.generation += 1;
        RunProgress { state: self.machine.state(), result: self.machine.result(), generation: self.generation }
    }

    /// Takes an event; also gives the executions that the event ended by ending their instances.
    pub(crate) fn on(&mut self, event: Event, now: Timestamp) -> (Decisions, Vec<(InstanceKey, Fence)>) {
        let run = self.claimed.key;
        let decisions = self.machine.on(event, now);
        let instance = |it: &plan::Cancelled| InstanceKey { run, node: it.node, map_index: it.map_index };
        let ended = decisions.cancelled.iter().map(|it| (instance(it), it.fence)).collect();
        (decisions, ended)
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = (InstanceKey, Fence)> + '_ {
        let run = self.claimed.key;
        self.machine.running().map(move |(node, map_index, fence)| (InstanceKey { run, node, map_index }, fence))
    }

    /// Claims of instances that the machine has given out.
    pub(crate) fn claims(&self, ready: &[Ready], fence: Fence, now: Timestamp) -> Vec<Claim> {
        let claim = |(ready, place): (&Ready, Place)| {
            let instance = InstanceKey { run: self.claimed.key, node: ready.node, map_index: ready.map_index };
            let token = AttemptToken { instance, try_number: ready.try_number, fence };
            Claim {
                run: self.claimed.clone(),
                token,
                place,
                suspect: ready.suspect,
                claimed_at: now,
                woken: None,
                notify: None,
            }
        };
        ready.iter().zip(self.machine.places(ready)).map(claim).collect()
    }
}

pub(crate) fn claimed_of_trigger(trigger: &NewTrigger) -> ClaimedRun {
    let Version { scope, key, ref dag_id, component, ref dag, .. } = *trigger.version;
    ClaimedRun {
        scope,
        key: trigger.key,
        dag_id: dag_id.clone(),
        run_id: trigger.run_id.clone(),
        version: key,
        component,
        dag: dag.clone(),
        conf: trigger.conf.clone(),
        params: trigger.params.clone(),
        logical_date: trigger.logical_date,
        data_interval: trigger.data_interval,
        clears: 0,
    }
}

pub(crate) fn claimed_of_row(run: &RunRow, version: &Version) -> ClaimedRun {
    ClaimedRun {
        scope: run.scope,
        key: run.key,
        dag_id: run.dag_id.clone(),
        run_id: run.run_id.clone(),
        version: version.key,
        component: version.component,
        dag: version.dag.clone(),
        conf: run.conf.clone(),
        params: run.params.clone(),
        logical_date: run.logical_date,
        data_interval: run.data_interval,
        clears: run.clears,
    }
}

pub(crate) fn saved_of_snapshot(snapshot: &RunSnapshot) -> SavedRun {
    let node = |node: &store::NodeRow| SavedNode { map_length: node.map_length, list_length: node.list_length };
    let instance = |row: &store::InstanceSnapshot| SavedInstance {
        node: row.node,
        map_index: row.map_index,
        // Offered to a worker elsewhere under its fence: for the machine it runs.
        state: if row.state == TaskState::Queued { TaskState::Running } else { row.state },
        try_number: row.try_number,
        max_tries: row.max_tries,
        fence: row.fence,
        retry_at: row.retry_at,
        since: None,
        times_out: false,
        lost_executions: row.lost_executions,
        suspect: row.suspect,
        has_value: row.has_value,
    };
    SavedRun {
        started_at: snapshot.run.started_at.unwrap_or(snapshot.run.queued_at),
        nodes: snapshot.nodes.iter().map(node).collect(),
        blocks: Vec::new(),
        instances: snapshot.instances.iter().map(instance).collect(),
        answers: Vec::new(),
        prior_tries: snapshot.prior_tries.clone(),
    }
}

/// The report of an execution that nobody carries on.
pub(crate) fn lost(
    scope: TenantScope,
    token: AttemptToken,
    started_at: Timestamp,
    now: Timestamp,
    message: &str,
) -> Report {
    let end = End::HostLost { message: message.to_owned(), suspect: false };
    let execution = Execution { started_at, ended_at: now, end, used: ResourcesUsed::default() };
    let (xcoms, asset_events) = (Vec::new(), Vec::new());
    Report { scope, token, execution, xcoms, has_value: false, answer: Answer::default(), asset_events }
}

/// What the machine of a run must know of the world around it.
pub(crate) fn context(run: RunKey) -> RunContext {
    RunContext { seed: run.uuid().as_u64_pair().1, ..RunContext::default() }
}

/// The key under which a run is found again.
pub(crate) type RunHandle = (TenantScope, RunKey);
