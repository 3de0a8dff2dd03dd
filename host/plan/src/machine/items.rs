//! How long what is mapped over is, and which of its items are there.

use std::ops::Range;
use std::sync::Arc;

use model::{NodeIdx, ScopeIdx, TaskState};

use super::RunMachine;
use super::expansion::Expansion;
use crate::expand::{Axis, How};
use crate::node::Feed;
use crate::rule::Verdict;

/// Whether there is something to run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    There,
    /// Its instance has not ended.
    Pending,
    /// Its instance left no value.
    Missing,
}

/// What is known of an axis's length.
pub(super) enum AxisLength {
    Wait,
    Length(u32),
    Never(Verdict, Arc<str>),
}

impl RunMachine {
    /// The length of an axis of something that is mapped in one context of `around`.
    pub(super) fn axis_length(&self, axis: &Axis, around: ScopeIdx, context: u32) -> AxisLength {
        match axis {
            Axis::Known { length, .. } => AxisLength::Length(*length),
            Axis::List(source) => self.list_length(*source, around, context),
            Axis::Instances(source) => self.instances_length(*source, around, context),
            Axis::Item { scope, axis } => self.item_length(*scope, *axis, around, context),
            Axis::Concat(parts) => {
                self.combine(parts, around, context, |lengths| lengths.iter().fold(0, |sum, it| it.saturating_add(sum)))
            }
            Axis::Zip { parts, is_longest } => self.combine(parts, around, context, |lengths| {
                let lengths = lengths.iter().copied();
                if *is_longest { lengths.max() } else { lengths.min() }.unwrap_or(0)
            }),
            Axis::Unknown => {
                let why = "no-list: what this is mapped over is known only when an instance runs";
                AxisLength::Never(Verdict::Fail, why.into())
            }
        }
    }

    /// A source that failed decides at once; everything else waits for all of them, so that the answer does not depend on the order
    /// in which they end.
    fn combine(&self, parts: &[Axis], around: ScopeIdx, context: u32, how: impl Fn(&[u32]) -> u32) -> AxisLength {
        match self.all_lengths(parts, around, context) {
            Ok(lengths) => AxisLength::Length(how(&lengths)),
            Err(Expansion::Never(verdict, why)) => AxisLength::Never(verdict, why),
            Err(_) => AxisLength::Wait,
        }
    }

    pub(super) fn all_lengths(&self, axes: &[Axis], around: ScopeIdx, context: u32) -> Result<Vec<u32>, Expansion> {
        let mut lengths = Vec::with_capacity(axes.len());
        let (mut waits, mut skipped, mut failed) = (false, None, None);
        for axis in axes {
            match self.axis_length(axis, around, context) {
                AxisLength::Length(length) => lengths.push(length),
                AxisLength::Wait => waits = true,
                AxisLength::Never(Verdict::UpstreamFail, why) => {
                    return Err(Expansion::Never(Verdict::UpstreamFail, why));
                }
                AxisLength::Never(Verdict::Skip, why) => skipped = skipped.or(Some(why)),
                AxisLength::Never(_, why) => failed = failed.or(Some(why)),
            }
        }
        match (waits, skipped, failed) {
            (true, ..) => Err(Expansion::Wait),
            (false, Some(why), _) => Err(Expansion::Never(Verdict::Skip, why)),
            (false, None, Some(why)) => Err(Expansion::Never(Verdict::Fail, why)),
            (false, None, None) => Ok(lengths),
        }
    }

    /// The list of the one instance that is around whatever is mapped.
    fn list_length(&self, source: NodeIdx, around: ScopeIdx, context: u32) -> AxisLength {
        let node = self.node(source);
        let slot = self.tree.around(around, context, node.scope);
        match node.instances.state(slot) {
            state @ (TaskState::Failed | TaskState::UpstreamFailed) => {
                AxisLength::Never(Verdict::UpstreamFail, self.no_list(source, state))
            }
            state @ (TaskState::Skipped | TaskState::Removed) => {
                AxisLength::Never(Verdict::Skip, self.no_list(source, state))
            }
            TaskState::Success => node.instances.list_length(slot).map_or_else(
                || {
                    let task = self.dag.task(source).task_id.as_str();
                    let why = format!(
                        "no-list: task {task:?}, which this one is mapped over, returned no list and no object"
                    );
                    AxisLength::Never(Verdict::Fail, why.into())
                },
                AxisLength::Length,
            ),
            _ => AxisLength::Wait,
        }
    }

