//! Instances that may start, as ranges, with the concurrency limits that hold them back.
//!
//! Deeper tasks go first, so that what has begun gets finished; within a task the lower index goes first. Every operation costs
//! in proportion to what it adds or takes; tasks that are at their limit are never looked at.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use model::NodeIdx;

/// Disjoint ranges that do not touch, by their start.
#[derive(Debug, Default)]
struct Ranges {
    by_start: BTreeMap<u32, u32>,
    len: u32,
}

impl Ranges {
    fn insert(&mut self, Range { mut start, mut end }: Range<u32>) {
        self.len += end - start;
        if let Some((&before, &before_end)) = self.by_start.range(..=start).next_back() {
            debug_assert!(before_end <= start, "an instance is ready only once");
            if before_end == start {
                self.by_start.remove(&before);
                start = before;
            }
        }
        if let Some(after_end) = self.by_start.remove(&end) {
            end = after_end;
        }
        self.by_start.insert(start, end);
    }

    fn pop(&mut self, max: u32) -> Option<Range<u32>> {
        let (start, end) = self.by_start.pop_first()?;
        let taken = end.min(start.saturating_add(max));
        if taken < end {
            self.by_start.insert(taken, end);
        }
        self.len -= taken - start;
        Some(start..taken)
    }
}

/// One task's ready and running instances.
#[derive(Debug)]
struct Lane {
    depth: u32,
    ready: Ranges,
    running: u32,
    /// Most that may run at a time.
    cap: u32,
}

impl Lane {
    fn available(&self) -> u32 {
        self.ready.len.min(self.cap.saturating_sub(self.running))
    }
}

/// All ready instances of a run.
#[derive(Debug)]
pub(crate) struct ReadyQueue {
    lanes: Vec<Lane>,
    /// Lanes with something available, in the order in which they are served.
    open: BTreeSet<(Reverse<u32>, NodeIdx)>,
    /// Sum over the lanes.
    available: u32,
    running: u32,
    cap: u32,
}

impl ReadyQueue {
    /// `lanes`: depth and limit of each task; `cap`: limit of the run.
    pub(crate) fn new(lanes: impl Iterator<Item = (u32, Option<u32>)>, cap: Option<u32>) -> Self {
        let lane = |(depth, cap): (u32, Option<u32>)| Lane {
            depth,
            ready: Ranges::default(),
            running: 0,
            cap: cap.unwrap_or(u32::MAX),
        };
        Self {
            lanes: lanes.map(lane).collect(),
            open: BTreeSet::new(),
            available: 0,
            running: 0,
            cap: cap.unwrap_or(u32::MAX),
        }
    }

    /// These slots may start.
    pub(crate) fn add(&mut self, node: NodeIdx, slots: Range<u32>) {
        self.change(node, |lane| lane.ready.insert(slots));
    }

    /// An instance runs that was never ready here.
    pub(crate) fn started(&mut self, node: NodeIdx) {
        self.running += 1;
        self.change(node, |lane| lane.running += 1);
    }

    /// An instance runs no longer.
    pub(crate) fn stopped(&mut self, node: NodeIdx) {
        self.running -= 1;
        self.change(node, |lane| lane.running -= 1);
    }

    /// How many could be taken now.
    pub(crate) fn available(&self) -> u32 {
        self.available.min(self.cap.saturating_sub(self.running))
    }

    /// Takes up to `max` slots of the task that comes first, which run from now on.
    pub(crate) fn take(&mut self, max: u32) -> Option<(NodeIdx, Range<u32>)> {
        let max = max.min(self.available());
        if max == 0 {
            return None;
        }
        let &(_, node) = self.open.first()?;
        let mut taken = None;
        self.change(node, |lane| {
            taken = lane.ready.pop(max.min(lane.available()));
            lane.running += taken.as_ref().map_or(0, |slots| slots.end - slots.start);
        });
        let slots = taken?;
        self.running += slots.end - slots.start;
        Some((node, slots))
    }

    /// Nothing is ready any more.
    pub(crate) fn clear(&mut self) {
        for lane in &mut self.lanes {
            lane.ready = Ranges::default();
        }
        self.open.clear();
        self.available = 0;
    }

    fn change(&mut self, node: NodeIdx, change: impl FnOnce(&mut Lane)) {
        let lane = &mut self.lanes[node.0 as usize];
        let before = lane.available();
        change(lane);
        let after = lane.available();
        self.available = self.available - before + after;
        let place = (Reverse(lane.depth), node);
        match (before, after) {
            (0, 1..) => _ = self.open.insert(place),
            (1.., 0) => _ = self.open.remove(&place),
            _ => {}
        }
    }
}
