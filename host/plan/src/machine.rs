//! One run's state in memory.

use std::sync::Arc;

use jiff::Timestamp;
use model::{Dag, Fence, MapIndex, NodeIdx, RunState};

use crate::{Decisions, Event, Lengths, Ready, SavedRun};

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
}

impl RunMachine {
    /// A run that begins now. `lengths` is what [`crate::lengths_at_start`] gave. The decisions make its first rows.
    pub fn start(dag: Arc<Dag>, lengths: &Lengths, limits: MachineLimits, now: Timestamp) -> (Self, Decisions) {
        unimplemented!()
    }

    /// A run that was committed earlier. Instances that rows show as running are running for this machine too; the scheduler
    /// reports them as lost when their worker is gone. The decisions carry on what a crash interrupted.
    pub fn recover(
        dag: Arc<Dag>,
        saved: &SavedRun,
        lengths: &Lengths,
        limits: MachineLimits,
        now: Timestamp,
    ) -> (Self, Decisions) {
        unimplemented!()
    }

    /// Takes an event.
    pub fn on(&mut self, event: Event, now: Timestamp) -> Decisions {
        unimplemented!()
    }

    /// How many instances [`Self::take_ready`] could give now.
    pub fn ready_count(&self) -> u32 {
        unimplemented!()
    }

    /// Takes up to `max` instances that may start, which from now on run under `fence`. The caller commits the claims.
    pub fn take_ready(&mut self, max: u32, fence: Fence) -> Vec<Ready> {
        unimplemented!()
    }

    /// Instances that run, with their fences.
    pub fn running(&self) -> impl Iterator<Item = (NodeIdx, MapIndex, Fence)> + '_ {
        std::iter::empty()
    }

    /// When [`Event::Tick`] is due next.
    pub fn next_tick(&self) -> Option<Timestamp> {
        unimplemented!()
    }

    /// The run's state.
    pub fn state(&self) -> RunState {
        unimplemented!()
    }

    /// Whether the result is there. O(result tasks).
    pub fn result(&self) -> ResultStatus {
        unimplemented!()
    }

    /// The DAG.
    pub fn dag(&self) -> &Arc<Dag> {
        &self.dag
    }
}
