//! What a machine decided, as rows of the commit.

use std::sync::Arc;

use model::asset::AssetDocument;
use model::outcome::{End, WakeOn};
use model::{DagId, Fence, InstanceKey, MapIndex, RunId, RunState, TaskState};
use plan::{Cancelled, Decisions, EndDecision, InsertDecision, RunEnd, TransitionDecision};
use serde_json::Value;
use store::{
    AnswerRow, AssetSource, BlockRow, ClaimedRun, Ended, Expansion, NewAnswer, NewAssetEvent, NewBlock, NewInstances,
    NewWait, Report, Reset, RunStateChange, Transition, WaitKind,
};
use uuid::Uuid;

use super::{Cycle, RunWait};
use crate::by_hand::approval_signal;

impl Cycle {
    /// What a machine decided; `report` is what it decided about.
    pub(crate) fn decisions(&mut self, run: &ClaimedRun, decisions: Decisions, report: Option<Report>) {
        let (scope, key, at) = (run.scope, run.key, self.now);
        self.touch(run);
        if decisions.more_after_commit {
            self.more_after_commit.push(key);
        }
        self.asset_events(run, &decisions, report.as_ref());
        self.callbacks(run, &decisions, report.as_ref());
        self.cancelled(run, &decisions);
        self.approvals(run, &decisions);
        if let (Some(end), Some(report)) = (decisions.ended, report) {
            self.ended(run, end, report);
        }
        let keeps_state = self.keeps_state;
        self.commit.resets.extend(decisions.resets.into_iter().map(|it| Reset {
            scope,
            run: key,
            node: it.node,
            first: it.first,
            last: it.last,
            keeps_state,
        }));
        let transition = |it: TransitionDecision| Transition {
            scope,
            run: key,
            node: it.node,
            first: it.first,
            last: it.last,
            to: it.to,
            try_number: it.try_number,
            retry_at: it.retry_at,
            reason: it.reason,
            at,
        };
        self.commit.marks.extend(decisions.marks.into_iter().map(transition));
        let expansions = decisions.expansions.into_iter();
        self.commit.expansions.extend(expansions.map(|it| Expansion {
            scope,
            run: key,
            node: it.node,
            length: it.length,
        }));
        self.commit.blocks.extend(decisions.blocks.into_iter().map(|it| {
            let plan::Block { parent, first, length, offset, live } = it.block;
            NewBlock { scope, run: key, block: BlockRow { level: it.scope, parent, first, length, offset, live } }
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
            retry_at: it.retry_at,
            reason: it.reason,
            at,
        }));
        self.commit.transitions.extend(decisions.transitions.into_iter().map(transition));
        self.commit.answers.extend(decisions.answers.into_iter().map(|it| NewAnswer {
            scope,
            run: key,
            answer: AnswerRow { node: it.node, map_index: it.map_index, answer: it.answer },
        }));
        let to_fail = decisions.doom.map(|reason| RunEnd { state: RunState::Running, reason: Some(reason) });
        if let Some(end) = decisions.run_end.or(to_fail) {
            self.commit.run_states.push(RunStateChange { scope, run: key, to: end.state, reason: end.reason, at });
        }
    }

    fn ended(&mut self, run: &ClaimedRun, end: EndDecision, mut report: Report) {
        if let (Some(reason), End::HostLost { message, .. }) = (&end.reason, &mut report.execution.end) {
            *message = format!("{reason}; the last one: {message}");
        }
        let token = report.token;
        if let (TaskState::Deferred, End::Deferred { wake }) = (end.to, &report.execution.end) {
            self.wait(run, token.instance, token.fence, &wake.on);
        }
        self.commit.ended.push(Ended {
            scope: run.scope,
            instance: token.instance,
            try_number: token.try_number,
            fence: token.fence,
            execution: report.execution,
            to: end.to,
            retry_at: end.retry_at,
            since: end.since,
            times_out: end.times_out,
            reason: end.reason,
            lost_executions: end.lost_executions,
            suspect: end.suspect,
            xcoms: report.xcoms,
            has_value: report.has_value,
            list_length: report.answer.list_length,
        });
    }

