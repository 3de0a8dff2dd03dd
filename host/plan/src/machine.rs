//! One run's state in memory.
//!
//! The scheduler calls: `start` or `recover` once, then `on` for every event and `take_ready` for every free slot. What must hold:
//! - the machine's state is that of the rows after all its decisions and claims are committed; when a commit fails the machine
//!   is thrown away and another one recovers from the rows;
//! - the same events give the same decisions, and the order of independent events does not change what a run comes to;
//! - an event costs what it changes. A task tells those downstream only of its first end of each kind and of its completion,
//!   which is all that trigger rules need.
//!
//! The parts: `settle` follows consequences through the graph, `expansion` finds lengths and items, `ended` deals with the ends of
//! executions, `finish` with the end of the run, `recover` with rows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use model::limits::run::MATERIALIZE_BATCH;
use model::{Dag, Fence, MapIndex, NodeIdx, RunState, TaskState, TryNumber};

use crate::node::Node;
use crate::ready::ReadyQueue;
use crate::{Decisions, Event, Lengths, Ready, SavedRun};

mod ended;
mod expansion;
mod finish;
mod recover;
mod settle;

/// Limits that an operator sets.
#[derive(Debug, Clone, Copy)]
pub struct MachineLimits {
    /// Instances of one mapped task, unless the task says less or (up to `map_length_ceiling`) more.
    pub map_length: u32,
    pub map_length_ceiling: u32,
    /// Instances of the run.
    pub instances: u64,
}

/// Whether the run's result is there.
#[derive(Debug, Clone, PartialEq)]
pub enum ResultStatus {
    /// It may still come.
    Pending,
    /// Every result task has ended well (or, for a DAG without result tasks, the run has).
    Available,
    /// It can no longer come, because of this instance.
    Impossible { node: NodeIdx, map_index: MapIndex },
}

/// One run.
#[derive(Debug)]
pub struct RunMachine {
    dag: Arc<Dag>,
    limits: MachineLimits,
    nodes: Vec<Node>,
    ready: ReadyQueue,
    running: BTreeMap<(NodeIdx, MapIndex), Fence>,
    /// Instances that wait for their next try, by when.
    retries: BTreeSet<(Timestamp, NodeIdx, MapIndex)>,
    /// When the run is over its timeout.
    deadline: Option<Timestamp>,
    /// Tasks to look at again, because something that they depend on has changed.
    unsettled: Vec<NodeIdx>,
    /// Expanded tasks with rows that are not made yet.
    unmade: VecDeque<NodeIdx>,
    /// Rows of expansions that go into one commit.
    batch: u32,
    /// No more rows are made before the next [`Event::Committed`].
    awaits_commit: bool,
    /// Instances that the run has or will have, as far as that is known.
    instances: u64,
    /// Tasks with unfinished instances.
    unfinished: u32,
    /// Result tasks that have not ended well yet.
    results_pending: u32,
    result: ResultStatus,
    state: RunState,
}

impl RunMachine {
    /// A run that begins now. `lengths` is what [`crate::lengths_at_start`] gave. The decisions make its first rows; tasks whose
    /// length is known already are among the expansions and never have a row without a position.
    pub fn start(dag: Arc<Dag>, lengths: &Lengths, limits: MachineLimits, now: Timestamp) -> (Self, Decisions) {
        let mut machine = Self::new(dag, lengths, limits, now, MATERIALIZE_BATCH);
        let decisions = machine.begin();
        (machine, decisions)
    }

    /// A run that was committed earlier. Instances that rows show as running are running for this machine too; the scheduler
    /// reports them as lost when their worker is gone. The decisions carry on what a crash or a clear interrupted.
    pub fn recover(
        dag: Arc<Dag>,
        saved: &SavedRun,
        lengths: &Lengths,
        limits: MachineLimits,
        now: Timestamp,
    ) -> (Self, Decisions) {
        let mut machine = Self::new(dag, lengths, limits, saved.started_at, MATERIALIZE_BATCH);
        machine.restore(saved, now);
        let decisions = machine.begin();
        (machine, decisions)
    }

