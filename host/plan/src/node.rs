//! One task of a run: what the DAG says of it, resolved once, and how far it has come.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::document::{TaskKind, TriggerRule};
use model::{Dag, MapIndex, NodeIdx, ScopeIdx, TaskState};

use crate::instances::Instances;
use crate::retry::Attempt;
use crate::rule::{Counts, Verdict};

/// Counts of upstream instances, for each context of the innermost scope that these upstream tasks and the task are both in. 24 bytes
/// for each such context.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) at: ScopeIdx,
    /// Upstream tasks that it counts.
    pub(crate) tasks: u32,
    pub(crate) counts: Vec<Counts>,
}

/// What a branch or short circuit said, for each context of the innermost scope that both are in.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) decider: NodeIdx,
    pub(crate) at: ScopeIdx,
    pub(crate) said: Vec<Said>,
}

/// What the instances of a branch or short circuit said. One that did not succeed says nothing, so that the rule decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) pending: u32,
    pub(crate) open: u32,
    pub(crate) shut: u32,
}

impl Said {
    /// The task is skipped, whatever its rule says.
    pub(crate) fn is_shut(self) -> bool {
        self.pending == 0 && self.open == 0 && self.shut > 0
    }
}

/// Where an end is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counter {
    Input(usize),
    Setup(usize),
    Gate(usize),
}

/// A task that counts the ends of another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) to: NodeIdx,
    pub(crate) counter: Counter,
    pub(crate) at: ScopeIdx,
}

/// A level that is mapped over a task.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feed {
    pub(crate) scope: ScopeIdx,
    /// The innermost scope that both are in.
    pub(crate) at: ScopeIdx,
    /// Over the values of all its instances, not over the list of one.
    pub(crate) is_of_instances: bool,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) rule: TriggerRule,
    pub(crate) kind: TaskKind,
    pub(crate) within: ScopeIdx,
    pub(crate) scope: ScopeIdx,
    /// Tries that the author grants.
    pub(crate) tries: u32,
    /// Its value is part of the run's result.
    pub(crate) is_result: bool,
    pub(crate) queued_timeout_ms: Option<u64>,
    pub(crate) inputs: Vec<Input>,
    /// The setups that it needs; of a teardown those that it undoes.
    pub(crate) setups: Vec<Input>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) links: Vec<Link>,
    pub(crate) feeds: Vec<Feed>,
    /// By context of `within`. One byte each.
    pub(crate) verdicts: Vec<Verdict>,
    /// Why verdicts are not to run.
    pub(crate) whys: BTreeMap<u32, Arc<str>>,
    /// The run before lets it run.
    pub(crate) is_past_met: bool,
    /// Some instances wait for the items that they are mapped over.
    pub(crate) awaits_items: bool,
    /// Some upstream instance is no longer part of the run.
    pub(crate) sees_removed: bool,
    /// All its instances, and what is still to be expanded to some.
    pub(crate) total: Counts,
    /// Its rows have positions; else there is one row without.
    pub(crate) has_positions: bool,
    /// The state of the row without a position, while there are no instances.
    pub(crate) summary: Option<TaskState>,
    pub(crate) instances: Instances,
}

