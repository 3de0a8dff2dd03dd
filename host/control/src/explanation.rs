//! Why an instance does not run now: what its run knows of it, and what it needs beyond its run.

use jiff::Timestamp;
use model::document::TriggerRule;
use model::{MapIndex, NodeIdx, RunState, TaskState};
use scheduler::{Beyond, Explained, Explanation, Limit};

use crate::by_hand::control_error;
use crate::task_instance::node_of;
use crate::{Code, Control, DagRunView, Error, InstanceName, Session};

/// Why an instance does not run now.
#[derive(Debug, Clone)]
pub struct ExplanationView {
    pub run: DagRunView,
    pub node: NodeIdx,
    pub map_index: MapIndex,
    pub state: TaskState,
    /// All that keeps it, the first one first; one that runs has one reason too.
    pub reasons: Vec<Reason>,
    /// Instances of its direct upstream tasks by state.
    pub upstream: Vec<(NodeIdx, TaskState, u64)>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A stable word.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// Tasks that it waits for, and how many of their instances have not ended where that is known.
    pub tasks: Vec<(NodeIdx, Option<u32>)>,
    /// When its wait is over, or has failed.
    pub until: Option<Timestamp>,
    /// How many run, and how many may.
    pub limit: Option<(u32, u32)>,
}

impl Reason {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), tasks: Vec::new(), until: None, limit: None }
    }
}

impl ExplanationView {
    /// The rule that decides whether it runs.
    pub fn rule(&self) -> TriggerRule {
        self.run.version.dag().task(self.node).rule()
    }
}

impl Control {
    /// Why an instance does not run now; of a mapped task without a map index, the one that stands for it before it is expanded.
    pub async fn task_instance_explain(
        &self,
        session: &Session,
        name: &InstanceName,
    ) -> Result<ExplanationView, Error> {
        let scope = session.scope();
        let run = self.dag_run_find(scope, &name.dag_id, &name.run_id).await?;
        let task_id = &name.task_id;
        let node = node_of(&run, task_id)?;
        let map_index = name.map_index.unwrap_or(MapIndex::NONE);
        let asked = self.scheduling.explain(scope, run.row.key, task_id.clone(), map_index).await;
        let explained = asked.map_err(|error| control_error(&run, error))?;
        if explained.instance == Some(Explanation::Unknown) {
            let message = format!("task {:?} has no instance with map index {map_index}", task_id.as_str());
            return Err(Error::new(Code::InstanceNotFound, message));
        }
        let counts = self.runs.instance_counts(scope, run.row.key).await?;
        let direct = &run.version.dag().node(node).upstream;
        let upstream = counts.into_iter().filter(|(upstream, ..)| direct.contains(upstream)).collect();
        let reasons = reasons(&run, node, &explained);
        let state = state(&explained);
        Ok(ExplanationView { run, node, map_index, state, reasons, upstream })
    }
}

fn state(explained: &Explained) -> TaskState {
    match &explained.instance {
        Some(Explanation::Ended { state } | Explanation::WaitsUntil { state, .. }) => *state,
        Some(Explanation::Running { .. }) => TaskState::Running,
        Some(Explanation::Ready | Explanation::Limited(_)) => TaskState::Scheduled,
        Some(Explanation::Deferred { .. }) => TaskState::Deferred,
        Some(Explanation::AwaitsInput { .. }) => TaskState::AwaitingInput,
        _ => TaskState::None,
    }
}

fn reasons(run: &DagRunView, node: NodeIdx, explained: &Explained) -> Vec<Reason> {
    let beyond = explained.beyond.iter().map(of_beyond);
    let own = explained.instance.as_ref().map(|explanation| of_run(run, node, explanation));
    let is_ready = explained.instance == Some(Explanation::Ready);
    let (mut own, mut reasons): (Vec<_>, Vec<_>) = (own.into_iter().collect(), beyond.collect());
    if run.row.state == RunState::Queued && reasons.is_empty() && own.is_empty() {
        reasons.push(Reason::new("run_queued", "the run has not begun; the DAG has as many unfinished runs as it may"));
    }
    if is_ready && !reasons.is_empty() {
        // Being ready says less than what else is missing.
        own.clear();
    }
    own.append(&mut reasons);
    own
}

