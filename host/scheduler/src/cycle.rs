//! One turn of the loop: what is gathered for one commit, and whom to tell when it is durable.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use model::asset::AssetDocument;
use model::outcome::{End, ResourcesUsed};
use model::{
    Fence, InstanceKey, MapIndex, NodeIdx, RunId, RunKey, RunState, TaskState, TenantScope, TryNumber, WorkerId,
};
use plan::{Decisions, ExpansionDecision};
use serde_json::Value;
use store::{
    AssetSource, Claim, ClaimedRun, Ended, EventId, Execution, Expansion, InstanceClaim, NewAssetEvent, NewInstances,
    NewNode, NewRun, Offer, Report, ResultChange, RunCommit, RunStateChange, StoreError, Transition,
};
use tokio::sync::oneshot;

use crate::active::RunHandle;
use crate::command::{NewTrigger, Reply, TriggerError};

/// Who reported, with what of it belongs elsewhere.
pub(crate) struct Reporter {
    pub(crate) reply: Reply<Vec<Report>, StoreError>,
    pub(crate) elsewhere: Vec<Report>,
}

/// What one commit will hold.
pub(crate) struct Cycle {
    pub(crate) now: Timestamp,
    pub(crate) fence: Fence,
    pub(crate) commit: RunCommit,
    /// How many brought something that the database may refuse.
    pub(crate) commands: usize,
    /// Runs whose machines took part, and how often they had been cleared when they were read.
    pub(crate) touched: BTreeMap<RunHandle, u32>,
    /// Runs that want to hear of the commit.
    pub(crate) more_after_commit: Vec<RunKey>,
    pub(crate) triggers: Vec<(RunHandle, RunId, Reply<(), TriggerError>)>,
    pub(crate) reports: Vec<Reporter>,
    /// Claims whose ends are reported: their slots are free once the commit is durable.
    pub(crate) released: Vec<(WorkerId, Claim)>,
    pub(crate) handouts: BTreeMap<WorkerId, Vec<Claim>>,
    /// Executions that the commit ends; their workers are told to end them too.
    pub(crate) cancels: BTreeSet<(InstanceKey, Fence)>,
    /// Instances for workers elsewhere.
    pub(crate) offers: Vec<Offer>,
    /// Events that this cycle deals with, and who brought them; false where some are left for later.
    pub(crate) events: Vec<(TenantScope, EventId)>,
    pub(crate) event_replies: Vec<(oneshot::Sender<bool>, bool)>,
    /// Results that have become known, for those who wait elsewhere.
    pub(crate) results: Vec<ResultChange>,
}

impl Cycle {
    pub(crate) fn new(now: Timestamp, fence: Fence) -> Self {
        Self {
            now,
            fence,
            commit: RunCommit::default(),
            commands: 0,
            touched: BTreeMap::new(),
            more_after_commit: Vec::new(),
            triggers: Vec::new(),
            reports: Vec::new(),
            released: Vec::new(),
            handouts: BTreeMap::new(),
            cancels: BTreeSet::new(),
            offers: Vec::new(),
            events: Vec::new(),
            event_replies: Vec::new(),
            results: Vec::new(),
        }
    }

    /// True when there is nothing to write.
    pub(crate) fn is_clean(&self) -> bool {
        self.touched.is_empty() && self.events.is_empty()
    }

    /// True when the commit would change no row.
    pub(crate) fn writes_nothing(&self) -> bool {
        let RunCommit { runs, ended, expansions, instances, transitions, claims, fence: _, run_states, asset_events } =
            &self.commit;
        let runs = runs.len() + run_states.len();
        let rows =
            ended.len() + expansions.len() + instances.len() + transitions.len() + claims.len() + asset_events.len();
        let shared = self.offers.len() + self.events.len() + self.results.len();
        runs + rows + shared == 0
    }

    /// A new run, before its first decisions.
    pub(crate) fn run(&mut self, trigger: NewTrigger, known: &[ExpansionDecision]) {
        let run = new_run(trigger, known, self.now);
        self.commit.runs.push(NewRun { state: RunState::Running, started_at: Some(self.now), ..run });
    }