    pub(super) fn awaits_list_of(&self, axis: &Axis, around: ScopeIdx, context: u32) -> bool {
        match axis {
            Axis::List(source) => {
                let slot = self.tree.around(around, context, self.node(*source).scope);
                !self.node(*source).instances.state(slot).is_ended()
            }
            Axis::Concat(parts) | Axis::Zip { parts, .. } => {
                parts.iter().any(|part| self.awaits_list_of(part, around, context))
            }
            Axis::Known { .. } | Axis::Instances(_) | Axis::Item { .. } | Axis::Unknown => false,
        }
    }

    /// All instances of a task in the innermost context that it and whatever is mapped are both in.
    fn instances_length(&self, source: NodeIdx, around: ScopeIdx, context: u32) -> AxisLength {
        let node = self.node(source);
        let at = self.dag.common_scope(node.scope, around);
        let context = self.tree.around(around, context, at);
        if !self.tree.is_expanded(at, context, node.scope) {
            return AxisLength::Wait;
        }
        // A task that could not be expanded left no list either.
        match self.dead_source(source, at, context) {
            Some(super::Fate::Never(Verdict::Skip, _)) => {
                return AxisLength::Never(Verdict::Skip, self.no_list(source, TaskState::Skipped));
            }
            Some(super::Fate::Never(verdict, _)) => {
                let is_failed = verdict == Verdict::Fail;
                let state = if is_failed { TaskState::Failed } else { TaskState::UpstreamFailed };
                return AxisLength::Never(Verdict::UpstreamFail, self.no_list(source, state));
            }
            Some(super::Fate::Unknown) => return AxisLength::Wait,
            Some(super::Fate::Empty) | None => {}
        }
        let items = self.tree.items(at, context, node.scope);
        AxisLength::Length(items.iter().map(|range| range.end - range.start).fold(0, u32::saturating_add))
    }

    /// The one placeholder of a source that could not be expanded at all.
    fn dead_source(&self, source: NodeIdx, at: ScopeIdx, context: u32) -> Option<super::Fate> {
        let scope = self.node(source).scope;
        let inside = self.tree.inside(at, context, scope);
        let [only] = inside.as_slice() else { return None };
        if only.end - only.start != 1 || self.tree.of(scope).position(only.start).is_some() {
            return None;
        }
        self.fate_of(scope, only.start)
    }

    /// An item of a group, for what is mapped over it inside the group.
    fn item_length(&self, scope: ScopeIdx, axis: usize, around: ScopeIdx, context: u32) -> AxisLength {
        let of_group = self.tree.around(around, context, scope);
        let parent = self.tree.of(scope).parent(of_group);
        let no_item = || {
            let why = "no-item: what this instance is mapped over left no value";
            AxisLength::Never(Verdict::Skip, why.into())
        };
        let Some(position) = self.tree.of(scope).position(of_group) else { return no_item() };
        match self.item(scope, of_group) {
            Item::There => {}
            Item::Pending => return AxisLength::Wait,
            Item::Missing => return no_item(),
        }
        let around = self.tree.parent(scope);
        let mapping = self.lengths.of(scope);
        let at = self.coordinates(scope, parent, position);
        let length = mapping.axes.get(axis).and_then(|it| self.length_of_item(it, around, parent, *at.get(axis)?));
        length.map_or_else(
            || {
                let why = format!("no-list: item {position}, which this one is mapped over, is no list and no object");
                AxisLength::Never(Verdict::Fail, why.into())
            },
            AxisLength::Length,
        )
    }

    fn length_of_item(&self, axis: &Axis, around: ScopeIdx, context: u32, item: u32) -> Option<u32> {
        match axis {
            Axis::Known { items, .. } => items.as_ref()?.get(item as usize).copied().flatten(),
            Axis::List(source) => {
                let slot = self.tree.around(around, context, self.node(*source).scope);
                self.node(*source).instances.item_length(slot, item)
            }
            Axis::Instances(source) => {
                let slot = self.instance_at(*source, around, context, item)?;
                self.node(*source).instances.list_length(slot)
            }
            Axis::Concat(parts) => {
                let (part, item) = self.part_of(parts, around, context, item)?;
                self.length_of_item(part, around, context, item)
            }
            Axis::Zip { parts, .. } => u32::try_from(parts.len()).ok(),
            Axis::Item { .. } | Axis::Unknown => None,
        }
    }

    /// Whether each of the instances that a context is mapped over left a value; those around it count too.
    pub(super) fn item(&self, mut scope: ScopeIdx, mut context: u32) -> Item {
        let mut found = Item::There;
        while self.levels[scope.0 as usize].has_holes {
            match self.item_of_level(scope, context) {
                Item::Missing => return Item::Missing,
                Item::Pending => found = Item::Pending,
                Item::There => {}
            }
            context = self.tree.of(scope).parent(context);
            scope = self.tree.parent(scope);
        }
        found
    }

