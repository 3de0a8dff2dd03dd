//! Everything around a machine. After each step the machine is compared with the rows, and the rows with the promises.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::rows::Rows;
use crate::{
    Decisions, Ending, Event, Given, Lengths, MachineLimits, Ready, ResultStatus, RunContext, RunMachine, Selected,
    Selection, lengths_at_start,
};
use jiff::{SignedDuration, Timestamp};
use model::{Dag, Fence, MapIndex, NodeIdx, RunState, TaskState};
use serde_json::Value;
use testkit::outcome::Outcome;

pub(crate) const LIMITS: MachineLimits =
    MachineLimits { map_length: 30, map_length_ceiling: 100, instances: 1_000_000 };

pub(super) struct World {
    pub(super) dag: Arc<Dag>,
    pub(super) machine: RunMachine,
    pub(super) rows: Rows,
    pub(super) now: Timestamp,
    pub(super) owes_commit: bool,
    /// Executions of each instance that have ended.
    pub(super) executions: BTreeMap<(NodeIdx, MapIndex), usize>,
    pub(super) context: RunContext,
    lengths: Lengths,
    limits: MachineLimits,
    batch: u32,
    fence: u64,
    is_stopped: bool,
}

pub(super) fn lengths(dag: &Dag, conf: &Value) -> Lengths {
    lengths_at_start(dag, Given { conf, params: &Value::Null, variables: &Value::Null }).unwrap()
}

impl World {
    pub(super) fn start(fixture: &str, conf: &Value) -> Self {
        Self::start_with(testkit::dag::dag(fixture), conf, LIMITS, 1_000)
    }

    pub(super) fn start_with(dag: Dag, conf: &Value, limits: MachineLimits, batch: u32) -> Self {
        Self::start_in(dag, conf, limits, batch, RunContext::default())
    }

    pub(super) fn start_in(dag: Dag, conf: &Value, limits: MachineLimits, batch: u32, context: RunContext) -> Self {
        let dag = Arc::new(dag);
        let lengths = lengths(&dag, conf);
        let now = Timestamp::UNIX_EPOCH;
        let mut machine = RunMachine::new(dag.clone(), &lengths, context.clone(), limits, now, batch);
        let decisions = machine.begin();
        let rows = Rows::new(&dag, now);
        let executions = BTreeMap::new();
        let mut world = Self {
            dag,
            machine,
            rows,
            now,
            owes_commit: false,
            executions,
            context,
            lengths,
            limits,
            batch,
            fence: 0,
            is_stopped: false,
        };
        world.apply(&decisions);
        world
    }

    /// The machine is gone; another one starts from the rows.
    pub(super) fn recover(&mut self) {
        let saved = self.rows.saved();
        let context = self.context.clone();
        self.machine =
            RunMachine::new(self.dag.clone(), &self.lengths, context, self.limits, saved.started_at, self.batch);
        self.machine.restore(&saved, self.now);
        let decisions = self.machine.begin();
        self.owes_commit = false;
        self.apply(&decisions);
    }

    /// Clears by hand, whether the run has ended or not; gives what is cleared.
    pub(super) fn clear(&mut self, selection: &Selection) -> Vec<Selected> {
        self.view();
        let selected = self.machine.select_for_clear(selection).unwrap();
        if !selected.is_empty() {
            let decisions = self.machine.clear(&selected, self.now);
            self.rows.started_at = self.now;
            self.is_stopped = false;
            self.apply(&decisions);
        }
        selected
    }

    pub(super) fn mark(&mut self, selection: &Selection, to: TaskState) {
        self.view();
        let marking = self.machine.select_for_mark(selection, to).unwrap();
        let decisions = self.machine.mark(&marking, to, "marked by ada", self.now);
        (self.rows.state, self.rows.reason) = (RunState::Running, None);
        self.apply(&decisions);
    }

    /// Ends the run by hand; gives what somebody is told before, and what is decided.
    pub(super) fn end_run(&mut self, ending: Ending, why: &str) -> (Vec<(Selected, TaskState)>, Decisions) {
        self.view();
        let told = self.machine.select_for_run(ending);
        let decisions = self.machine.end_run(ending, why, self.now);
        (self.rows.state, self.rows.reason) = (RunState::Running, None);
        self.is_stopped = true;
        self.apply(&decisions);
        (told, decisions)
    }