    pub(crate) fn new(
        dag: Arc<Dag>,
        lengths: &Lengths,
        limits: MachineLimits,
        started_at: Timestamp,
        batch: u32,
    ) -> Self {
        let mut depths = vec![0; dag.len()];
        for node in dag.topological_order() {
            let upstream = dag.node(*node).upstream.iter().map(|upstream| depths[upstream.0 as usize] + 1);
            depths[node.0 as usize] = upstream.max().unwrap_or(0);
        }
        let lanes = dag.indices().map(|node| (depths[node.0 as usize], dag.task(node).max_active_per_run));
        let nodes: Vec<Node> = dag.indices().map(|node| Node::new(&dag, lengths, node)).collect();
        Self {
            limits,
            ready: ReadyQueue::new(lanes, dag.document().max_active_tasks),
            running: BTreeMap::new(),
            retries: BTreeSet::new(),
            deadline: dag.document().run_timeout_ms.map(|timeout_ms| later(started_at, timeout_ms)),
            unsettled: Vec::new(),
            unmade: VecDeque::new(),
            batch,
            awaits_commit: false,
            instances: nodes.len() as u64,
            unfinished: nodes.len() as u32,
            results_pending: nodes.iter().filter(|node| node.is_result).count() as u32,
            result: ResultStatus::Pending,
            state: RunState::Running,
            nodes,
            dag,
        }
    }

    /// Takes an event. After the run's end nothing leads to anything.
    pub fn on(&mut self, event: Event, now: Timestamp) -> Decisions {
        let mut out = Decisions::default();
        if self.state.is_ended() {
            return out;
        }
        match event {
            Event::Ended { node, map_index, fence, end, has_value, list_length } => {
                if self.running.get(&(node, map_index)) == Some(&fence) {
                    self.execution_ended(node, map_index, &end, has_value, list_length, now, &mut out);
                }
            }
            Event::Committed => self.awaits_commit = false,
            Event::Tick => self.time_passed(now, &mut out),
            Event::Cancel { reason } => self.stop(reason.into(), &mut out),
        }
        self.come_to_rest(&mut out);
        out
    }

    /// How many instances [`Self::take_ready`] could give now.
    pub fn ready_count(&self) -> u32 {
        self.ready.available()
    }

    /// Takes up to `max` instances that may start, which from now on run under `fence`. The caller commits the claims.
    pub fn take_ready(&mut self, max: u32, fence: Fence) -> Vec<Ready> {
        let mut taken = Vec::with_capacity(max.min(self.ready.available()) as usize);
        while let Some((idx, slots)) = self.ready.take(max - taken.len() as u32) {
            let node = &mut self.nodes[idx.0 as usize];
            node.instances.set(slots.clone(), TaskState::Running);
            for slot in slots {
                let attempt = node.attempt(slot);
                let map_index = node.map_index(slot);
                self.running.insert((idx, map_index), fence);
                taken.push(Ready {
                    node: idx,
                    map_index,
                    try_number: TryNumber(attempt.try_number),
                    suspect: attempt.suspect,
                });
            }
        }
        taken
    }

    /// Instances that run, with their fences. An event that ends the run leaves none: those that ran before it are to be cancelled.
    pub fn running(&self) -> impl Iterator<Item = (NodeIdx, MapIndex, Fence)> + '_ {
        self.running.iter().map(|((node, map_index), fence)| (*node, *map_index, *fence))
    }

    /// When [`Event::Tick`] is due next.
    pub fn next_tick(&self) -> Option<Timestamp> {
        if self.state.is_ended() {
            return None;
        }
        let retry = self.retries.first().map(|(at, ..)| *at);
        self.deadline.into_iter().chain(retry).min()
    }

    /// The run's state.
    pub fn state(&self) -> RunState {
        self.state
    }

    /// Whether the result is there. Kept up to date by events; asking costs nothing.
    pub fn result(&self) -> ResultStatus {
        self.result.clone()
    }

    /// The DAG.
    pub fn dag(&self) -> &Arc<Dag> {
        &self.dag
    }

    fn node(&self, node: NodeIdx) -> &Node {
        &self.nodes[node.0 as usize]
    }

    fn node_mut(&mut self, node: NodeIdx) -> &mut Node {
        &mut self.nodes[node.0 as usize]
    }
}

/// So many milliseconds later, or the end of time.
fn later(at: Timestamp, ms: u64) -> Timestamp {
    let duration = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}
