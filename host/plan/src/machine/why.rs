//! Why an instance does not run now.

use jiff::Timestamp;
use model::{Fence, MapIndex, NodeIdx, ScopeIdx, TaskState};

use super::RunMachine;
use super::expansion::Expansion;
use super::items::Item;
use super::settle::Standing;
use crate::ready::HeldBy;

/// Why an instance does not run now; whoever shows it renders it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// There is no such instance.
    Unknown,
    Ended {
        state: TaskState,
    },
    Running {
        fence: Fence,
    },
    /// It may start; others go first, or no slot is free.
    Ready,
    /// It may start but for a limit.
    Limited(Limit),
    /// Its next try, or its next question, is due then.
    WaitsUntil {
        state: TaskState,
        at: Timestamp,
    },
    /// It is deferred until something comes, or fails then.
    Deferred {
        times_out_at: Option<Timestamp>,
    },
    /// Somebody has to answer.
    AwaitsInput {
        times_out_at: Option<Timestamp>,
    },
    /// It is mapped over what these tasks have not given yet.
    Unexpanded {
        sources: Vec<NodeIdx>,
    },
    /// Its rule waits for these upstream tasks, each with the number of instances that have not ended.
    Upstream {
        pending: Vec<(NodeIdx, u32)>,
    },
    /// A branch or short circuit has not decided.
    Gate {
        decider: NodeIdx,
    },
    /// Setups that it needs have not ended.
    Setup {
        setups: Vec<NodeIdx>,
    },
    /// The run before does not let it run yet.
    Past,
    /// The instance that it is mapped over has not ended.
    Item,
    /// Its row is to be made by a commit to come.
    NotMade,
}

/// What holds back something that may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Instances of the run.
    Run { running: u32, cap: u32 },
    /// Instances of the task in the run.
    Task { running: u32, cap: u32 },
    /// A limit beyond the run, as [`RunMachine::set_room`] said: a pool, or the task's instances over all runs.
    Room,
}

impl RunMachine {
    /// Why an instance does not run now. Costs what the task has upstream.
    pub fn explain(&self, idx: NodeIdx, map_index: MapIndex) -> Explanation {
        let Some(node) = self.nodes.get(idx.0 as usize) else { return Explanation::Unknown };
        let Some(slot) = node.slot(map_index) else {
            let is_summary = map_index == MapIndex::NONE && !node.has_positions;
            return if is_summary { self.explain_unexpanded(idx) } else { Explanation::Unknown };
        };
        let due = node.attempt(slot).due;
        match node.instances.state(slot) {
            state if state.is_ended() => Explanation::Ended { state },
            TaskState::Running | TaskState::Queued => match self.running.get(&(idx, map_index)) {
                Some(fence) => Explanation::Running { fence: *fence },
                None => Explanation::Unknown,
            },
            TaskState::Scheduled => match self.ready.held_by(idx, slot) {
                Some(HeldBy::Run { running, cap }) => Explanation::Limited(Limit::Run { running, cap }),
                Some(HeldBy::Task { running, cap }) => Explanation::Limited(Limit::Task { running, cap }),
                Some(HeldBy::Room) => Explanation::Limited(Limit::Room),
                Some(HeldBy::Nothing) | None => Explanation::Ready,
            },
            state @ (TaskState::UpForRetry | TaskState::UpForReschedule) => {
                Explanation::WaitsUntil { state, at: due.unwrap_or(self.now) }
            }
            TaskState::Deferred => Explanation::Deferred { times_out_at: due },
            TaskState::AwaitingInput => Explanation::AwaitsInput { times_out_at: due },
            _ if slot >= node.instances.made() => Explanation::NotMade,
            _ => self.explain_waiting(idx, slot),
        }
    }

    /// How many executions of the current attempt were lost, and whether it has to run alone for that.
    pub fn lost_executions(&self, idx: NodeIdx, map_index: MapIndex) -> Option<(u32, bool)> {
        let node = self.nodes.get(idx.0 as usize)?;
        let attempt = node.attempt(node.slot(map_index)?);
        Some((attempt.lost, attempt.suspect))
    }

    fn explain_waiting(&self, idx: NodeIdx, slot: u32) -> Explanation {
        let node = self.node(idx);
        let context = if node.is_mapped() { self.tree.of(node.scope).parent(slot) } else { slot };
        match self.standing(idx, context) {
            Standing::Unexpanded => self.explain_unexpanded(idx),
            Standing::Gate(decider) => Explanation::Gate { decider },
            Standing::Setup => {
                let setups = self.pending(idx, context, &self.dag.node(idx).setups);
                Explanation::Setup { setups: setups.into_iter().map(|(setup, _)| setup).collect() }
            }
            Standing::Rule => {
                Explanation::Upstream { pending: self.pending(idx, context, &self.dag.node(idx).upstream) }
            }
            Standing::Past => Explanation::Past,
            Standing::Decided(..) if self.item(node.scope, slot) == Item::Pending => Explanation::Item,
            Standing::Decided(..) => Explanation::NotMade,
        }
    }

    /// Upstream tasks with instances that have not ended in the common context.
    fn pending(&self, idx: NodeIdx, context: u32, upstream: &[NodeIdx]) -> Vec<(NodeIdx, u32)> {
        let within = self.node(idx).within;
        let count = |upstream: &NodeIdx| {
            let node = self.node(*upstream);
            let at = self.dag.common_scope(node.scope, within);
            if at == ScopeIdx::RUN {
                return (*upstream, node.total.pending);
            }
            let around = self.tree.around(within, context, at);
            if !self.tree.is_expanded(at, around, node.scope) {
                return (*upstream, 1);
            }
            let slots = self.tree.inside(at, around, node.scope).into_iter().flatten();
            (*upstream, slots.filter(|slot| !node.instances.state(*slot).is_ended()).count() as u32)
        };
        upstream.iter().map(count).filter(|(_, pending)| *pending > 0).collect()
    }

    fn explain_unexpanded(&self, idx: NodeIdx) -> Explanation {
        let mut sources = Vec::new();
        let mut scope = self.node(idx).scope;
        while scope != ScopeIdx::RUN {
            let parent = self.tree.parent(scope);
            let mut contexts = 0..self.tree.of(parent).count();
            if contexts.any(|context| matches!(self.expansion(scope, context), Expansion::Wait)) {
                let mapping = self.lengths.of(scope);
                mapping.axes.iter().for_each(|axis| axis.each_task(&mut |task| sources.push(task)));
            }
            scope = parent;
        }
        sources.sort_unstable();
        sources.dedup();
        Explanation::Unexpanded { sources }
    }
}