    fn item_of_level(&self, scope: ScopeIdx, context: u32) -> Item {
        let mapping = self.lengths.of(scope);
        let Some(position) = self.tree.of(scope).position(context) else { return Item::There };
        if !mapping.may_have_holes() {
            return Item::There;
        }
        let parent = self.tree.of(scope).parent(context);
        let around = self.tree.parent(scope);
        let at = self.coordinates(scope, parent, position);
        let items = mapping.axes.iter().zip(at).map(|(axis, item)| self.item_of_axis(axis, around, parent, item));
        all(items)
    }

    fn item_of_axis(&self, axis: &Axis, around: ScopeIdx, context: u32, item: u32) -> Item {
        match axis {
            Axis::Known { .. } | Axis::List(_) | Axis::Item { .. } | Axis::Unknown => Item::There,
            Axis::Instances(source) => {
                // Past the end of the shorter ones stands the fill.
                let Some(slot) = self.instance_at(*source, around, context, item) else { return Item::There };
                let instances = &self.node(*source).instances;
                match instances.state(slot) {
                    state if !state.is_ended() => Item::Pending,
                    _ if instances.has_value(slot) => Item::There,
                    _ => Item::Missing,
                }
            }
            Axis::Concat(parts) => match self.part_of(parts, around, context, item) {
                Some((part, item)) => self.item_of_axis(part, around, context, item),
                None => Item::There,
            },
            Axis::Zip { parts, .. } => all(parts.iter().map(|part| self.item_of_axis(part, around, context, item))),
        }
    }

    /// The part of a concatenation that an item stands in, and its position there.
    fn part_of<'a>(&self, parts: &'a [Axis], around: ScopeIdx, context: u32, mut item: u32) -> Option<(&'a Axis, u32)> {
        for part in parts {
            let AxisLength::Length(length) = self.axis_length(part, around, context) else { return None };
            if item < length {
                return Some((part, item));
            }
            item -= length;
        }
        None
    }

    /// The instance of a task that gives an item.
    fn instance_at(&self, source: NodeIdx, around: ScopeIdx, context: u32, mut item: u32) -> Option<u32> {
        let scope = self.node(source).scope;
        let at = self.dag.common_scope(scope, around);
        let context = self.tree.around(around, context, at);
        if self.tree.parent(scope) == at {
            return self.tree.of(scope).at(context, item);
        }
        for range in self.tree.items(at, context, scope) {
            let length = range.end - range.start;
            if item < length {
                return Some(range.start + item);
            }
            item -= length;
        }
        None
    }

    /// The position in each axis: row-major, the last one fastest; the same in all where they vary together.
    fn coordinates(&self, scope: ScopeIdx, parent: u32, position: u32) -> Vec<u32> {
        let mapping = self.lengths.of(scope);
        if mapping.how != How::Product || mapping.axes.len() == 1 {
            return vec![position; mapping.axes.len()];
        }
        let around = self.tree.parent(scope);
        let mut rest = position;
        let mut at = vec![0; mapping.axes.len()];
        for (axis, at) in mapping.axes.iter().zip(&mut at).rev() {
            let length = match self.axis_length(axis, around, parent) {
                AxisLength::Length(length) => length.max(1),
                AxisLength::Wait | AxisLength::Never(..) => 1,
            };
            *at = rest % length;
            rest /= length;
        }
        at
    }

    /// The contexts that may have got an item by the end of an instance: one where they are mapped over nothing else.
    pub(super) fn contexts_over(&self, source: NodeIdx, slot: u32, feed: Feed, context: u32) -> Vec<Range<u32>> {
        let scope = self.node(source).scope;
        let is_only = self.lengths.of(feed.scope).axes == [Axis::Instances(source)];
        let is_direct = self.tree.parent(scope) == feed.at && self.tree.parent(feed.scope) == feed.at;
        if is_only && is_direct {
            let position = self.tree.of(scope).position(slot);
            let found = position.and_then(|position| self.tree.of(feed.scope).at(context, position));
            return found.map(|context| context..context + 1).into_iter().collect();
        }
        // Who is mapped over several lists looks at all of its items once the last instance of one of them has ended.
        if self.node(source).total.pending > 0 {
            return Vec::new();
        }
        self.tree.inside(ScopeIdx::RUN, 0, feed.scope)
    }

    fn no_list(&self, source: NodeIdx, state: TaskState) -> Arc<str> {
        let source = self.dag.task(source).task_id.as_str();
        format!("no-list: task {source:?}, which this one is mapped over, is {state}").into()
    }
}

fn all(items: impl Iterator<Item = Item>) -> Item {
    items.fold(Item::There, |found, item| match (found, item) {
        (Item::Missing, _) | (_, Item::Missing) => Item::Missing,
        (Item::Pending, _) | (_, Item::Pending) => Item::Pending,
        (Item::There, Item::There) => Item::There,
    })
}
