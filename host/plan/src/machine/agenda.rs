//! What is still to be looked at before a machine is at rest.

use std::ops::Range;

use model::{NodeIdx, ScopeIdx};

/// Something to look at, because what it depends on may have changed.
#[derive(Debug)]
pub(super) enum Work {
    /// A task, in these contexts of the scope that it is within.
    Decide { node: NodeIdx, contexts: Range<u32> },
    /// A level of mapping, in these contexts of the one around it.
    Expand { scope: ScopeIdx, parents: Range<u32> },
    /// Instances whose items may be there now.
    Land { node: NodeIdx, slots: Range<u32> },
}

/// Levels come before tasks: an expansion over what was cleared can take back ends that a task would be decided by.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    levels: Vec<Work>,
    tasks: Vec<Work>,
}

impl Agenda {
    pub(super) fn push(&mut self, work: Work) {
        match work {
            Work::Expand { .. } => self.levels.push(work),
            Work::Decide { .. } | Work::Land { .. } => self.tasks.push(work),
        }
    }

    pub(super) fn extend(&mut self, all: impl Iterator<Item = Work>) {
        all.for_each(|work| self.push(work));
    }

    pub(super) fn pop(&mut self) -> Option<Work> {
        self.levels.pop().or_else(|| self.tasks.pop())
    }

    pub(super) fn clear(&mut self) {
        self.levels.clear();
        self.tasks.clear();
    }
}
