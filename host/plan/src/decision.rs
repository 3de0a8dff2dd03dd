//! What a machine decided, grouped by the kind of write that makes it durable.

use std::sync::Arc;

use jiff::Timestamp;
use model::outcome::Answer;
use model::{Fence, MapIndex, NodeIdx, RunState, ScopeIdx, TaskState, TryNumber};

use crate::Block;

/// Writes that one event leads to; the scheduler gathers them over all runs into one commit, in the order of these fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decisions {
    /// What becomes of the execution that the event reported; `None` for other events and for a stale fence.
    pub ended: Option<EndDecision>,
    /// Instances that wait again, as a clear wants it; before everything that follows.
    pub resets: Vec<ResetDecision>,
    /// States that somebody gives by hand, from any state.
    pub marks: Vec<TransitionDecision>,
    pub expansions: Vec<ExpansionDecision>,
    /// Contexts of groups, and of tasks inside mapped groups. Those of other mapped tasks follow from their lengths.
    pub blocks: Vec<BlockDecision>,
    pub inserts: Vec<InsertDecision>,
    pub transitions: Vec<TransitionDecision>,
    /// What successes said, as far as a machine needs it to start again.
    pub answers: Vec<AnswerDecision>,
    /// Executions that end because their instances have: their workers are to be told, and what they report is stale.
    pub cancelled: Vec<Cancelled>,
    /// The run fails for this reason when what its setups have made is undone; nothing else begins before that.
    pub doom: Option<Arc<str>>,
    pub run_end: Option<RunEnd>,
    /// The machine holds rows back until it hears [`Event::Committed`](crate::Event::Committed).
    pub more_after_commit: bool,
}

/// The instance's next state after an execution.
#[derive(Debug, Clone, PartialEq)]
pub struct EndDecision {
    /// Success, Skipped, Failed, UpForRetry, UpForReschedule, Deferred, or Scheduled after a lost host.
    pub to: TaskState,
    /// When its wait is over; what is deferred may have none.
    pub retry_at: Option<Timestamp>,
    /// When the attempt first waited without a worker.
    pub since: Option<Timestamp>,
    /// What is due at `retry_at` is the end of the attempt.
    pub times_out: bool,
    pub lost_executions: u32,
    pub suspect: bool,
    /// Why the instance has this state, where the end of the execution does not say it.
    pub reason: Option<Arc<str>>,
}

/// The rows of a mapped node have become known, or more of them: its row without a position goes away. For a length of 0 it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpansionDecision {
    pub node: NodeIdx,
    pub length: u32,
}

/// Instances that wait again: their state is none, what they left and said is gone, and their tries count from those that they have
/// had. Their attempts stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetDecision {
    pub node: NodeIdx,
    pub first: MapIndex,
    pub last: MapIndex,
}

/// Contexts of a scope: new ones, or those of the same `first` with fewer that are still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockDecision {
    pub scope: ScopeIdx,
    pub block: Block,
}

/// What a success said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerDecision {
    pub node: NodeIdx,
    pub map_index: MapIndex,
    pub answer: Answer,
}

/// An execution to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled {
    pub node: NodeIdx,
    pub map_index: MapIndex,
    pub fence: Fence,
}

/// Rows to make: `first` is [`MapIndex::NONE`] and `count` 1 for an unmapped or unexpanded task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsertDecision {
    pub node: NodeIdx,
    pub first: MapIndex,
    pub count: u32,
    pub state: TaskState,
    pub try_number: TryNumber,
    pub max_tries: u32,
    /// When its wait is over, for a state that waits for a time.
    pub retry_at: Option<Timestamp>,
    pub reason: Option<Arc<str>>,
}

/// A change of state without an execution, for `first..=last`. An instance that runs is changed only together with its end in
/// [`Decisions::cancelled`], by a decision of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransitionDecision {
    pub node: NodeIdx,
    pub first: MapIndex,
    pub last: MapIndex,
    pub to: TaskState,
    pub try_number: Option<TryNumber>,
    /// When its wait is over, for a state that waits for a time.
    pub retry_at: Option<Timestamp>,
    pub reason: Option<Arc<str>>,
}

/// The run is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    pub state: RunState,
    pub reason: Option<Arc<str>>,
}

/// An instance that may start now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    pub node: NodeIdx,
    pub map_index: MapIndex,
    pub try_number: TryNumber,
    pub suspect: bool,
}

impl Decisions {
    /// These, and what was decided right after them. That must reset and mark nothing, and report no end.
    #[must_use]
    pub fn followed_by(mut self, later: Self) -> Self {
        self.expansions.extend(later.expansions);
        self.blocks.extend(later.blocks);
        self.inserts.extend(later.inserts);
        self.transitions.extend(later.transitions);
        self.answers.extend(later.answers);
        self.cancelled.extend(later.cancelled);
        self.doom = later.doom.or(self.doom);
        self.run_end = later.run_end.or(self.run_end);
        self.more_after_commit = later.more_after_commit;
        self
    }

    /// Keeps the last length of each node.
    pub(crate) fn join_expansions(&mut self) {
        if self.expansions.len() > 1 {
            let mut last = std::collections::BTreeMap::new();
            for (i, it) in self.expansions.iter().enumerate() {
                last.insert(it.node, i);
            }
            let mut at = 0;
            self.expansions.retain(|it| {
                at += 1;
                last[&it.node] == at - 1
            });
        }
    }

    /// Adds rows to make; joins them to the last ones where they continue those.
    pub(crate) fn insert(&mut self, decision: InsertDecision) {
        if let Some(last) = self.inserts.last_mut()
            && let (Some(first), Some(next)) = (last.first.position(), decision.first.position())
            && first + last.count == next
            && *last == (InsertDecision { first: last.first, count: last.count, ..decision.clone() })
        {
            last.count += decision.count;
        } else {
            self.inserts.push(decision);
        }
    }

    /// Adds a change of state; joins it to the last one where it continues that, unless that one ends an execution.
    pub(crate) fn transition(&mut self, decision: TransitionDecision) {
        let ended = self.cancelled.last().map(|it| (it.node, it.map_index));
        if let Some(last) = self.transitions.last_mut()
            && ended != Some((last.node, last.last))
            && last.last.position().is_some_and(|last| decision.first.position() == Some(last + 1))
            && *last == (TransitionDecision { first: last.first, last: last.last, ..decision.clone() })
        {
            last.last = decision.last;
        } else {
            self.transitions.push(decision);
        }
    }
}
