//! Instances that may start, as ranges, with the concurrency limits that hold them back.
//!
//! Deeper tasks go first, so that what has begun gets finished, then those of the higher weight; within a task the lower index goes
//! first. Every operation costs in proportion to what it adds or takes; tasks that are at their limit are never looked at.

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

    /// Takes one out; false where it is not in.
    fn remove(&mut self, slot: u32) -> bool {
        let Some((&start, &end)) = self.by_start.range(..=slot).next_back() else { return false };
        if end <= slot {
            return false;
        }
        self.by_start.remove(&start);
        if start < slot {
            self.by_start.insert(start, slot);
        }
        if slot + 1 < end {
            self.by_start.insert(slot + 1, end);
        }
        self.len -= 1;
        true
    }

    fn contains(&self, slot: u32) -> bool {
        self.by_start.range(..=slot).next_back().is_some_and(|(_, end)| *end > slot)
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
    place: Place,
    ready: Ranges,
    running: u32,
    /// Most that may run at a time.
    cap: u32,
    /// How many more may start, as limits beyond the run say.
    room: u32,
}

/// Where a task stands in the order: depth, weight, then its position.
type Place = (Reverse<u32>, Reverse<i64>, NodeIdx);

impl Lane {
    fn available(&self) -> u32 {
        self.ready.len.min(self.cap.saturating_sub(self.running)).min(self.room)
    }
}

/// What the order of a task follows from, and its limit in the run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaneSettings {
    pub(crate) depth: u32,
    pub(crate) weight: i64,
    pub(crate) cap: Option<u32>,
}

/// What keeps something that is ready from being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeldBy {
    Nothing,
    Run { running: u32, cap: u32 },
    Task { running: u32, cap: u32 },
    Room,
}

/// All ready instances of a run.
#[derive(Debug)]
pub(crate) struct ReadyQueue {
    lanes: Vec<Lane>,
    /// Lanes with something available, in the order in which they are served.
    open: BTreeSet<Place>,
    /// Sum over the lanes.
    available: u32,
    /// Everything that is ready, held back or not.
    ready: u64,
    running: u32,
    cap: u32,
}

impl ReadyQueue {
    /// `lanes`: of each task; `cap`: limit of the run.
    pub(crate) fn new(lanes: impl Iterator<Item = LaneSettings>, cap: Option<u32>) -> Self {
        let lane = |(i, settings): (usize, LaneSettings)| Lane {
            place: (Reverse(settings.depth), Reverse(settings.weight), NodeIdx(i as u32)),
            ready: Ranges::default(),
            running: 0,
            cap: settings.cap.unwrap_or(u32::MAX),
            room: u32::MAX,
        };
        Self {
            lanes: lanes.enumerate().map(lane).collect(),
            open: BTreeSet::new(),
            available: 0,
            ready: 0,
            running: 0,
            cap: cap.unwrap_or(u32::MAX),
        }
    }

    /// These slots may start.
    pub(crate) fn add(&mut self, node: NodeIdx, slots: Range<u32>) {
        self.change(node, |lane| lane.ready.insert(slots));
    }

    /// It may not start any more; nothing happens where it could not.
    pub(crate) fn remove(&mut self, node: NodeIdx, slot: u32) {
        self.change(node, |lane| _ = lane.ready.remove(slot));
    }

    /// So many more of a task's instances may start, as limits beyond the run say.
    pub(crate) fn set_room(&mut self, node: NodeIdx, room: u32) {
        self.change(node, |lane| lane.room = room);
    }

    /// What keeps an instance that is ready from being taken; nothing where others only go first.
    pub(crate) fn held_by(&self, node: NodeIdx, slot: u32) -> Option<HeldBy> {
        let lane = &self.lanes[node.0 as usize];
        if !lane.ready.contains(slot) {
            return None;
        }
        Some(match lane {
            Lane { running, cap, .. } if running >= cap => HeldBy::Task { running: *running, cap: *cap },
            _ if self.running >= self.cap => HeldBy::Run { running: self.running, cap: self.cap },
            Lane { room: 0, .. } => HeldBy::Room,
            _ => HeldBy::Nothing,
        })
    }

    /// Whether anything is ready, held back or not.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready == 0
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

    /// Instances of a task that run.
    pub(crate) fn running_of(&self, node: NodeIdx) -> u32 {
        self.lanes[node.0 as usize].running
    }

    /// The task that comes first, of what could be taken now.
    pub(crate) fn first(&self) -> Option<NodeIdx> {
        self.open.first().map(|(.., node)| *node).filter(|_| self.available() > 0)
    }

    /// Whether something of a task is ready and has no room beyond the run.
    pub(crate) fn is_without_room(&self, node: NodeIdx) -> bool {
        let lane = &self.lanes[node.0 as usize];
        lane.ready.len > 0 && lane.room == 0
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
        let &(.., node) = self.open.first()?;
        let mut taken = None;
        self.change(node, |lane| {
            taken = lane.ready.pop(max.min(lane.available()));
            let count = taken.as_ref().map_or(0, |slots| slots.end - slots.start);
            lane.running += count;
            lane.room = if lane.room == u32::MAX { u32::MAX } else { lane.room - count };
        });
        let slots = taken?;
        self.running += slots.end - slots.start;
        Some((node, slots))
    }

    /// Nothing is ready any more.
    #[cfg(test)]
    pub(crate) fn clear(&mut self) {
        for lane in &mut self.lanes {
            lane.ready = Ranges::default();
        }
        self.open.clear();
        self.available = 0;
        self.ready = 0;
    }

    fn change(&mut self, node: NodeIdx, change: impl FnOnce(&mut Lane)) {
        let lane = &mut self.lanes[node.0 as usize];
        let (before, ready) = (lane.available(), lane.ready.len);
        change(lane);
        let after = lane.available();
        self.ready = self.ready - u64::from(ready) + u64::from(lane.ready.len);
        self.available = self.available - before + after;
        let place = lane.place;
        match (before, after) {
            (0, 1..) => _ = self.open.insert(place),
            (1.., 0) => _ = self.open.remove(&place),
            _ => {}
        }
    }
}
