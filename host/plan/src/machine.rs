//! One run's state in memory.
//!
//! The scheduler calls: `start` or `recover` once, then `on` for every event and `take_ready` for every free slot. What must hold:
//! - the machine's state is that of the rows after all its decisions and claims are committed; when a commit fails the machine
//!   is thrown away and another one recovers from the rows;
//! - the same events give the same decisions, and the order of independent events does not change what a run comes to;
//! - an event costs what it changes. A task is looked at again only for the first upstream end of each kind and the last of all,
//!   which is all that trigger rules need.
//!
//! The parts: `settle` follows consequences through the graph, `land` brings instances to where a verdict wants them, `tell` counts
//! their ends, `expansion` makes contexts, `items` finds lengths and items, `ended` deals with the ends of executions, `due` with
//! time and with what was waited for, `place` tells where instances stand, `finish` and `halt` with the end of the run, `recover` with rows; `select` and `clear` do what somebody asks
//! for by hand, `why` explains.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use model::limits::run::MATERIALIZE_BATCH;
use model::outcome::Choice;
use model::{Dag, Fence, MapIndex, NodeIdx, RunState, ScopeIdx, TaskState, TryNumber};

use crate::contexts::ScopeTree;
use crate::node::{Counter, Node, link};
use crate::ready::{LaneSettings, ReadyQueue};
use crate::retry::Which;
use crate::{Decisions, Event, Lengths, Past, Ready, RunContext, SavedRun};

mod agenda;
mod clear;
mod due;
mod ended;
mod expansion;
mod finish;
mod halt;
mod items;
mod land;
mod place;
mod recover;
mod select;
mod settle;
mod tell;
mod why;

use agenda::{Agenda, Work};
use expansion::Fate;
pub use why::{Explanation, Limit};

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

/// What the DAG says about a scope, resolved.
#[derive(Debug, Default)]
struct Level {
    /// Tasks whose instances are its contexts, or are inside them.
    members: Vec<NodeIdx>,
    /// Tasks that are decided in its contexts.
    decided: Vec<NodeIdx>,
    /// Who counts ends by its contexts.
    counted: Vec<(NodeIdx, Counter)>,
    /// Items of it, or of a level around it, may be missing.
    has_holes: bool,
    /// Levels in it that are mapped over its items, or over those of a level in it.
    over_items: Vec<ScopeIdx>,
}

/// One run.
#[derive(Debug)]
pub struct RunMachine {
    dag: Arc<Dag>,
    limits: MachineLimits,
    lengths: Lengths,
    context: RunContext,
    now: Timestamp,
    nodes: Vec<Node>,
    levels: Vec<Level>,
    tree: ScopeTree,
    /// What branches, short circuits and the like have said, by slot.
    choices: BTreeMap<(NodeIdx, u32), Choice>,
    ready: ReadyQueue,
    running: BTreeMap<(NodeIdx, MapIndex), Fence>,
    /// Instances that wait for a time.
    due: BTreeSet<(Timestamp, NodeIdx, MapIndex)>,
    /// Instances that wait for something that is no time: a signal, an answer.
    asleep: u32,
    /// Instances that are deferred, of tasks that have any.
    deferred: BTreeMap<NodeIdx, u32>,
    /// Instances of tasks with a queued timeout: until when they may wait for a slot.
    overdue: BTreeSet<(Timestamp, NodeIdx, u32)>,
    queued_until: BTreeMap<(NodeIdx, u32), Timestamp>,
    /// When the run is over its timeout.
    deadline: Option<Timestamp>,
    work: Agenda,
    /// Tasks with rows that are not made yet.
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
    /// Levels that were not expanded when the run was halted, and never will be.
    halted: BTreeMap<(ScopeIdx, u32), Arc<str>>,
    /// Why the run fails when what is still to be undone is undone.
    doom: Option<Arc<str>>,
    state: RunState,
    /// Slots and contexts that were looked at.
    #[cfg(test)]
    pub(crate) steps: u64,
}