    /// A run that was queued begins.
    pub(crate) fn starts(&mut self, run: &ClaimedRun) {
        let to = RunState::Running;
        self.commit.run_states.push(RunStateChange { scope: run.scope, run: run.key, to, reason: None, at: self.now });
    }

    /// What a machine decided; `report` is what it decided about.
    pub(crate) fn decisions(&mut self, run: &ClaimedRun, decisions: Decisions, report: Option<Report>) {
        let (scope, key, at) = (run.scope, run.key, self.now);
        self.touched.insert((scope, key), run.clears);
        if decisions.more_after_commit {
            self.more_after_commit.push(key);
        }
        self.asset_events(run, &decisions, report.as_ref());
        if let (Some(end), Some(mut report)) = (decisions.ended, report) {
            if let (Some(reason), End::HostLost { message, .. }) = (&end.reason, &mut report.execution.end) {
                *message = format!("{reason}; the last one: {message}");
            }
            self.commit.ended.push(Ended {
                scope,
                instance: report.token.instance,
                try_number: report.token.try_number,
                fence: report.token.fence,
                execution: report.execution,
                to: end.to,
                retry_at: end.retry_at,
                lost_executions: end.lost_executions,
                suspect: end.suspect,
                xcoms: report.xcoms,
                has_value: report.has_value,
                list_length: report.answer.list_length,
            });
        }
        let expansions = decisions.expansions.into_iter();
        self.commit.expansions.extend(expansions.map(|it| Expansion {
            scope,
            run: key,
            node: it.node,
            length: it.length,
        }));
        self.commit.instances.extend(decisions.inserts.into_iter().map(|it| NewInstances {
            scope,
            run: key,
            node: it.node,
            first: it.first,
            count: it.count,
            state: it.state,
            try_number: it.try_number,
            max_tries: it.max_tries,
            reason: it.reason,
            at,
        }));
        self.commit.transitions.extend(decisions.transitions.into_iter().map(|it| Transition {
            scope,
            run: key,
            node: it.node,
            first: it.first,
            last: it.last,
            to: it.to,
            try_number: it.try_number,
            reason: it.reason,
            at,
        }));
        if let Some(end) = decisions.run_end {
            self.commit.run_states.push(RunStateChange { scope, run: key, to: end.state, reason: end.reason, at });
        }
    }

    /// Successes change the outlets of their tasks: each has the events that the body told of it, or one.
    fn asset_events(&mut self, run: &ClaimedRun, decisions: &Decisions, report: Option<&Report>) {
        let ended = decisions.ended.as_ref().filter(|end| end.to == TaskState::Success).zip(report);
        let ended = ended.map(|(_, report)| {
            let instance = report.token.instance;
            (instance.node, instance.map_index, report.asset_events.as_slice())
        });
        // An empty task succeeds without an execution.
        let empty = decisions.transitions.iter().filter(|it| it.to == TaskState::Success);
        let empty = empty.map(|it| (it.node, it.first, [].as_slice()));
        for (node, map_index, told) in ended.into_iter().chain(empty) {
            let task = run.dag.task(node);
            for outlet in &task.outlets {
                let told = told.iter().filter(|event| event.asset == outlet.name).map(|event| Some(&event.extra));
                let told: Vec<_> = told.collect();
                let extras = if told.is_empty() { vec![None] } else { told };
                self.commit.asset_events.extend(extras.into_iter().map(|extra| NewAssetEvent {
                    scope: run.scope,
                    asset: outlet.name.clone(),
                    extra: extra_of(outlet, extra.map(AsRef::as_ref)),
                    source: AssetSource::Task {
                        dag_id: run.dag_id.clone(),
                        run: run.key,
                        run_id: run.run_id.clone(),
                        task_id: task.task_id.clone(),
                        map_index,
                    },
                    at: self.now,
                }));
            }
        }
    }

