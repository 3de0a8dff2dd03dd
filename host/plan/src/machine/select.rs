//! Which instances a selection names. Costs what is selected and the tasks of the DAG, however many instances there are besides.

use std::ops::Range;

use model::document::TaskKind;
use model::{MapIndex, NodeIdx, ScopeIdx, TaskState};

use super::RunMachine;
use super::items::Item;
use super::settle::Standing;
use crate::node::Node;
use crate::rule::Verdict;
use crate::{Ending, Marking, Selected, Selection, SelectionError};

/// Slots by task, as ranges.
type Picks = Vec<Vec<Range<u32>>>;

impl RunMachine {
    /// The instances that a clear changes, by task and index: what is selected and what belongs to it. Work pulls its setups and their
    /// teardowns, a setup its teardowns. Instances that wait for their turn anyway are left out.
    pub fn select_for_clear(&self, selection: &Selection) -> Result<Vec<Selected>, SelectionError> {
        let mut picks = self.picks(selection)?;
        if selection.only_failed || selection.only_running {
            let mut left_out = if selection.only_failed { self.left_out() } else { vec![Vec::new(); picks.len()] };
            self.meet(&mut left_out, &picks);
            self.keep(&mut picks, |state| {
                (selection.only_failed && matches!(state, TaskState::Failed | TaskState::UpstreamFailed))
                    || (selection.only_running && state == TaskState::Running)
            });
            for (slots, more) in picks.iter_mut().zip(left_out) {
                slots.extend(more);
                merge(slots);
            }
        }
        self.pull_setups(&mut picks);
        self.keep(&mut picks, |state| !matches!(state, TaskState::None | TaskState::Removed));
        Ok(self.selected(picks))
    }

    /// The instances that marking changes: those that are selected and have another state, and everything downstream of them that
    /// could not run for a failure.
    pub fn select_for_mark(&self, selection: &Selection, to: TaskState) -> Result<Marking, SelectionError> {
        let mut picks = self.picks(selection)?;
        let downstream = self.downstream_of(&picks);
        self.keep(&mut picks, |state| state != to && state != TaskState::Removed);
        let mut cleared = downstream;
        self.keep(&mut cleared, |state| matches!(state, TaskState::Failed | TaskState::UpstreamFailed));
        for (cleared, marked) in cleared.iter_mut().zip(&picks) {
            let is_marked = |slot: &u32| marked.iter().any(|range| range.contains(slot));
            let rest: Vec<_> = cleared.drain(..).flatten().filter(|slot| !is_marked(slot)).collect();
            *cleared = ranges(rest);
        }
        Ok(Marking { marked: self.selected(picks), cleared: self.selected(cleared) })
    }

    /// The instances that get another state when the whole run is given an end, with that state; those that are not made yet too. What
    /// teardowns make of it is not told.
    pub fn select_for_run(&self, ending: Ending) -> Vec<(Selected, TaskState)> {
        let mut made: Picks =
            self.nodes.iter().map(|node| std::iter::once(0..node.instances.made()).collect()).collect();
        let mut unmade: Picks = { self.nodes.iter() }
            .map(|node| Some(node.instances.made()..node.instances.length()).filter(|it| !it.is_empty()))
            .map(|slots| slots.into_iter().collect())
            .collect();
        if ending != Ending::Stopped {
            for (i, _) in self.nodes.iter().enumerate().filter(|(_, node)| node.kind == TaskKind::Teardown) {
                made[i].clear();
                unmade[i].clear();
            }
        }
        let given = |picks: Picks, state: TaskState| self.selected(picks).into_iter().map(move |it| (it, state));
        let is_unexpanded =
            |node: &Node| node.instances.length() == 0 && node.summary.is_some_and(|state| !state.is_ended());
        let has_turn = |idx: NodeIdx| ending != Ending::Stopped && self.node(idx).kind == TaskKind::Teardown;
        let summaries = self.dag.indices().filter(|idx| !has_turn(*idx) && is_unexpanded(self.node(*idx)));
        let none = MapIndex::NONE;
        let summaries = summaries.map(|node| (Selected { node, first: none, last: none }, TaskState::Skipped));
        if ending == Ending::Success {
            self.keep(&mut made, |state| !matches!(state, TaskState::Success | TaskState::Removed));
            return given(made, TaskState::Success).chain(given(unmade, TaskState::Success)).chain(summaries).collect();
        }
        let mut running = made.clone();
        self.keep(&mut running, |state| state == TaskState::Running);
        self.keep(&mut made, |state| !state.is_ended() && state != TaskState::Running);
        let waiting = given(made, TaskState::Skipped).chain(given(unmade, TaskState::Skipped));
        given(running, TaskState::Failed).chain(waiting).chain(summaries).collect()
    }