impl RunMachine {
    /// A run that begins now. `lengths` is what [`crate::lengths_at_start`] gave. The decisions make its first rows; tasks whose
    /// length is known already are among the expansions and never have a row without a position.
    pub fn start(
        dag: Arc<Dag>,
        lengths: &Lengths,
        context: RunContext,
        limits: MachineLimits,
        now: Timestamp,
    ) -> (Self, Decisions) {
        let mut machine = Self::new(dag, lengths, context, limits, now, MATERIALIZE_BATCH);
        let decisions = machine.begin();
        (machine, decisions)
    }

    /// A run that was committed earlier. Instances that rows show as running are running for this machine too; the scheduler
    /// reports them as lost when their worker is gone. The decisions carry on what a crash or a clear interrupted.
    pub fn recover(
        dag: Arc<Dag>,
        saved: &SavedRun,
        lengths: &Lengths,
        context: RunContext,
        limits: MachineLimits,
        now: Timestamp,
    ) -> (Self, Decisions) {
        let mut machine = Self::new(dag, lengths, context, limits, saved.started_at, MATERIALIZE_BATCH);
        machine.restore(saved, now);
        let decisions = machine.begin();
        (machine, decisions)
    }

    /// A run as its rows say, ended or not, to ask what a clear or mark would change, and to clear or mark it. It decides nothing
    /// else before that.
    pub fn view(
        dag: Arc<Dag>,
        saved: &SavedRun,
        lengths: &Lengths,
        context: RunContext,
        limits: MachineLimits,
        now: Timestamp,
    ) -> Self {
        let mut machine = Self::new(dag, lengths, context, limits, saved.started_at, MATERIALIZE_BATCH);
        machine.restore(saved, now);
        if machine.unfinished == 0 {
            machine.state = RunState::Success;
        }
        machine
    }

    pub(crate) fn new(
        dag: Arc<Dag>,
        lengths: &Lengths,
        context: RunContext,
        limits: MachineLimits,
        started_at: Timestamp,
        batch: u32,
    ) -> Self {
        let mut nodes: Vec<Node> = dag.indices().map(|node| Node::new(&dag, node)).collect();
        link(&dag, &mut nodes, lengths);
        for (idx, node) in dag.indices().zip(&mut nodes) {
            node.is_past_met = !dag.task(idx).depends_on_past
                || match &context.past {
                    Past::First => true,
                    Past::Met(nodes) => nodes.contains(&idx),
                };
        }
        let mut machine = Self {
            limits,
            lengths: lengths.clone(),
            context,
            now: started_at,
            levels: levels(&dag, &nodes, lengths),
            tree: ScopeTree::new(&dag),
            choices: BTreeMap::new(),
            ready: ReadyQueue::new(lanes(&dag), dag.document().max_active_tasks),
            running: BTreeMap::new(),
            due: BTreeSet::new(),
            asleep: 0,
            deferred: BTreeMap::new(),
            overdue: BTreeSet::new(),
            queued_until: BTreeMap::new(),
            deadline: dag.document().run_timeout_ms.map(|timeout_ms| later(started_at, timeout_ms)),
            work: Agenda::default(),
            unmade: VecDeque::new(),
            batch,
            awaits_commit: false,
            instances: nodes.len() as u64,
            unfinished: nodes.len() as u32,
            results_pending: nodes.iter().filter(|node| node.is_result).count() as u32,
            result: ResultStatus::Pending,
            halted: BTreeMap::new(),
            doom: None,
            state: RunState::Running,
            nodes,
            dag,
            #[cfg(test)]
            steps: 0,
        };
        machine.arrive(ScopeIdx::RUN, 1);
        machine
    }