    /// An attempt waits without a worker.
    fn wait(&mut self, run: &ClaimedRun, instance: InstanceKey, fence: Fence, on: &WakeOn) {
        let (kind, key): (_, Arc<str>) = match on {
            WakeOn::Until { .. } => (WaitKind::Time, "".into()),
            WakeOn::Asset(name) => (WaitKind::Asset, name.as_str().into()),
            WakeOn::Signal(name) => (WaitKind::Signal, name.as_str().into()),
            WakeOn::DagRun(name) => {
                let run_wait = RunWait { wait: self.commit.waits.len(), scope: run.scope, run: run_named(run, name) };
                self.run_waits.push(run_wait);
                (WaitKind::DagRun, Uuid::nil().to_string().into())
            }
        };
        self.waits_on.push(on.clone());
        self.commit.waits.push(NewWait { scope: run.scope, instance, fence, kind, key, form: None, since: self.now });
    }

    /// Approvals that begin to wait for an answer.
    fn approvals(&mut self, run: &ClaimedRun, decisions: &Decisions) {
        let inserted = decisions.inserts.iter().filter(|it| it.state == TaskState::AwaitingInput);
        let inserted = inserted.map(|it: &InsertDecision| {
            let last = it.first.position().map_or(MapIndex::NONE, |first| MapIndex::at(first + it.count.max(1) - 1));
            (it.node, it.first, last)
        });
        let moved = decisions.transitions.iter().filter(|it| it.to == TaskState::AwaitingInput);
        for (node, first, last) in inserted.chain(moved.map(|it| (it.node, it.first, it.last))) {
            let task = run.dag.task(node);
            // Parameters are JSON.
            let form: Option<Arc<str>> = serde_json::to_string(&task.form).ok().map(Into::into);
            for map_index in indexes(first, last) {
                let signal = approval_signal(&task.task_id, map_index);
                self.waits_on.push(WakeOn::Signal(signal.clone()));
                self.commit.waits.push(NewWait {
                    scope: run.scope,
                    instance: InstanceKey { run: run.key, node, map_index },
                    fence: Fence::NONE,
                    kind: WaitKind::Signal,
                    key: signal.into(),
                    form: form.clone(),
                    since: self.now,
                });
            }
        }
    }

    /// Executions that end because their instances do: their attempts get a row, and what they still do is stale.
    fn cancelled(&mut self, run: &ClaimedRun, decisions: &Decisions) {
        for Cancelled { node, map_index, fence } in &decisions.cancelled {
            let is_of = |it: &&TransitionDecision| it.node == *node && (it.first..=it.last).contains(map_index);
            let decided = decisions.marks.iter().chain(&decisions.transitions);
            let reason = { decided }.find(is_of).and_then(|it| it.reason.clone());
            let instance = InstanceKey { run: run.key, node: *node, map_index: *map_index };
            self.cancels.insert((instance, *fence));
            self.commit.cancelled.push(store::Cancelled {
                scope: run.scope,
                instance,
                fence: *fence,
                message: reason.unwrap_or_else(|| "cleared".into()),
                at: self.now,
            });
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
                self.assets.insert((run.scope, outlet.name.clone()));
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
}

/// The indexes from one to another; one without a position stands alone.
pub(crate) fn indexes(first: MapIndex, last: MapIndex) -> impl Iterator<Item = MapIndex> {
    let alone = (first.position().is_none()).then_some(first);
    let range = first.position().zip(last.position()).map(|(first, last)| first..=last);
    alone.into_iter().chain(range.into_iter().flatten().map(MapIndex::at))
}

/// The run that a body names: by its DAG and its id, or by its id alone within its own DAG.
pub(crate) fn run_named(run: &ClaimedRun, name: &str) -> Option<(DagId, RunId)> {
    match name.split_once('/') {
        Some((dag_id, run_id)) => Some((DagId::new(dag_id).ok()?, RunId::new(run_id).ok()?)),
        None => Some((run.dag_id.clone(), RunId::new(name).ok()?)),
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