    /// A run that has ended is read again.
    fn view(&mut self) {
        if self.rows.state.is_ended() {
            self.machine = view(self);
        }
    }

    fn apply(&mut self, decisions: &Decisions) {
        self.rows.apply(decisions);
        self.owes_commit |= decisions.more_after_commit;
        self.check();
    }

    pub(super) fn feed(&mut self, event: Event) {
        self.is_stopped |= matches!(event, Event::Cancel { .. });
        let decisions = self.machine.on(event, self.now);
        assert_eq!(decisions.ended, None);
        self.apply(&decisions);
    }

    pub(super) fn committed(&mut self) {
        self.owes_commit = false;
        self.feed(Event::Committed);
    }

    /// Lets the time of the next tick come.
    pub(super) fn tick(&mut self) {
        if let Some(at) = self.machine.next_tick() {
            self.now = self.now.max(at);
        }
        self.is_stopped |= self.deadline().is_some_and(|deadline| deadline <= self.now);
        self.feed(Event::Tick);
    }

    fn deadline(&self) -> Option<Timestamp> {
        let timeout_ms = self.dag.document().run_timeout_ms?;
        Some(self.rows.started_at + SignedDuration::from_millis(timeout_ms as i64))
    }

    pub(super) fn claim(&mut self, max: u32) -> Vec<Ready> {
        self.fence += 1;
        let fence = Fence::new(1, self.fence);
        let taken = self.machine.take_ready(max, fence);
        for ready in &taken {
            self.rows.claim(ready, fence);
        }
        self.check();
        taken
    }

    /// The execution that runs ends.
    pub(super) fn end(&mut self, node: NodeIdx, map_index: MapIndex, outcome: Outcome) {
        let fence = self.rows.instances[&(node, map_index)].saved.fence;
        let Outcome { end, has_value, answer } = outcome.clone();
        let event = Event::Ended { node, map_index, fence, end, has_value, answer };
        let decisions = self.machine.on(event.clone(), self.now);
        let ended = decisions.ended.as_ref().expect("the report carried the running fence");
        self.rows.end(node, map_index, fence, &outcome, ended);
        self.apply(&decisions);
        *self.executions.entry((node, map_index)).or_default() += 1;
        // The same report once more, and one that was never claimed, change nothing.
        assert_eq!(self.machine.on(event, self.now), Decisions::default());
    }

    /// Plays the run to its end: everything that is ready starts, ends as `outcome` says, in order.
    pub(super) fn play(&mut self, outcome: impl Fn(NodeIdx, MapIndex, usize) -> Outcome) {
        while self.rows.state == RunState::Running {
            if self.owes_commit {
                self.committed();
            }
            self.claim(u32::MAX);
            let running: Vec<_> = self.machine.running().collect();
            if running.is_empty() && !self.owes_commit && self.rows.state == RunState::Running {
                assert!(
                    self.machine.next_tick().is_some(),
                    "nothing can happen any more:\n{}",
                    self.rows.text(&self.dag)
                );
                self.tick();
            }
            for (node, map_index, _) in running {
                if self.rows.instances[&(node, map_index)].saved.state != TaskState::Running {
                    continue;
                }
                let execution = self.executions.get(&(node, map_index)).copied().unwrap_or(0);
                self.end(node, map_index, outcome(node, map_index, execution));
            }
        }
    }