    /// Takes an event. After the run's end nothing leads to anything.
    pub fn on(&mut self, event: Event, now: Timestamp) -> Decisions {
        let mut out = Decisions::default();
        if self.state.is_ended() {
            return out;
        }
        self.now = now;
        match event {
            Event::Ended { node, map_index, fence, end, has_value, answer } => {
                if self.running.get(&(node, map_index)) == Some(&fence) {
                    self.execution_ended(node, map_index, &end, has_value, answer, &mut out);
                }
            }
            Event::Woken { node, map_index } => self.woken(node, map_index, &mut out),
            Event::PastMet { nodes } => self.past_met(&nodes),
            Event::Committed => self.awaits_commit = false,
            Event::Tick => self.time_passed(&mut out),
            Event::Cancel { reason } => self.stop(reason.into(), &mut out),
        }
        self.come_to_rest(&mut out);
        out
    }

    /// How many instances [`Self::take_ready`] could give now.
    pub fn ready_count(&self) -> u32 {
        self.ready.available()
    }

    /// How many more instances of a task may start, as limits beyond the run say: pools, `max_active_per_dag`. Whoever knows those
    /// says it before it takes, again whenever it changes; taking counts it down.
    pub fn set_room(&mut self, node: NodeIdx, room: u32) {
        self.ready.set_room(node, room);
    }

    /// Takes up to `max` instances that may start, which from now on run under `fence`. The caller commits the claims.
    pub fn take_ready(&mut self, max: u32, fence: Fence) -> Vec<Ready> {
        let mut taken = Vec::with_capacity(max.min(self.ready.available()) as usize);
        while let Some((idx, slots)) = self.ready.take(max - taken.len() as u32) {
            self.start_slots(idx, slots, fence, &mut taken);
        }
        taken
    }

    /// As [`Self::take_ready`], but of one task: the one that comes first. What it takes may leave less room for the next one.
    pub fn take_ready_of_one(&mut self, max: u32, fence: Fence) -> Vec<Ready> {
        let mut taken = Vec::new();
        if let Some((idx, slots)) = self.ready.take(max) {
            self.start_slots(idx, slots, fence, &mut taken);
        }
        taken
    }

    fn start_slots(&mut self, idx: NodeIdx, slots: Range<u32>, fence: Fence, taken: &mut Vec<Ready>) {
        let node = &mut self.nodes[idx.0 as usize];
        node.instances.set(slots.clone(), TaskState::Running);
        for slot in slots {
            let attempt = node.attempt(slot);
            let map_index = node.map_index(slot);
            self.running.insert((idx, map_index), fence);
            if node.queued_timeout_ms.is_some()
                && let Some(until) = self.queued_until.remove(&(idx, slot))
            {
                self.overdue.remove(&(until, idx, slot));
            }
            taken.push(Ready {
                node: idx,
                map_index,
                try_number: TryNumber(attempt.try_number),
                suspect: attempt.suspect,
            });
        }
    }

    /// How many instances of a task run.
    pub fn running_of(&self, node: NodeIdx) -> u32 {
        self.ready.running_of(node)
    }

    /// How many instances of a task are deferred.
    pub fn deferred_of(&self, node: NodeIdx) -> u32 {
        self.deferred.get(&node).copied().unwrap_or(0)
    }

    /// The task of which [`Self::take_ready`] would take first.
    pub fn first_ready(&self) -> Option<NodeIdx> {
        self.ready.first()
    }

    /// Whether something of a task would start if [`Self::set_room`] had left room.
    pub fn is_without_room(&self, node: NodeIdx) -> bool {
        self.ready.is_without_room(node)
    }

