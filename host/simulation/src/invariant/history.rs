//! Checks over what a database accepted, in the order in which it did. The writes are played once more on states alone; what they
//! did is judged by what stood before.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Dag, Fence, InstanceKey, MapIndex, NodeIdx, RunKey, TaskState, VersionKey};
use store::{Offer, RunCommit};

use super::Broken;
use super::owners::Owners;
use crate::Accepted;

/// I3 (states move on as they may, ends come once), I5 (nothing starts before its rule is satisfied), I10 (nothing happens to a
/// run that has ended), I12 (accepted fences rise, and none is of an epoch that is over), I13 (limits hold at any time).
pub fn of_history(history: &[Accepted], dag: impl Fn(VersionKey) -> Option<Arc<Dag>>) -> Vec<Broken> {
    let mut replay = Replay::default();
    for (number, accepted) in history.iter().enumerate() {
        replay.number = number;
        match accepted {
            Accepted::Commit { commit, owner, offers } => {
                let broken = replay.owners.commit(commit, offers, *owner);
                replay.broken_by(broken);
                replay.commit(commit, offers, owner.is_none(), &dag);
            }
            Accepted::Epoch(epoch) => replay.epoch(*epoch),
            Accepted::Owned { server, epoch, shards } => {
                let broken = replay.owners.own(*server, *epoch, shards);
                replay.broken_by(broken);
            }
            Accepted::Kept { server, epoch } => replay.owners.keep(*server, *epoch),
            Accepted::Released { server, shards } => replay.owners.release(*server, shards),
            Accepted::Gone(server) => replay.owners.leave(*server),
            Accepted::Taken { server, work } => {
                let broken = replay.owners.take(*server);
                replay.broken_by(broken);
                for (_, token) in work {
                    replay.step(token.instance, Some(TaskState::Queued), TaskState::Running);
                }
            }
        }
    }
    replay.broken
}

#[derive(Default)]
struct Replay {
    runs: BTreeMap<RunKey, Run>,
    /// Of every instance that was ever claimed, whatever became of its row.
    fences: BTreeMap<InstanceKey, Fence>,
    epoch: u32,
    owners: Owners,
    number: usize,
    /// Made ready by the commit that is played.
    readied: Vec<InstanceKey>,
    broken: Vec<Broken>,
}

struct Run {
    dag: Arc<Dag>,
    lengths: BTreeMap<NodeIdx, u32>,
    states: BTreeMap<(NodeIdx, MapIndex), TaskState>,
    has_ended: bool,
    /// Somebody has changed it, so that what runs need not follow from what is upstream.
    is_by_hand: bool,
}

impl Run {
    fn of_node(&self, node: NodeIdx) -> impl Iterator<Item = TaskState> + '_ {
        self.states.range((node, MapIndex::NONE)..=(node, MapIndex::at(u32::MAX))).map(|(_, state)| *state)
    }

    /// Whether every upstream instance has ended well, as far as that must be.
    fn may_start(&self, node: NodeIdx) -> bool {
        self.is_by_hand
            || self.dag.node(node).upstream.iter().all(|upstream| {
                let length = self.lengths.get(upstream).copied().unwrap_or(1).max(1) as usize;
                self.of_node(*upstream).count() == length
                    && self.of_node(*upstream).all(|it| matches!(it, TaskState::Success | TaskState::Removed))
            })
    }

    fn running(&self, node: NodeIdx) -> u32 {
        let is_held = |state: &TaskState| matches!(state, TaskState::Running | TaskState::Queued);
        self.of_node(node).filter(is_held).count() as u32
    }
}

impl Replay {
    fn broken(&mut self, invariant: &str, detail: String) {
        self.broken.push(format!("{invariant}: write {}: {detail}", self.number));
    }

    fn broken_by(&mut self, details: Vec<String>) {
        details.into_iter().for_each(|detail| self.broken("I12", detail));
    }

    fn epoch(&mut self, epoch: u32) {
        if epoch <= self.epoch {
            self.broken("I12", format!("epoch {epoch} after {}", self.epoch));
        }
        self.epoch = epoch;
    }

