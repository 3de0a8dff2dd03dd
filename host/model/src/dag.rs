//! A legal DAG. [`Dag::check`] is the only way to make one, so whoever holds one need not check again: ids are unique, every
//! reference resolves, there is no cycle, types agree along edges, sizes are within limits.

use indexmap::IndexMap;

use crate::document::{DagDocument, TaskDocument};
use crate::id::{Key, NodeIdx, TaskId};

/// A checked DAG.
#[derive(Debug, Clone)]
pub struct Dag {
    pub(crate) document: DagDocument,
    pub(crate) nodes: Vec<Node>,
    pub(crate) by_task_id: IndexMap<TaskId, NodeIdx>,
    /// Topological order.
    pub(crate) order: Vec<NodeIdx>,
    pub(crate) result: Vec<NodeIdx>,
}

/// What the graph says about a task, resolved.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Direct upstream tasks, each once, ascending: from edges, `args` and `expand`.
    pub upstream: Vec<NodeIdx>,
    /// Direct downstream tasks, each once, ascending.
    pub downstream: Vec<NodeIdx>,
    /// The upstream tasks whose lists the task expands over, by the argument that they fill. Empty where every
    /// expanded argument is known when the run begins, and for an unmapped task.
    pub expands_over: Vec<(Key, NodeIdx)>,
}

impl Dag {
    /// The document it was made of.
    pub fn document(&self) -> &DagDocument {
        &self.document
    }

    /// How many tasks there are; their indices are `0..len`, in the order of the document.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// True for a DAG without tasks, which [`Dag::check`] refuses.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All indices, in the order of the document.
    pub fn indices(&self) -> impl Iterator<Item = NodeIdx> + use<> {
        (0..self.nodes.len() as u32).map(NodeIdx)
    }

    /// What the document says about a task.
    pub fn task(&self, node: NodeIdx) -> &TaskDocument {
        &self.document.tasks[node.0 as usize]
    }

    /// What the graph says about a task.
    pub fn node(&self, node: NodeIdx) -> &Node {
        &self.nodes[node.0 as usize]
    }

    /// The index of a task.
    pub fn find(&self, task_id: &str) -> Option<NodeIdx> {
        self.by_task_id.get(task_id).copied()
    }

    /// Whether a task stands anywhere upstream of another.
    pub fn is_upstream(&self, node: NodeIdx, of: NodeIdx) -> bool {
        let mut seen = vec![false; self.nodes.len()];
        let mut open = vec![of];
        while let Some(at) = open.pop() {
            for upstream in &self.node(at).upstream {
                if *upstream == node {
                    return true;
                }
                if !std::mem::replace(&mut seen[upstream.0 as usize], true) {
                    open.push(*upstream);
                }
            }
        }
        false
    }

    /// All indices, upstream first.
    pub fn topological_order(&self) -> &[NodeIdx] {
        &self.order
    }

    /// The tasks whose values are the run's result.
    pub fn result(&self) -> &[NodeIdx] {
        &self.result
    }
}