    /// What is named, with what stands upstream and downstream of it.
    fn picks(&self, selection: &Selection) -> Result<Picks, SelectionError> {
        let mut named: Picks = vec![Vec::new(); self.nodes.len()];
        let all: Vec<NodeIdx> = self.dag.indices().collect();
        for &idx in if selection.tasks.is_empty() { &all } else { &selection.tasks } {
            let Some(node) = self.nodes.get(idx.0 as usize) else { return Err(SelectionError::UnknownTask(idx)) };
            let slots = &mut named[idx.0 as usize];
            if selection.map_indexes.is_empty() {
                slots.extend(Some(0..node.instances.made()).filter(|slots| !slots.is_empty()));
                continue;
            }
            for &map_index in &selection.map_indexes {
                let slot = node.slot(map_index).filter(|slot| *slot < node.instances.made());
                let Some(slot) = slot else {
                    let task_id = self.dag.task(idx).task_id.to_string();
                    return Err(SelectionError::UnknownInstance { task_id, map_index });
                };
                slots.push(slot..slot + 1);
            }
        }
        let downstream = if selection.downstream { self.downstream_of(&named) } else { Picks::new() };
        let upstream = if selection.upstream { self.upstream_of(&named) } else { Picks::new() };
        for (slots, more) in named.iter_mut().zip(downstream) {
            slots.extend(more);
        }
        for (slots, more) in named.iter_mut().zip(upstream) {
            slots.extend(more);
        }
        named.iter_mut().for_each(merge);
        Ok(named)
    }

    /// What follows from these, edge by edge: in the contexts that both ends are in.
    fn downstream_of(&self, from: &Picks) -> Picks {
        let mut picks = from.clone();
        for &idx in self.dag.topological_order() {
            merge(&mut picks[idx.0 as usize]);
            for &downstream in &self.dag.node(idx).downstream {
                let more = self.matching(idx, &picks[idx.0 as usize], downstream, self.node(downstream).within);
                picks[downstream.0 as usize].extend(more);
            }
        }
        picks
    }

    fn upstream_of(&self, from: &Picks) -> Picks {
        let mut picks = from.clone();
        for &idx in self.dag.topological_order().iter().rev() {
            merge(&mut picks[idx.0 as usize]);
            for &upstream in &self.dag.node(idx).upstream {
                let more = self.matching(idx, &picks[idx.0 as usize], upstream, self.node(idx).within);
                picks[upstream.0 as usize].extend(more);
            }
        }
        picks
    }

    /// The slots of `to` in the contexts that it shares with these of `from`; `within` is where the one downstream is decided.
    fn matching(&self, from: NodeIdx, slots: &[Range<u32>], to: NodeIdx, within: ScopeIdx) -> Vec<Range<u32>> {
        if slots.is_empty() {
            return Vec::new();
        }
        let (of_from, of_to) = (self.node(from).scope, self.node(to).scope);
        let outer = if self.node(to).within == within { of_from } else { of_to };
        let at = self.dag.common_scope(outer, within);
        let made = self.node(to).instances.made();
        let clipped = |range: Range<u32>| Some(range.start..range.end.min(made)).filter(|range| !range.is_empty());
        if at == ScopeIdx::RUN {
            return clipped(0..made).into_iter().collect();
        }
        if at == of_from && at == of_to {
            return slots.iter().cloned().filter_map(clipped).collect();
        }
        let contexts = slots.iter().cloned().flatten().map(|slot| self.tree.around(of_from, slot, at));
        let mut contexts = ranges(contexts.collect());
        merge(&mut contexts);
        let inside = |context| self.tree.inside(at, context, of_to);
        contexts.into_iter().flatten().flat_map(inside).filter_map(clipped).collect()
    }

