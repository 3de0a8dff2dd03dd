//! Rows as the store keeps them, which apply a machine's decisions and refuse what the store would refuse.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{AnswerDecision, BlockDecision, Decisions, EndDecision, Ready, SavedInstance, SavedNode, SavedRun};
use jiff::Timestamp;
use model::{Dag, Fence, MapIndex, NodeIdx, RunState, TaskState, TryNumber};
use testkit::outcome::Outcome;

#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) saved: SavedInstance,
    /// Tries of before the last clear.
    tries_before: u32,
    pub(super) reason: Option<Arc<str>>,
}

/// One run's rows.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) started_at: Timestamp,
    pub(super) nodes: Vec<SavedNode>,
    blocks: Vec<BlockDecision>,
    answers: BTreeMap<(NodeIdx, MapIndex), AnswerDecision>,
    pub(super) instances: BTreeMap<(NodeIdx, MapIndex), Row>,
    /// Highest try of each instance, rows or not.
    tries: BTreeMap<(NodeIdx, MapIndex), TryNumber>,
    pub(super) state: RunState,
    pub(super) reason: Option<Arc<str>>,
}

impl Rows {
    pub(super) fn new(dag: &Dag, started_at: Timestamp) -> Self {
        Self {
            started_at,
            nodes: vec![SavedNode { map_length: None, list_length: None }; dag.len()],
            blocks: Vec::new(),
            answers: BTreeMap::new(),
            instances: BTreeMap::new(),
            tries: BTreeMap::new(),
            state: RunState::Running,
            reason: None,
        }
    }

    /// Decisions of an event that is no report.
    pub(super) fn apply(&mut self, decisions: &Decisions) {
        let is_new = self.instances.is_empty();
        for reset in &decisions.resets {
            self.state = RunState::Running;
            self.reason = None;
            for (key, row) in self.instances.range_mut((reset.node, reset.first)..=(reset.node, reset.last)) {
                self.answers.remove(key);
                reset_row(row);
                if key.1 == MapIndex::NONE {
                    self.nodes[key.0.0 as usize].list_length = None;
                }
            }
        }
        for mark in &decisions.marks {
            for (key, row) in self.instances.range_mut((mark.node, mark.first)..=(mark.node, mark.last)) {
                if mark.to != TaskState::Success {
                    row.saved.has_value = false;
                    self.answers.remove(key);
                    if key.1 == MapIndex::NONE {
                        self.nodes[key.0.0 as usize].list_length = None;
                    }
                }
                row.saved.state = mark.to;
                row.saved.retry_at = None;
                row.reason.clone_from(&mark.reason);
            }
        }
        for expansion in &decisions.expansions {
            let node = &mut self.nodes[expansion.node.0 as usize];
            let is_first = node.map_length.unwrap_or(0) == 0;
            assert!(is_first || node.map_length < Some(expansion.length), "expanded twice: {expansion:?}");
            node.map_length = Some(expansion.length);
            if expansion.length > 0 && is_first {
                let summary = self.instances.remove(&(expansion.node, MapIndex::NONE));
                assert!(is_new || summary.is_some(), "{expansion:?}");
            }
        }
        for decision in &decisions.blocks {
            let same = |it: &BlockDecision| it.scope == decision.scope && it.block.first == decision.block.first;
            match self.blocks.iter_mut().find(|it| same(it)) {
                Some(it) => *it = *decision,
                None => self.blocks.push(*decision),
            }
        }
        for answer in &decisions.answers {
            self.answers.insert((answer.node, answer.map_index), answer.clone());
        }
        for insert in &decisions.inserts {
            for offset in 0..insert.count {
                let map_index = match insert.first.position() {
                    Some(first) => MapIndex::at(first + offset),
                    None => MapIndex::NONE,
                };
                let before = self.tries.get(&(insert.node, map_index)).map_or(0, |tries| tries.0);
                let row = Row {
                    saved: SavedInstance {
                        node: insert.node,
                        map_index,
                        state: insert.state,
                        try_number: insert.try_number,
                        max_tries: insert.max_tries,
                        fence: Fence::NONE,
                        retry_at: insert.retry_at,
                        since: None,
                        times_out: insert.retry_at.is_some(),
                        lost_executions: 0,
                        suspect: false,
                        has_value: false,
                    },
                    tries_before: before,
                    reason: insert.reason.clone(),
                };
                let begins = matches!(insert.state, TaskState::Scheduled | TaskState::AwaitingInput);
                let expected = before + u32::from(begins);
                assert_eq!(insert.try_number.0, expected, "tries are contiguous: {insert:?}");
                assert!(self.instances.insert((insert.node, map_index), row).is_none(), "made twice: {insert:?}");
            }
        }
        for transition in &decisions.transitions {
            let range = (transition.node, transition.first)..=(transition.node, transition.last);
            let rows: Vec<_> = self.instances.range_mut(range).collect();
            let count = transition.last.number() - transition.first.number() + 1;
            assert_eq!(rows.len(), count as usize, "rows are missing: {transition:?}");
            for (_, row) in rows {
                let from = row.saved.state;
                let is_cancelled = count == 1
                    && decisions.cancelled.iter().any(|it| {
                        (it.node, it.map_index, it.fence) == (row.saved.node, row.saved.map_index, row.saved.fence)
                    });
                assert!(from != TaskState::Running || is_cancelled, "it runs: {transition:?}");
                assert!(from.may_become(transition.to), "{from} cannot become that: {transition:?}");
                if from == TaskState::Running {
                    self.tries.insert((row.saved.node, row.saved.map_index), row.saved.try_number);
                }
                row.saved.state = transition.to;
                row.saved.retry_at = transition.retry_at;
                row.saved.times_out = transition.to == TaskState::AwaitingInput && transition.retry_at.is_some();
                row.saved.has_value = from == TaskState::AwaitingInput && transition.to == TaskState::Success;
                row.reason.clone_from(&transition.reason);
                if let Some(try_number) = transition.try_number {
                    assert_eq!(try_number.0, row.saved.try_number.0 + 1, "tries are contiguous: {transition:?}");
                    row.saved.try_number = try_number;
                }
            }
        }
        if decisions.doom.is_some() {
            self.reason.clone_from(&decisions.doom);
        }
        if let Some(end) = &decisions.run_end {
            assert_eq!(self.state, RunState::Running, "a run ends once");
            self.state = end.state;
            self.reason.clone_from(&end.reason);
        }
    }