    fn check(&self) {
        let rows = || self.rows.instances.values().map(|row| &row.saved);
        let running = rows().filter(|row| row.state == TaskState::Running);
        let running: Vec<_> = running.map(|row| (row.node, row.map_index, row.fence)).collect();
        assert_eq!(self.machine.running().collect::<Vec<_>>(), running);
        let mut ready = 0;
        for node in self.dag.indices() {
            let count = |state| self.rows.of_node(node).filter(|row| row.saved.state == state).count() as u32;
            let cap = self.dag.task(node).max_active_per_run.unwrap_or(u32::MAX);
            assert!(count(TaskState::Running) <= cap);
            ready += count(TaskState::Scheduled).min(cap - count(TaskState::Running));
            self.check_positions(node);
        }
        let cap = self.dag.document().max_active_tasks.unwrap_or(u32::MAX);
        assert!(running.len() as u32 <= cap);
        assert_eq!(self.machine.ready_count(), ready.min(cap - running.len() as u32));
        assert_eq!(self.machine.state(), self.rows.state);
        let retry_at = rows().filter_map(|row| row.retry_at).min();
        let is_running = self.rows.state == RunState::Running;
        let deadline = self.deadline().filter(|_| !self.is_stopped);
        // How long something may wait for a slot does not stand in its row.
        if self.dag.indices().all(|node| self.dag.task(node).queued_timeout_ms.is_none()) {
            assert_eq!(self.machine.next_tick(), retry_at.into_iter().chain(deadline).min().filter(|_| is_running));
        }
        self.check_end();
        self.check_result();
    }

    /// Rows are those of the expansion, from 0 up.
    fn check_positions(&self, node: NodeIdx) {
        let expected = match self.rows.nodes[node.0 as usize].map_length {
            None | Some(0) => -1..0,
            Some(length) => 0..length as i32,
        };
        let numbers: Vec<_> = self.rows.of_node(node).map(|row| row.saved.map_index.number()).collect();
        let made = numbers.len() as i32;
        assert!(numbers.into_iter().eq(expected.start..expected.start + made), "rows of {node:?}");
        assert!(made <= expected.end - expected.start);
    }

    /// The run has ended exactly when its instances have, and its state follows from theirs.
    fn check_end(&self) {
        let is_complete = |node: NodeIdx| {
            let length = self.rows.nodes[node.0 as usize].map_length.unwrap_or(1).max(1);
            self.rows.of_node(node).filter(|row| row.saved.state.is_ended()).count() == length as usize
        };
        assert_eq!(self.rows.state.is_ended(), self.dag.indices().all(is_complete), "{}", self.rows.text(&self.dag));
        if self.rows.state.is_ended() && !self.is_stopped {
            let mut leaves = self.dag.indices().filter(|node| self.dag.node(*node).is_leaf);
            let has_failed = leaves.any(|leaf| {
                let mut states = self.rows.of_node(leaf).map(|row| row.saved.state);
                states.any(|state| matches!(state, TaskState::Failed | TaskState::UpstreamFailed))
            });
            let text = self.rows.text(&self.dag);
            assert_eq!(self.rows.state == RunState::Failed, has_failed, "{text}");
        }
    }

    fn check_result(&self) {
        let states = |node: NodeIdx| self.rows.of_node(node).map(|row| row.saved.state);
        let is_empty_list = |node: NodeIdx| {
            let is_skipped = states(node).all(|state| state == TaskState::Skipped);
            self.rows.nodes[node.0 as usize].map_length == Some(0) && is_skipped
        };
        let is_broken = |state: TaskState| state.is_ended() && state != TaskState::Success;
        let broken = |node: &NodeIdx| states(*node).any(is_broken) && !is_empty_list(*node);
        let results = self.dag.result();
        match self.machine.result() {
            ResultStatus::Pending => {
                assert_eq!(self.rows.state, RunState::Running);
                assert!(!results.iter().any(broken));
            }
            ResultStatus::Available => {
                assert!(!results.iter().any(broken));
                assert!(!results.is_empty() || self.is_stopped || self.rows.state == RunState::Success);
            }
            ResultStatus::Impossible { node, map_index } => {
                assert!(is_broken(self.rows.instances[&(node, map_index)].saved.state), "{node:?} {map_index}");
                assert!(results.iter().any(broken) || (results.is_empty() && self.rows.state == RunState::Failed));
            }
        }
    }
}

/// The run as its rows say.
pub(super) fn view(world: &World) -> RunMachine {
    let (saved, context) = (world.rows.saved(), world.context.clone());
    RunMachine::view(world.dag.clone(), &saved, &world.lengths, context, world.limits, world.now)
}