impl Node {
    pub(crate) fn new(dag: &Dag, idx: NodeIdx) -> Self {
        let (task, graph) = (dag.task(idx), dag.node(idx));
        let inputs = |upstream: &[NodeIdx]| {
            let mut inputs: Vec<Input> = Vec::new();
            for upstream in upstream {
                let at = dag.common_scope(dag.node(*upstream).scope, graph.within);
                match inputs.iter_mut().find(|input| input.at == at) {
                    Some(input) => input.tasks += 1,
                    None => inputs.push(Input { at, tasks: 1, counts: Vec::new() }),
                }
            }
            inputs
        };
        let gate = |decider: &NodeIdx| {
            let at = dag.common_scope(dag.node(*decider).scope, graph.within);
            Gate { decider: *decider, at, said: Vec::new() }
        };
        Self {
            rule: task.rule(),
            kind: task.kind,
            within: graph.within,
            scope: graph.scope,
            tries: task.retries.saturating_add(1),
            is_result: dag.result().contains(&idx),
            queued_timeout_ms: task.queued_timeout_ms,
            inputs: inputs(&graph.upstream),
            setups: inputs(&graph.setups),
            gates: graph.gates.iter().map(gate).collect(),
            links: Vec::new(),
            feeds: Vec::new(),
            verdicts: Vec::new(),
            whys: BTreeMap::new(),
            is_past_met: true,
            awaits_items: false,
            sees_removed: false,
            total: Counts::pending(1),
            has_positions: false,
            summary: None,
            instances: Instances::new(graph.gives_items, graph.gives_list),
        }
    }

    /// The task itself is mapped.
    pub(crate) fn is_mapped(&self) -> bool {
        self.scope != self.within
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.total.pending == 0
    }

    pub(crate) fn map_index(&self, slot: u32) -> MapIndex {
        if self.has_positions { MapIndex::at(slot) } else { MapIndex::NONE }
    }

    pub(crate) fn slot(&self, map_index: MapIndex) -> Option<u32> {
        let slot = match (map_index.position(), self.has_positions) {
            (Some(position), true) => position,
            (None, false) => 0,
            _ => return None,
        };
        (slot < self.instances.length()).then_some(slot)
    }

    /// The try that an instance which has ended so has had as a rule.
    pub(crate) fn usual_try(&self, state: TaskState) -> u32 {
        u32::from(self.kind.has_body() && matches!(state, TaskState::Success | TaskState::Failed))
    }

    /// The number of the last try.
    pub(crate) fn tried(&self, slot: u32) -> u32 {
        let state = self.instances.state(slot);
        if state.is_ended() {
            self.instances.tried(slot).unwrap_or_else(|| self.usual_try(state))
        } else {
            self.attempt(slot).try_number
        }
    }

    /// How far the instance has come with its tries.
    pub(crate) fn attempt(&self, slot: u32) -> Attempt {
        let is_summary = self.scope != ScopeIdx::RUN && !self.has_positions;
        let known = if is_summary { None } else { self.instances.attempt(slot) };
        known.unwrap_or_else(|| Attempt::new(u32::from(self.instances.state(slot) != TaskState::None), self.tries))
    }
}

/// Who counts whose ends, and what is mapped over what, found once for the whole DAG.
pub(crate) fn link(dag: &Dag, nodes: &mut [Node], lengths: &crate::Lengths) {
    for to in dag.indices() {
        let graph = dag.node(to);
        let node = &nodes[to.0 as usize];
        let mut links = Vec::new();
        for (upstream, of_setups) in
            graph.upstream.iter().map(|it| (it, false)).chain(graph.setups.iter().map(|it| (it, true)))
        {
            let at = dag.common_scope(dag.node(*upstream).scope, graph.within);
            let inputs = if of_setups { &node.setups } else { &node.inputs };
            let Some(position) = inputs.iter().position(|input| input.at == at) else { continue };
            let counter = if of_setups { Counter::Setup(position) } else { Counter::Input(position) };
            links.push((*upstream, Link { to, counter, at }));
        }
        for (position, gate) in node.gates.iter().enumerate() {
            links.push((gate.decider, Link { to, counter: Counter::Gate(position), at: gate.at }));
        }
        for (from, link) in links {
            nodes[from.0 as usize].links.push(link);
        }
    }
    for (scope, at) in dag.scopes() {
        let around = at.parent.unwrap_or(ScopeIdx::RUN);
        for axis in &lengths.of(scope).axes {
            axis.each_task(&mut |task| {
                let at = dag.common_scope(dag.node(task).scope, around);
                let is_of_instances = at != dag.node(task).scope;
                nodes[task.0 as usize].feeds.push(Feed { scope, at, is_of_instances });
            });
        }
    }
}