    /// Executions that ended because their run ended: their attempts get a row, and what they still do is stale.
    pub(crate) fn cancelled(
        &mut self,
        run: &ClaimedRun,
        executions: Vec<(InstanceKey, Fence)>,
        decisions: &mut Decisions,
        claim: impl Fn(InstanceKey, Fence) -> Option<(TryNumber, Timestamp)>,
    ) {
        for (instance, fence) in executions {
            let covers = |first: MapIndex, last: MapIndex| (first..=last).contains(&instance.map_index);
            let reason: Option<Arc<str>> = decisions
                .transitions
                .iter()
                .find(|it| it.node == instance.node && covers(it.first, it.last))
                .and_then(|it| it.reason.clone());
            decisions.transitions.retain(|it| {
                !(it.node == instance.node && it.first == instance.map_index && it.last == instance.map_index)
            });
            let message = reason.as_deref().unwrap_or("the run ended").to_owned();
            let (try_number, started_at) = claim(instance, fence).unwrap_or((TryNumber(1), self.now));
            self.commit.ended.push(Ended {
                scope: run.scope,
                instance,
                try_number,
                fence,
                execution: Execution {
                    started_at,
                    ended_at: self.now,
                    end: End::Cancelled { message },
                    used: ResourcesUsed::default(),
                },
                to: TaskState::Failed,
                retry_at: None,
                lost_executions: 0,
                suspect: false,
                xcoms: Vec::new(),
                has_value: false,
                list_length: None,
            });
        }
    }

    /// Instances that any worker may take.
    pub(crate) fn offer(&mut self, claims: &[Claim]) {
        let Some(first) = claims.first() else { return };
        self.touched.insert((first.run.scope, first.run.key), first.run.clears);
        self.commit.fence = Some(self.fence);
        self.offers.extend(claims.iter().map(|claim| Offer {
            scope: claim.run.scope,
            instance: claim.token.instance,
            try_number: claim.token.try_number,
            suspect: claim.suspect,
        }));
    }

    /// Claims to write and to hand out.
    pub(crate) fn claims(&mut self, worker: WorkerId, claims: Vec<Claim>) {
        let Some(first) = claims.first() else { return };
        self.touched.insert((first.run.scope, first.run.key), first.run.clears);
        self.commit.fence = Some(self.fence);
        self.commit.claims.extend(claims.iter().map(|claim| InstanceClaim {
            scope: claim.run.scope,
            instance: claim.token.instance,
            worker,
            at: claim.claimed_at,
        }));
        self.handouts.entry(worker).or_default().extend(claims);
    }
}

/// A run that is queued. Lengths that are known already stand in its tasks' rows from the beginning, for there are no rows yet
/// that an expansion could replace.
pub(crate) fn new_run(trigger: NewTrigger, known: &[ExpansionDecision], now: Timestamp) -> NewRun {
    let dag = &trigger.version.dag;
    let known: HashMap<NodeIdx, u32> = known.iter().map(|it| (it.node, it.length)).collect();
    let node = |node: NodeIdx| NewNode {
        node,
        task_id: dag.task(node).task_id.clone(),
        map_length: known.get(&node).copied(),
    };
    let nodes = dag.indices().map(node).collect();
    NewRun {
        scope: trigger.version.scope,
        key: trigger.key,
        dag_id: trigger.version.dag_id.clone(),
        run_id: trigger.run_id,
        version: trigger.version.key,
        run_type: trigger.run_type,
        state: RunState::Queued,
        conf: trigger.conf,
        params: trigger.params,
        note: trigger.note,
        triggered_by: trigger.triggered_by,
        logical_date: trigger.logical_date,
        data_interval: trigger.data_interval,
        run_after: trigger.run_after,
        queued_at: now,
        started_at: None,
        nodes,
    }
}

/// What an event says: what the document says of its asset, and over it what the body told.
fn extra_of(outlet: &AssetDocument, told: Option<&str>) -> Arc<str> {
    let mut extra = outlet.extra.clone();
    if let Some(Ok(Value::Object(told))) = told.map(serde_json::from_str) {
        extra.extend(told);
    }
    Value::Object(extra).to_string().into()
}