fn of_run(run: &DagRunView, node: NodeIdx, explanation: &Explanation) -> Reason {
    let dag = run.version.dag();
    let name = |node: NodeIdx| dag.task(node).task_id.as_str();
    let names = |nodes: &[NodeIdx]| nodes.iter().map(|node| name(*node)).collect::<Vec<_>>().join(", ");
    let rule = dag.task(node).rule().as_str();
    match explanation {
        Explanation::Unknown => Reason::new("unknown", "there is no such instance"),
        Explanation::Ended { state } => Reason::new("ended", format!("it has ended: {state}")),
        Explanation::Running { .. } => Reason::new("running", "it is with a worker"),
        Explanation::Ready => Reason::new("ready", "it may start; others go first, or no slot is free"),
        Explanation::Limited(Limit::Run { running, cap }) => Reason {
            limit: Some((*running, *cap)),
            ..Reason::new("limited_by_run", format!("{running} instances of the run are active, {cap} may be"))
        },
        Explanation::Limited(Limit::Task { running, cap }) => Reason {
            limit: Some((*running, *cap)),
            ..Reason::new(
                "limited_by_task",
                format!("{running} instances of the task are active in the run, {cap} may be"),
            )
        },
        Explanation::Limited(Limit::Room) => {
            Reason::new("limited", "its pool, or what may run of the task over all runs, is full")
        }
        Explanation::WaitsUntil { state, at } => Reason {
            until: Some(*at),
            ..Reason::new("waits_until", format!("it is {state}; its next turn is at {at}"))
        },
        Explanation::Deferred { times_out_at } => Reason {
            until: *times_out_at,
            ..Reason::new("deferred", "it waits, without a worker, until something wakes it")
        },
        Explanation::AwaitsInput { times_out_at } => {
            Reason { until: *times_out_at, ..Reason::new("awaits_input", "somebody has to answer it") }
        }
        Explanation::Unexpanded { sources } => Reason {
            tasks: sources.iter().map(|source| (*source, None)).collect(),
            ..Reason::new("unexpanded", format!("it is mapped over what is not known yet: {}", names(sources)))
        },
        Explanation::Upstream { pending } => {
            let told: Vec<_> = pending.iter().map(|(task, count)| format!("{} ({count})", name(*task))).collect();
            let message =
                format!("its rule {rule} waits for instances upstream that have not ended: {}", told.join(", "));
            let tasks = pending.iter().map(|(task, count)| (*task, Some(*count))).collect();
            Reason { tasks, ..Reason::new("upstream", message) }
        }
        Explanation::Gate { decider } => Reason {
            tasks: vec![(*decider, None)],
            ..Reason::new("gate", format!("{} has not decided whether it is skipped", name(*decider)))
        },
        Explanation::Setup { setups } => Reason {
            tasks: setups.iter().map(|setup| (*setup, None)).collect(),
            ..Reason::new("setup", format!("setups that it needs have not ended: {}", names(setups)))
        },
        Explanation::Past => Reason::new("past", "the same task in the run before has not ended well"),
        Explanation::Item => Reason::new("item", "the instance that it is mapped over has not ended"),
        Explanation::NotMade => Reason::new("not_made", "its row is about to be made"),
    }
}

fn of_beyond(beyond: &Beyond) -> Reason {
    match beyond {
        Beyond::RunQueued { run_after } => Reason {
            until: Some(*run_after),
            ..Reason::new("run_queued", format!("the run has not begun; it may not before {run_after}"))
        },
        Beyond::Pool { pool, slots, taken, wanted } => Reason {
            limit: Some((*taken, *slots)),
            ..Reason::new(
                "limited_by_pool",
                format!("pool {:?} has {slots} slots, {taken} of them taken; it needs {wanted}", pool.as_str()),
            )
        },
        Beyond::NoPool { pool } => Reason::new("no_pool", format!("there is no pool {:?}; make it", pool.as_str())),
        Beyond::TaskOverRuns { running, cap } => Reason {
            limit: Some((*running, *cap)),
            ..Reason::new(
                "limited_by_dag",
                format!("{running} instances of the task are active over all runs of the DAG, {cap} may be"),
            )
        },
        Beyond::Tenant { running, cap } => Reason {
            limit: Some((*running, *cap)),
            ..Reason::new("limited_by_tenant", format!("{running} instances of the tenant are active, {cap} may be"))
        },
        Beyond::NoWorker => Reason::new("no_worker", "no worker was heard of lately"),
        Beyond::NoSlot { slots } => Reason::new("no_slot", format!("all {slots} slots of the workers are taken")),
        Beyond::Draining => Reason::new("draining", "the server is stopping"),
        Beyond::LostExecutions { lost, suspect: true } => Reason::new(
            "lost_executions",
            format!("{lost} executions of this attempt were lost, one when its runner died; it runs alone"),
        ),
        Beyond::LostExecutions { lost, suspect: false } => {
            Reason::new("lost_executions", format!("{lost} executions of this attempt were lost"))
        }
    }
}