    /// What was skipped for no rule's sake, but because the run came to its end, and what was skipped for that.
    fn left_out(&self) -> Picks {
        let mut picks: Picks = vec![Vec::new(); self.nodes.len()];
        let mut is_any = false;
        for idx in self.dag.indices() {
            let node = self.node(idx);
            let is_left_out = |slot: &u32| {
                let context = if node.is_mapped() { self.tree.of(node.scope).parent(*slot) } else { *slot };
                let is_untried = node.instances.state(*slot) == TaskState::Skipped && node.tried(*slot) == 0;
                is_untried
                    && match self.standing(idx, context) {
                        Standing::Decided(Verdict::Skip, _) => false,
                        Standing::Decided(Verdict::Run, _) => self.item(node.scope, *slot) != Item::Missing,
                        _ => true,
                    }
            };
            picks[idx.0 as usize] = ranges((0..node.instances.made()).filter(is_left_out).collect());
            is_any |= !picks[idx.0 as usize].is_empty();
        }
        if !is_any {
            return picks;
        }
        let mut picks = self.downstream_of(&picks);
        for (node, slots) in self.nodes.iter().zip(&mut picks) {
            let is_untried = |slot: &u32| node.instances.state(*slot) == TaskState::Skipped && node.tried(*slot) == 0;
            *slots = ranges(slots.drain(..).flatten().filter(is_untried).collect());
        }
        picks
    }

    /// Leaves only what is in both.
    fn meet(&self, picks: &mut Picks, others: &Picks) {
        for (slots, others) in picks.iter_mut().zip(others) {
            let is_in = |slot: &u32| others.iter().any(|range| range.contains(slot));
            *slots = ranges(slots.drain(..).flatten().filter(is_in).collect());
        }
    }

    fn pull_setups(&self, picks: &mut Picks) {
        for idx in self.dag.indices() {
            let slots = picks[idx.0 as usize].clone();
            let kind = self.dag.task(idx).kind;
            if slots.is_empty() || kind == TaskKind::Teardown {
                continue;
            }
            let within = self.node(idx).within;
            let mut setups = Vec::new();
            for &setup in &self.dag.node(idx).setups {
                let of_setup = self.matching(idx, &slots, setup, within);
                picks[setup.0 as usize].extend(of_setup.iter().cloned());
                setups.push((setup, of_setup));
            }
            if kind == TaskKind::Setup {
                setups.push((idx, slots));
            }
            for (setup, slots) in setups {
                let teardowns = self.dag.node(setup).downstream.iter();
                for &teardown in teardowns.filter(|it| self.dag.task(**it).kind == TaskKind::Teardown) {
                    let more = self.matching(setup, &slots, teardown, self.node(teardown).within);
                    picks[teardown.0 as usize].extend(more);
                }
            }
        }
        picks.iter_mut().for_each(merge);
    }

    fn keep(&self, picks: &mut Picks, wanted: impl Fn(TaskState) -> bool) {
        for (node, slots) in self.nodes.iter().zip(picks) {
            let kept = slots.drain(..).flatten().filter(|slot| wanted(node.instances.state(*slot)));
            *slots = ranges(kept.collect());
        }
    }

    fn selected(&self, picks: Picks) -> Vec<Selected> {
        let ranges = self.dag.indices().zip(picks).flat_map(|(idx, slots)| slots.into_iter().map(move |it| (idx, it)));
        let selected = |(idx, slots): (NodeIdx, Range<u32>)| Selected {
            node: idx,
            first: self.node(idx).map_index(slots.start),
            last: self.node(idx).map_index(slots.end - 1),
        };
        ranges.map(selected).collect()
    }
}

/// Ascending, none twice, those in a row as one.
fn merge(slots: &mut Vec<Range<u32>>) {
    slots.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u32>> = Vec::with_capacity(slots.len());
    for range in slots.drain(..) {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    *slots = merged;
}

fn ranges(slots: Vec<u32>) -> Vec<Range<u32>> {
    let mut ranges: Vec<Range<u32>> = Vec::new();
    for slot in slots {
        match ranges.last_mut() {
            Some(last) if last.end == slot => last.end += 1,
            _ => ranges.push(slot..slot + 1),
        }
    }
    ranges
}