    /// The end of an execution that holds its fence.
    pub(super) fn end(
        &mut self,
        node: NodeIdx,
        map_index: MapIndex,
        fence: Fence,
        outcome: &Outcome,
        end: &EndDecision,
    ) {
        let row = self.instances.get_mut(&(node, map_index)).expect("what ended has a row");
        assert_eq!((row.saved.state, row.saved.fence), (TaskState::Running, fence), "compare-and-set");
        assert!(TaskState::Running.may_become(end.to), "{end:?}");
        assert!(end.retry_at.is_some() || !matches!(end.to, TaskState::UpForRetry | TaskState::UpForReschedule));
        row.saved.state = end.to;
        row.saved.retry_at = end.retry_at;
        (row.saved.since, row.saved.times_out) = (end.since, end.times_out);
        row.saved.lost_executions = end.lost_executions;
        row.saved.suspect = end.suspect;
        row.saved.has_value = outcome.has_value && end.to == TaskState::Success;
        row.reason = end.reason.clone().or_else(|| outcome.end.message().map(Into::into));
        let tries = row.saved.try_number;
        self.tries.insert((node, map_index), tries);
        if end.to == TaskState::Success && map_index == MapIndex::NONE {
            self.nodes[node.0 as usize].list_length = outcome.answer.list_length;
        }
    }

    pub(super) fn claim(&mut self, ready: &Ready, fence: Fence) {
        let row = self.instances.get_mut(&(ready.node, ready.map_index)).expect("what is claimed has a row");
        assert_eq!(row.saved.state, TaskState::Scheduled, "{ready:?}");
        assert!(row.saved.fence < fence);
        assert_eq!((row.saved.try_number, row.saved.suspect), (ready.try_number, ready.suspect));
        assert!((1..=row.saved.max_tries).contains(&ready.try_number.0), "{ready:?} of {}", row.saved.max_tries);
        row.saved.state = TaskState::Running;
        row.saved.fence = fence;
    }