    /// Tasks that the run before has not let run yet.
    pub fn awaiting_past(&self) -> impl Iterator<Item = NodeIdx> + '_ {
        let waits = |idx: &NodeIdx| !self.node(*idx).is_past_met && !self.node(*idx).is_complete();
        self.dag.indices().filter(waits)
    }

    /// Instances that run, with their fences. An event that ends the run leaves none: those that ran before it are to be cancelled.
    pub fn running(&self) -> impl Iterator<Item = (NodeIdx, MapIndex, Fence)> + '_ {
        self.running.iter().map(|((node, map_index), fence)| (*node, *map_index, *fence))
    }

    /// Whether the run fails for certain, and only what undoes the work of its setups still has its turn.
    pub fn is_failing(&self) -> bool {
        self.doom.is_some() && !self.state.is_ended()
    }

    /// When [`Event::Tick`] is due next.
    pub fn next_tick(&self) -> Option<Timestamp> {
        if self.state.is_ended() {
            return None;
        }
        let due = self.due.first().map(|(at, ..)| *at);
        let overdue = self.overdue.first().map(|(at, ..)| *at);
        let deadline = self.deadline.filter(|_| self.doom.is_none());
        deadline.into_iter().chain(due).chain(overdue).min()
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

    /// The identity of an instance: its positions, the outermost mapping first. Shorter than its mappings nest where one of them has
    /// no items, empty where nothing is mapped.
    pub fn map_path(&self, node: NodeIdx, map_index: MapIndex) -> Vec<u32> {
        let slot = self.node(node).slot(map_index).filter(|_| map_index != MapIndex::NONE);
        slot.map_or_else(Vec::new, |slot| self.tree.path(self.node(node).scope, slot))
    }

    fn node(&self, node: NodeIdx) -> &Node {
        &self.nodes[node.0 as usize]
    }

    fn node_mut(&mut self, node: NodeIdx) -> &mut Node {
        &mut self.nodes[node.0 as usize]
    }

    fn which(&self, node: NodeIdx, index: MapIndex) -> Which {
        Which { seed: self.context.seed, node, index }
    }
}

fn levels(dag: &Dag, nodes: &[Node], lengths: &Lengths) -> Vec<Level> {
    let mut levels: Vec<Level> = dag.scopes().map(|_| Level::default()).collect();
    for (idx, node) in dag.indices().zip(nodes) {
        levels[node.within.0 as usize].decided.push(idx);
        let around = std::iter::successors(Some(node.scope), |scope| dag.scope(*scope).parent);
        around.for_each(|scope| levels[scope.0 as usize].members.push(idx));
        let inputs = node.inputs.iter().enumerate().map(|(i, input)| (input.at, Counter::Input(i)));
        let setups = node.setups.iter().enumerate().map(|(i, input)| (input.at, Counter::Setup(i)));
        let gates = node.gates.iter().enumerate().map(|(i, gate)| (gate.at, Counter::Gate(i)));
        for (at, counter) in inputs.chain(setups).chain(gates) {
            levels[at.0 as usize].counted.push((idx, counter));
        }
    }
    for (scope, at) in dag.scopes() {
        let around = at.parent.is_some_and(|parent| levels[parent.0 as usize].has_holes);
        levels[scope.0 as usize].has_holes = around || lengths.of(scope).may_have_holes();
        for axis in &lengths.of(scope).axes {
            axis.each_item_of(&mut |group| {
                let around = std::iter::successors(Some(group), |scope| dag.scope(*scope).parent);
                around.for_each(|level| levels[level.0 as usize].over_items.push(scope));
            });
        }
    }
    levels
}

fn lanes(dag: &Dag) -> impl Iterator<Item = LaneSettings> + use<'_> {
    let mut depths = vec![0; dag.len()];
    for node in dag.topological_order() {
        let upstream = dag.node(*node).upstream.iter().map(|upstream| depths[upstream.0 as usize] + 1);
        depths[node.0 as usize] = upstream.max().unwrap_or(0);
    }
    dag.indices().map(move |node| LaneSettings {
        depth: depths[node.0 as usize],
        weight: dag.node(node).priority_weight,
        cap: dag.task(node).max_active_per_run,
    })
}

/// So many milliseconds later, or the end of time.
fn later(at: Timestamp, ms: u64) -> Timestamp {
    let duration = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}
