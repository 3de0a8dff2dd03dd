//! A run in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use model::outcome::{Answer, End, ResourcesUsed, WakeOn, Woken};
use model::{
    AttemptToken, Dag, Fence, InstanceKey, MapIndex, NodeIdx, Place, RunKey, RunState, RunType, TaskState, TenantScope,
    TryNumber,
};
use plan::{
    AnswerDecision, Block, BlockDecision, Decisions, Event, Past, Ready, RunContext, RunMachine, SavedInstance,
    SavedNode, SavedRun,
};
use store::{Claim, ClaimedRun, Execution, Report, RunRow, RunSnapshot, WaitKind};

use crate::board::RunProgress;
use crate::command::NewTrigger;
use crate::version::Version;

/// A machine with what its claims and its waiters need.
pub(crate) struct ActiveRun {
    pub(crate) machine: RunMachine,
    pub(crate) claimed: Arc<ClaimedRun>,
    pub(crate) run_type: RunType,
    /// Stands in the queue of runs that have ready instances.
    pub(crate) is_queued: bool,
    /// Ready instances that the gauge counts.
    pub(crate) ready_told: u32,
    /// Its result is known to those who wait elsewhere.
    pub(crate) is_result_told: bool,
    /// What its instances wait for without a worker.
    pub(crate) waits: BTreeMap<(NodeIdx, MapIndex), Waiting>,
    /// What has woken attempts last.
    pub(crate) woken: BTreeMap<(NodeIdx, MapIndex), Arc<Woken>>,
    /// Instances of each task that run, and that are deferred, as limits beyond the run have counted them.
    pub(crate) counted: BTreeMap<NodeIdx, (u32, u32)>,
    /// Tasks of it name a pool, or have a limit over all runs.
    pub(crate) is_limited: bool,
    generation: u64,
}

/// What an instance waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) on: WakeOn,
    pub(crate) kind: WaitKind,
    pub(crate) key: Arc<str>,
}

impl ActiveRun {
    pub(crate) fn new(machine: RunMachine, claimed: ClaimedRun, run_type: RunType) -> Self {
        let mut tasks = claimed.dag.document().tasks.iter();
        let is_limited = tasks.any(|task| task.pool.is_some() || task.max_active_per_dag.is_some());
        Self {
            machine,
            is_limited,
            claimed: Arc::new(claimed),
            run_type,
            is_queued: false,
            ready_told: 0,
            is_result_told: false,
            waits: BTreeMap::new(),
            woken: BTreeMap::new(),
            counted: BTreeMap::new(),
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

    pub(crate) fn on(&mut self, event: Event, now: Timestamp) -> Decisions {
        self.machine.on(event, now)
    }

    /// It was cleared or marked once more; what is claimed from now on is of after that.
    pub(crate) fn cleared(&mut self) {
        let run = &*self.claimed;
        self.claimed = Arc::new(ClaimedRun {
            scope: run.scope,
            key: run.key,
            dag_id: run.dag_id.clone(),
            run_id: run.run_id.clone(),
            version: run.version,
            component: run.component,
            dag: run.dag.clone(),
            conf: run.conf.clone(),
            params: run.params.clone(),
            logical_date: run.logical_date,
            data_interval: run.data_interval,
            clears: run.clears + 1,
        });
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
                woken: self.woken.get(&(ready.node, ready.map_index)).cloned(),
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

/// For a machine of the run, as its version is laid out. Where its version has no task there was one instance, which is removed.
pub(crate) fn saved_of_snapshot(snapshot: &RunSnapshot, version: &Version) -> SavedRun {
    let is_there = |node: NodeIdx| !version.gone.contains(&node);
    let nothing = SavedNode { map_length: None, list_length: None };
    let node = |node: &store::NodeRow| match is_there(node.node) {
        true => SavedNode { map_length: node.map_length, list_length: node.list_length },
        false => nothing,
    };
    let instance = |row: &store::InstanceSnapshot| SavedInstance {
        node: row.node,
        map_index: row.map_index,
        // Offered to a worker elsewhere under its fence: for the machine it runs.
        state: if row.state == TaskState::Queued { TaskState::Running } else { row.state },
        try_number: row.try_number,
        max_tries: row.max_tries,
        fence: row.fence,
        retry_at: row.retry_at,
        since: row.since,
        times_out: row.times_out,
        lost_executions: row.lost_executions,
        suspect: row.suspect,
        has_value: row.has_value,
    };
    let block = |row: &store::BlockRow| {
        let store::BlockRow { level, parent, first, length, offset, live } = *row;
        BlockDecision { scope: level, block: Block { parent, first, length, offset, live } }
    };
    let answer = |row: &store::AnswerRow| AnswerDecision {
        node: row.node,
        map_index: row.map_index,
        answer: row.answer.clone(),
    };
    let run = &snapshot.run;
    let mut instances: Vec<_> = snapshot.instances.iter().filter(|row| is_there(row.node)).map(instance).collect();
    instances.extend(version.gone.iter().map(|node| removed(*node)));
    let answers = snapshot.answers.iter().filter(|row| is_there(row.node));
    let prior_tries = snapshot.prior_tries.iter().filter(|(node, ..)| is_there(*node));
    // A run that goes on has a reason when that is what it will fail for.
    let doom = run.reason.as_deref().filter(|_| run.state == RunState::Running).map(Into::into);
    SavedRun {
        doom,
        started_at: run.started_at.unwrap_or(run.queued_at),
        nodes: snapshot.nodes.iter().map(node).collect(),
        blocks: snapshot.blocks.iter().map(block).collect(),
        instances,
        answers: answers.map(answer).collect(),
        prior_tries: prior_tries.copied().collect(),
    }
}

pub(crate) fn removed(node: NodeIdx) -> SavedInstance {
    SavedInstance {
        node,
        map_index: MapIndex::NONE,
        state: TaskState::Removed,
        try_number: TryNumber(0),
        max_tries: 1,
        fence: Fence::NONE,
        retry_at: None,
        since: None,
        times_out: false,
        lost_executions: 0,
        suspect: false,
        has_value: false,
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

/// What the machine of a run must know of the world around it. What the run before says is asked for when the machine has started.
pub(crate) fn context(run: RunKey, is_latest: bool, dag: &Dag) -> RunContext {
    let past = if depends_on_past(dag) { Past::Met(Vec::new()) } else { Past::First };
    RunContext { seed: run.uuid().as_u64_pair().1, is_latest, past }
}

/// Whether some task waits for the run before.
pub(crate) fn depends_on_past(dag: &Dag) -> bool {
    dag.document().tasks.iter().any(|task| task.depends_on_past)
}

/// The key under which a run is found again.
pub(crate) type RunHandle = (TenantScope, RunKey);