    /// As the store clears: rows wait again, mapped tasks of which every instance is cleared forget their length.
    pub(super) fn clear(&mut self, dag: &Dag, only_failed: bool) {
        self.state = RunState::Running;
        let of_run = self.reason.take();
        for node in dag.indices() {
            let is_cleared = |row: &Row| {
                let is_of_end = row.saved.state == TaskState::Skipped && row.reason.is_some() && row.reason == of_run;
                !only_failed || is_of_end || matches!(row.saved.state, TaskState::Failed | TaskState::UpstreamFailed)
            };
            let all = (node, MapIndex::NONE)..=(node, MapIndex::at(u32::MAX));
            let is_whole = self.instances.range(all.clone()).all(|(_, row)| is_cleared(row));
            if is_whole && dag.task(node).expand.is_some() {
                self.instances.retain(|(n, _), _| *n != node);
                self.answers.retain(|(n, _), _| *n != node);
                self.nodes[node.0 as usize] = SavedNode { map_length: None, list_length: None };
                let summary = crate::InsertDecision {
                    node,
                    first: MapIndex::NONE,
                    count: 1,
                    state: TaskState::None,
                    try_number: TryNumber(0),
                    max_tries: dag.task(node).retries + 1,
                    retry_at: None,
                    reason: None,
                };
                self.apply(&Decisions { inserts: vec![summary], ..Decisions::default() });
                continue;
            }
            for (key, row) in self.instances.range_mut(all).filter(|(_, row)| is_cleared(row)) {
                self.answers.remove(key);
                reset_row(row);
                if dag.task(node).expand.is_none() {
                    self.nodes[node.0 as usize].list_length = None;
                }
            }
        }
    }

    pub(super) fn saved(&self) -> SavedRun {
        let gone = self.tries.iter().filter(|(key, _)| !self.instances.contains_key(key));
        SavedRun {
            started_at: self.started_at,
            doom: self.reason.clone().filter(|_| self.state == RunState::Running),
            nodes: self.nodes.clone(),
            blocks: self.blocks.clone(),
            instances: self.instances.values().map(|row| row.saved).collect(),
            answers: self.answers.values().cloned().collect(),
            prior_tries: gone.map(|((node, map_index), tries)| (*node, *map_index, *tries)).collect(),
        }
    }

    pub(super) fn of_node(&self, node: NodeIdx) -> impl Iterator<Item = &Row> {
        self.instances.range((node, MapIndex::NONE)..=(node, MapIndex::at(u32::MAX))).map(|(_, row)| row)
    }

    /// One line a task: its instances by state, with reasons, and the run's.
    pub(super) fn text(&self, dag: &Dag) -> String {
        let reason = |reason: &Option<Arc<str>>| reason.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
        let mut text = String::new();
        for node in dag.indices() {
            text += dag.task(node).task_id.as_str();
            text.push(':');
            let rows: Vec<_> = self.of_node(node).collect();
            for alike in rows.chunk_by(|a, b| (a.saved.state, &a.reason) == (b.saved.state, &b.reason)) {
                let (first, last) = (alike[0].saved.map_index, alike[alike.len() - 1].saved.map_index);
                let indices = match (first, last) {
                    (MapIndex::NONE, _) => String::new(),
                    (first, last) if first == last => format!(" [{first}]"),
                    (first, last) => format!(" [{first}-{last}]"),
                };
                text += &format!("{indices} {}{}", alike[0].saved.state, reason(&alike[0].reason));
            }
            text.push('\n');
        }
        text + &format!("run: {}{}\n", self.state, reason(&self.reason))
    }
}

fn reset_row(row: &mut Row) {
    row.saved = SavedInstance {
        state: TaskState::None,
        max_tries: row.saved.max_tries - row.tries_before + row.saved.try_number.0,
        retry_at: None,
        since: None,
        times_out: false,
        lost_executions: 0,
        suspect: false,
        has_value: false,
        ..row.saved
    };
    row.tries_before = row.saved.try_number.0;
    row.reason = None;
}
