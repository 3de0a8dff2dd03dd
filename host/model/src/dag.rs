//! A legal DAG. [`Dag::check`] is the only way to make one, so whoever holds one need not check again: ids are unique, every
//! reference resolves, there is no cycle, types agree along edges, sizes are within limits.
//!
//! A *scope* is a level of mapping: the run itself, a mapped group, a mapped task. Each has *contexts*: the run has one, a mapped group
//! has one for each of its items in each context of the scope around it. A task is decided once in each context of the scope that it is
//! *within*; its instances are the contexts of its own scope, which is another one only where the task itself is mapped.

use indexmap::IndexMap;

use crate::document::{DagDocument, Expand, GroupDocument, TaskDocument};
use crate::id::{Key, MemberId, NodeIdx, ScopeIdx, TaskId};

/// A checked DAG.
#[derive(Debug, Clone)]
pub struct Dag {
    pub(crate) document: DagDocument,
    pub(crate) nodes: Vec<Node>,
    pub(crate) by_task_id: IndexMap<TaskId, NodeIdx>,
    /// By task: its position among the document's groups.
    pub(crate) group_of: Vec<Option<usize>>,
    pub(crate) group_parents: Vec<Option<usize>>,
    /// Those around others come first.
    pub(crate) scopes: Vec<Scope>,
    /// Topological order.
    pub(crate) order: Vec<NodeIdx>,
    pub(crate) result: Vec<NodeIdx>,
}

/// What the graph says about a task, resolved.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Direct upstream tasks, each once, ascending: from edges, groups, `args` and `expand`; for a teardown everything between its
    /// setups and itself too.
    pub upstream: Vec<NodeIdx>,
    /// Direct downstream tasks, each once, ascending.
    pub downstream: Vec<NodeIdx>,
    /// The upstream tasks whose lists the task expands over, by the argument that they fill; `each` names none. Empty where every
    /// expanded argument is known when the run begins, and for an unmapped task.
    pub expands_over: Vec<(Option<Key>, NodeIdx)>,
    /// In each context of which it is decided once.
    pub within: ScopeIdx,
    /// Whose contexts its instances are: `within`, or a scope in it where the task is mapped.
    pub scope: ScopeIdx,
    /// The setups that it needs, direct or not; of a teardown those that it undoes.
    pub setups: Vec<NodeIdx>,
    /// The branches, short circuits and others upstream that may skip it.
    pub gates: Vec<NodeIdx>,
    /// Its failure fails the run.
    pub is_leaf: bool,
    /// By which instances of one depth are ordered, the highest first.
    pub priority_weight: i64,
    /// Something is mapped over the list that one instance returns, so that the end of one tells how long it is.
    pub gives_list: bool,
    /// Something is mapped over lists inside that list, so that the end of an instance tells how long each is.
    pub gives_list_of_lists: bool,
    /// Something is mapped over the values of all its instances.
    pub gives_items: bool,
}

/// A level of mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The level around it; the run has none.
    pub parent: Option<ScopeIdx>,
    pub of: ScopeOf,
    /// 0 for the run.
    pub depth: u32,
    /// Tasks whose instances are its contexts.
    pub nodes: Vec<NodeIdx>,
    /// The levels directly in it.
    pub children: Vec<ScopeIdx>,
}

/// What a scope is the scope of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeOf {
    Run,
    /// By its position in the document.
    Group(usize),
    Task(NodeIdx),
}

impl Default for ScopeIdx {
    fn default() -> Self {
        Self::RUN
    }
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

    /// A level of mapping.
    pub fn scope(&self, scope: ScopeIdx) -> &Scope {
        &self.scopes[scope.0 as usize]
    }

    /// All levels of mapping, those around others first.
    pub fn scopes(&self) -> impl Iterator<Item = (ScopeIdx, &Scope)> {
        self.scopes.iter().enumerate().map(|(i, scope)| (ScopeIdx(i as u32), scope))
    }

    /// The innermost level that both are in.
    pub fn common_scope(&self, a: ScopeIdx, b: ScopeIdx) -> ScopeIdx {
        common_scope(&self.scopes, a, b)
    }

    /// How a scope is mapped; the run is not.
    pub fn expand_of(&self, scope: ScopeIdx) -> Option<&Expand> {
        match self.scope(scope).of {
            ScopeOf::Run => None,
            ScopeOf::Group(group) => self.document.groups[group].expand.as_ref(),
            ScopeOf::Task(node) => self.task(node).expand.as_ref(),
        }
    }

    /// Most items that a scope may have, where its author says so.
    pub fn max_map_length_of(&self, scope: ScopeIdx) -> Option<u32> {
        match self.scope(scope).of {
            ScopeOf::Run => None,
            ScopeOf::Group(group) => self.document.groups[group].max_map_length,
            ScopeOf::Task(node) => self.task(node).max_map_length,
        }
    }

    /// The groups around a task, from the inside.
    pub fn groups_around(&self, node: NodeIdx) -> impl Iterator<Item = &GroupDocument> {
        let group = self.group_of[node.0 as usize];
        std::iter::successors(group, |group| self.group_parents[*group]).map(|group| &self.document.groups[group])
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

    /// By task: whether it is one of these, or stands downstream of one.
    pub fn reached_from(&self, nodes: impl IntoIterator<Item = NodeIdx>) -> Vec<bool> {
        self.closure(nodes, |node| &node.downstream)
    }

    /// By task: whether it is one of these, or stands upstream of one.
    pub fn leading_to(&self, nodes: impl IntoIterator<Item = NodeIdx>) -> Vec<bool> {
        self.closure(nodes, |node| &node.upstream)
    }

    fn closure(&self, nodes: impl IntoIterator<Item = NodeIdx>, next: impl Fn(&Node) -> &[NodeIdx]) -> Vec<bool> {
        let mut seen = vec![false; self.nodes.len()];
        let mut open: Vec<_> = nodes.into_iter().collect();
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut seen[at.0 as usize], true) {
                open.extend(next(self.node(at)));
            }
        }
        seen
    }

    /// The tasks that a branch's choice skips, ascending: those directly downstream that it did not choose, unless they are also
    /// downstream of a chosen one. An id that is not directly downstream is given back.
    pub fn skipped_by<'a>(&self, branch: NodeIdx, chosen: &'a [MemberId]) -> Result<Vec<NodeIdx>, &'a MemberId> {
        let downstream = &self.node(branch).downstream;
        let mut nodes = Vec::new();
        for id in chosen {
            let before = nodes.len();
            let is_of = |node: &NodeIdx| {
                self.task(*node).task_id.as_str() == id.as_str()
                    || self.groups_around(*node).any(|group| group.group_id.as_str() == id.as_str())
            };
            nodes.extend(downstream.iter().copied().filter(is_of));
            if nodes.len() == before {
                return Err(id);
            }
        }
        let kept = self.reached_from(nodes);
        let is_skipped = |node: &NodeIdx| !kept[node.0 as usize] && self.node(*node).gates.contains(&branch);
        Ok(downstream.iter().copied().filter(is_skipped).collect())
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

pub(crate) fn common_scope(scopes: &[Scope], mut a: ScopeIdx, mut b: ScopeIdx) -> ScopeIdx {
    let depth = |scope: ScopeIdx| scopes[scope.0 as usize].depth;
    let parent = |scope: ScopeIdx| scopes[scope.0 as usize].parent.unwrap_or(ScopeIdx::RUN);
    while a != b {
        if depth(a) >= depth(b) {
            a = parent(a);
        } else {
            b = parent(b);
        }
    }
    a
}