    fn commit(
        &mut self,
        commit: &RunCommit,
        offers: &[Offer],
        is_alone: bool,
        dag: &impl Fn(VersionKey) -> Option<Arc<Dag>>,
    ) {
        for new in &commit.runs {
            let Some(dag) = dag(new.version) else { continue };
            let lengths = new.nodes.iter().filter_map(|node| Some((node.node, node.map_length?))).collect();
            let (states, has_ended) = (BTreeMap::new(), new.state.is_ended());
            let run = Run { dag, lengths, states, has_ended, is_by_hand: false };
            if self.runs.insert(new.key, run).is_some() {
                self.broken("I1", format!("{} is made twice", new.key));
            }
        }
        for it in &commit.ended {
            if self.fences.get(&it.instance) != Some(&it.fence) {
                self.broken(
                    "I12",
                    format!("an end under {}, claimed under another fence: {:?}", it.fence, it.instance),
                );
            }
            self.end(it.instance, it.to);
        }
        for it in &commit.cancelled {
            self.cancel(it.instance, it.fence);
        }
        for it in &commit.reopened {
            if let Some(run) = self.runs.get_mut(&it.run) {
                run.has_ended = false;
                run.is_by_hand = true;
            }
        }
        for it in &commit.resets {
            self.set(it.run, it.node, (it.first, it.last), TaskState::None);
        }
        for it in &commit.marks {
            self.set(it.run, it.node, (it.first, it.last), it.to);
        }
        for it in &commit.expansions {
            if let Some(run) = self.runs.get_mut(&it.run) {
                run.lengths.insert(it.node, it.length);
                if it.length > 0 {
                    run.states.remove(&(it.node, MapIndex::NONE));
                }
            }
        }
        for it in &commit.instances {
            for offset in 0..it.count {
                let map_index = it.first.position().map_or(MapIndex::NONE, |first| MapIndex::at(first + offset));
                let key = InstanceKey { run: it.run, node: it.node, map_index };
                self.make(key, it.state);
            }
        }
        for it in &commit.transitions {
            for number in it.first.number()..=it.last.number() {
                let map_index = MapIndex::from_number(number).unwrap_or(MapIndex::NONE);
                let key = InstanceKey { run: it.run, node: it.node, map_index };
                self.step(key, None, it.to);
            }
        }
        // Rules are judged by what stands after all of the commit's rows.
        for key in std::mem::take(&mut self.readied) {
            if !self.runs.get(&key.run).is_some_and(|run| run.may_start(key.node)) {
                self.broken("I5", format!("{key:?} is made ready too early"));
            }
        }
        let fence = commit.fence.unwrap_or(Fence::NONE);
        for it in &commit.claims {
            self.claim(it.instance, fence, TaskState::Running, is_alone);
        }
        for it in offers {
            self.claim(it.instance, fence, TaskState::Queued, is_alone);
        }
        for it in &commit.run_states {
            let Some(run) = self.runs.get_mut(&it.run) else { continue };
            let was_ended = std::mem::replace(&mut run.has_ended, it.to.is_ended());
            let is_complete = run.states.values().all(|state| state.is_ended());
            if was_ended {
                self.broken("I10", format!("{} has ended and becomes {}", it.run, it.to));
            }
            if it.to.is_ended() && !is_complete {
                self.broken("I10", format!("{} ends before its instances", it.run));
            }
        }
    }

    /// What people do comes from any state.
    fn set(&mut self, run: RunKey, node: NodeIdx, (first, last): (MapIndex, MapIndex), to: TaskState) {
        let Some(run) = self.runs.get_mut(&run) else { return };
        run.is_by_hand = true;
        run.states.range_mut((node, first)..=(node, last)).for_each(|(_, state)| *state = to);
    }

    /// It runs no more; what becomes of it is said by another write.
    fn cancel(&mut self, key: InstanceKey, fence: Fence) {
        if self.fences.get(&key) != Some(&fence) {
            self.broken("I12", format!("cancelled under {fence}, claimed under another fence: {key:?}"));
        }
        let state = self.runs.get_mut(&key.run).and_then(|run| run.states.get_mut(&(key.node, key.map_index)));
        match state {
            Some(state) if matches!(state, TaskState::Running | TaskState::Queued) => *state = TaskState::Scheduled,
            _ => self.broken("I3", format!("{key:?} does not run and is cancelled")),
        }
    }

    fn make(&mut self, key: InstanceKey, state: TaskState) {
        let Some(run) = self.runs.get_mut(&key.run) else { return };
        let is_late = run.has_ended;
        if state == TaskState::Scheduled {
            self.readied.push(key);
        }
        let was_there = run.states.insert((key.node, key.map_index), state).is_some();
        if is_late || was_there {
            self.broken("I2", format!("{key:?} is made twice, or after the end"));
        }
    }

    fn step(&mut self, key: InstanceKey, from: Option<TaskState>, to: TaskState) {
        let Some(run) = self.runs.get_mut(&key.run) else { return };
        let Some(state) = run.states.get_mut(&(key.node, key.map_index)) else {
            return self.broken("I3", format!("{key:?} has no row and becomes {to}"));
        };
        let before = std::mem::replace(state, to);
        let has_ended = run.has_ended;
        if (before, to) == (TaskState::None, TaskState::Scheduled) {
            self.readied.push(key);
        }
        if from.is_some_and(|from| from != before) || !before.may_become(to) {
            self.broken("I3", format!("{key:?} was {before} and becomes {to}"));
        }
        if has_ended {
            self.broken("I10", format!("{key:?} becomes {to} after the run's end"));
        }
    }

    /// For its owner what is offered runs.
    fn end(&mut self, key: InstanceKey, to: TaskState) {
        let state = self.runs.get_mut(&key.run).and_then(|run| run.states.get_mut(&(key.node, key.map_index)));
        if let Some(state) = state.filter(|state| **state == TaskState::Queued) {
            *state = TaskState::Running;
        }
        self.step(key, Some(TaskState::Running), to);
    }

    fn claim(&mut self, key: InstanceKey, fence: Fence, to: TaskState, is_alone: bool) {
        self.step(key, Some(TaskState::Scheduled), to);
        let before = self.fences.insert(key, fence).unwrap_or(Fence::NONE);
        if before >= fence {
            self.broken("I12", format!("{key:?} is claimed under {fence} after {before}"));
        }
        if is_alone && fence < Fence::new(self.epoch, 0) {
            self.broken("I12", format!("{key:?} is claimed under {fence}, of an epoch that is over"));
        }
        let Some(run) = self.runs.get(&key.run) else { return };
        // A version that the run got later has more tasks.
        if key.node.0 as usize >= run.dag.len() {
            return;
        }
        let of_task = run.dag.task(key.node).max_active_per_run.unwrap_or(u32::MAX);
        let of_run = run.dag.document().max_active_tasks.unwrap_or(u32::MAX);
        let running: u32 = run.dag.indices().map(|node| run.running(node)).sum();
        if run.running(key.node) > of_task || running > of_run {
            self.broken("I13", format!("{key:?} is one too many"));
        }
        if !self.runs.get(&key.run).is_some_and(|run| run.may_start(key.node)) {
            self.broken("I5", format!("{key:?} starts too early"));
        }
    }
}
