//! One task of a run: what the DAG says of it, resolved once, and how far it has come.

use std::sync::Arc;

use model::document::{Expand, Source, TaskKind, TriggerRule};
use model::{Dag, MapIndex, NodeIdx};

use crate::Lengths;
use crate::instances::Instances;
use crate::retry::Attempt;
use crate::rule::{Upstream, Verdict};

/// One expanded argument.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Axis {
    /// Known when the run began.
    Length(u32),
    /// The list of an unmapped task, or the instances of a mapped one.
    Task(NodeIdx),
}

#[derive(Debug)]
pub(crate) struct Node {
    /// In the order of `expand`; none for an unmapped task.
    pub(crate) axes: Vec<Axis>,
    pub(crate) rule: TriggerRule,
    pub(crate) kind: TaskKind,
    /// Tries that the author grants.
    pub(crate) tries: u32,
    /// Other tasks are mapped over it.
    pub(crate) is_mapped_over: bool,
    /// Its value is part of the run's result.
    pub(crate) is_result: bool,
    pub(crate) upstream: Upstream,
    pub(crate) verdict: Verdict,
    /// Why the verdict is not to run.
    pub(crate) why: Option<Arc<str>>,
    /// Instances, once a mapped task is expanded.
    pub(crate) map_length: Option<u32>,
    /// Length of the list that an unmapped task returned.
    pub(crate) list_length: Option<u32>,
    pub(crate) instances: Instances,
}

impl Node {
    pub(crate) fn new(dag: &Dag, lengths: &Lengths, node: NodeIdx) -> Self {
        let task = dag.task(node);
        let graph = dag.node(node);
        let axes = match &task.expand {
            None => Vec::new(),
            Some(Expand::Product(arguments)) => arguments
                .iter()
                .zip(lengths.of(node))
                .map(|(argument, length)| match (length, &argument.source) {
                    (Some(length), _) => Axis::Length(*length),
                    (None, Source::Output(output)) => Axis::Task(
                        dag.find(output.task.as_str()).expect("a checked DAG's sources name tasks of the DAG"),
                    ),
                    (None, _) => unreachable!("lengths are unknown of tasks' outputs only"),
                })
                .collect(),
        };
        let over_it = |consumer: &NodeIdx| dag.node(*consumer).expands_over.iter().any(|(_, source)| *source == node);
        Self {
            axes,
            rule: task.trigger_rule,
            kind: task.kind,
            tries: task.retries.saturating_add(1),
            is_mapped_over: graph.downstream.iter().any(over_it),
            is_result: dag.result().contains(&node),
            upstream: Upstream { pending: graph.upstream.len() as u32, ..Upstream::default() },
            verdict: Verdict::Wait,
            why: None,
            map_length: None,
            list_length: None,
            instances: Instances::new(1),
        }
    }

    pub(crate) fn is_mapped(&self) -> bool {
        !self.axes.is_empty()
    }

    /// Its slots are positions, not the one row of an unmapped or unexpanded task.
    pub(crate) fn has_positions(&self) -> bool {
        self.map_length.is_some_and(|length| length > 0)
    }

    pub(crate) fn expand(&mut self, length: u32) {
        self.map_length = Some(length);
        if length > 0 {
            self.instances.expand(length, self.is_mapped_over);
        }
    }

    pub(crate) fn map_index(&self, slot: u32) -> MapIndex {
        if self.has_positions() { MapIndex::at(slot) } else { MapIndex::NONE }
    }

    pub(crate) fn slot(&self, map_index: MapIndex) -> Option<u32> {
        match (map_index.position(), self.has_positions()) {
            (Some(position), true) => (position < self.instances.length()).then_some(position),
            (None, false) => Some(0),
            _ => None,
        }
    }

    /// How far the instance has come with its tries.
    pub(crate) fn attempt(&self, slot: u32) -> Attempt {
        let known = if self.is_mapped() && !self.has_positions() { None } else { self.instances.attempt(slot) };
        known.unwrap_or_else(|| Attempt {
            try_number: u32::from(self.instances.state(slot) != model::TaskState::None),
            max_tries: self.tries,
            lost: 0,
            suspect: false,
        })
    }
}
