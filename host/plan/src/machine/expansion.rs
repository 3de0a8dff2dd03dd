//! When a mapped task can be expanded, to how many instances, and which of them have an item.

use std::sync::Arc;

use model::{NodeIdx, TaskState};

use super::RunMachine;
use crate::node::Axis;
use crate::rule::Verdict;

/// What is known of a mapped task's length.
pub(super) enum Expansion {
    /// Some source has not ended.
    Wait,
    Length(u32),
    /// There will be no instances, and why.
    Never(Verdict, Arc<str>),
}

impl RunMachine {
    /// Looks at all sources of a mapped task. A source that failed decides at once; everything else waits for all of them, so
    /// that the answer does not depend on the order in which they end.
    pub(super) fn expansion(&self, idx: NodeIdx) -> Expansion {
        let mut lengths = Vec::new();
        let mut waits = false;
        let mut skipped = None;
        let mut without_list = None;
        for axis in &self.node(idx).axes {
            let source = match axis {
                Axis::Length(length) => {
                    lengths.push(*length);
                    continue;
                }
                Axis::Task(source) => *source,
            };
            let node = self.node(source);
            if let Some(length) = node.map_length {
                lengths.push(length);
                continue;
            }
            match node.instances.state(0) {
                state @ (TaskState::Failed | TaskState::UpstreamFailed) => {
                    return Expansion::Never(Verdict::UpstreamFail, self.no_list(source, state));
                }
                state @ (TaskState::Skipped | TaskState::Removed) => skipped = Some(self.no_list(source, state)),
                TaskState::Success => match node.list_length {
                    Some(length) => lengths.push(length),
                    None => without_list = Some(source),
                },
                _ => waits = true,
            }
        }
        if waits {
            Expansion::Wait
        } else if let Some(why) = skipped {
            Expansion::Never(Verdict::Skip, why)
        } else if let Some(source) = without_list {
            let source = self.dag.task(source).task_id.as_str();
            let why =
                format!("no-list: task {source:?}, which this one is mapped over, returned no list and no object");
            Expansion::Never(Verdict::Fail, why.into())
        } else {
            self.product(idx, &lengths)
        }
    }

    fn no_list(&self, source: NodeIdx, state: TaskState) -> Arc<str> {
        let source = self.dag.task(source).task_id.as_str();
        format!("no-list: task {source:?}, which this one is mapped over, is {state}").into()
    }

    /// The number of instances, compared with the limits before any is made.
    fn product(&self, idx: NodeIdx, lengths: &[u32]) -> Expansion {
        if lengths.contains(&0) {
            return Expansion::Length(0);
        }
        let task_max = self.dag.task(idx).max_map_length.unwrap_or(self.limits.map_length);
        let task_max = task_max.min(self.limits.map_length_ceiling).min(i32::MAX.cast_unsigned());
        let length = lengths.iter().try_fold(1_u64, |product, length| product.checked_mul(u64::from(*length)));
        let too_large = |what: &str, number: String, max: u64| {
            let why = format!("map-too-large: {what} would have {number} instances; at most {max} are allowed");
            Expansion::Never(Verdict::Fail, why.into())
        };
        let Some(length) = length else {
            return too_large("the task", format!("more than {}", u64::MAX), task_max.into());
        };
        let total = length.saturating_add(self.instances - 1);
        match u32::try_from(length) {
            Ok(length) if length <= task_max && total <= self.limits.instances => Expansion::Length(length),
            Ok(length) if length <= task_max => too_large("the run", total.to_string(), self.limits.instances),
            _ => too_large("the task", length.to_string(), task_max.into()),
        }
    }

    /// Whether each of the instances that `slot` is mapped over left a value. Positions are row-major, the last argument fastest.
    pub(super) fn has_items(&self, idx: NodeIdx, slot: u32) -> bool {
        let mut rest = slot;
        self.node(idx).axes.iter().rev().all(|axis| {
            let (length, mapped) = match axis {
                Axis::Length(length) => (*length, None),
                Axis::Task(source) => {
                    let node = self.node(*source);
                    match node.map_length {
                        Some(length) => (length, Some(node)),
                        None => (node.list_length.unwrap_or(0), None),
                    }
                }
            };
            let position = rest % length.max(1);
            rest /= length.max(1);
            mapped.is_none_or(|node| node.instances.has_item(position))
        })
    }
}
