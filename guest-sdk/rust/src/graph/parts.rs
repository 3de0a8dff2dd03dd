//! From a finished graph to the parts of a document; or all problems.

use std::collections::BTreeMap;

use super::names::Names;
use super::{Graph, Group, Node, Task, What};
use crate::arg::{EachSlot, Slot};
use crate::document::{
    EachExpand, EdgeDocument, Entries, Expand, ExpandArg, GroupDocument, ParamDocument, Source, TaskDocument,
};
use crate::json_type::JsonType;
use crate::task::{Body, Signature, TaskDecl};

/// The parts of a document that come from the graph.
pub(crate) struct Parts {
    pub(crate) params: Entries<ParamDocument>,
    pub(crate) result: Vec<String>,
    pub(crate) tasks: Vec<TaskDocument>,
    pub(crate) groups: Vec<GroupDocument>,
    pub(crate) edges: Vec<EdgeDocument>,
}

impl Graph {
    /// Names the tasks and groups and writes everything in those names.
    pub(crate) fn into_parts(mut self) -> Result<Parts, Vec<String>> {
        let mut problems = std::mem::take(&mut self.problems);
        let names = Names::of(&self, &mut problems);
        self.check_bodies(&mut problems);
        let tasks: Vec<_> = std::mem::take(&mut self.tasks);
        for (task, node) in tasks.iter().zip(0..) {
            task.check(&names.task(Node(node)), &mut problems);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let groups = std::mem::take(&mut self.groups);
        let edges = self.edges.iter();
        Ok(Parts {
            params: std::mem::take(&mut self.params),
            result: self.result.iter().map(|node| names.task(*node)).collect(),
            tasks: tasks
                .into_iter()
                .zip(0..)
                .map(|(task, node)| task.into_document(Node(node), &self, &names))
                .collect(),
            groups: groups.into_iter().zip(0..).map(|(group, node)| group.into_document(node, &self, &names)).collect(),
            edges: edges
                .map(|edge| EdgeDocument {
                    from: names.member(edge.from),
                    to: names.member(edge.to),
                    label: edge.label,
                })
                .collect(),
        })
    }

    /// An entrypoint names one body.
    fn check_bodies(&self, problems: &mut Vec<String>) {
        let tasks = self.tasks.iter().filter_map(|task| match &task.what {
            What::Body(decl) => Some(*decl),
            What::Bodiless { .. } => None,
        });
        let mut bodies: BTreeMap<&str, &'static TaskDecl> = BTreeMap::new();
        for decl in tasks.chain(self.transforms.iter().copied()) {
            let known = bodies.entry(decl.entrypoint).or_insert(decl);
            if known.body.address() != decl.body.address() {
                problems.push(format!(
                    "two tasks have the entrypoint {:?}: give one of them `#[task(entrypoint = \"…\")]`",
                    decl.entrypoint
                ));
            }
        }
    }
}

impl Task {
    fn check(&self, task_id: &str, problems: &mut Vec<String>) {
        let What::Body(decl) = &self.what else { return };
        if let Body::Branch { arms, .. } = decl.body {
            for (position, arm) in arms.iter().enumerate() {
                if !self.arms.iter().any(|(of, _)| *of == position) {
                    problems.push(format!(
                        "branch {task_id:?} does not say what runs for `{arm}`: add `.when(…::{arm}, …)`, with `()` for nothing"
                    ));
                }
            }
        }
        let each = self.slots.iter().find_map(|(_, slot)| match slot {
            Slot::Each(each) => Some(each),
            _ => None,
        });
        if let Some(each) = each {
            self.check_each(task_id, each, (decl.signature)(), problems);
        }
    }

    /// Members of the objects are arguments, and everything that is needed is there.
    fn check_each(&self, task_id: &str, each: &EachSlot, signature: Signature, problems: &mut Vec<String>) {
        if self.slots.iter().any(|(_, slot)| matches!(slot, Slot::Product(_) | Slot::Zipped { .. })) {
            problems.push(format!("`each` gives all arguments of task {task_id:?}; expand over it alone"));
        }
        let JsonType::Object(members) = &each.item else { return };
        for member in members {
            match signature.args.iter().find(|(name, _)| *name == member.name) {
                None => problems.push(format!("task {task_id:?} has no argument `{}` for `each`", member.name)),
                Some((_, (ty, _))) if !member.ty.fits(ty) => problems.push(format!(
                    "argument `{}` of task {task_id:?} takes {ty}, and `each` gives {}",
                    member.name, member.ty
                )),
                Some(_) => {}
            }
        }
        for (name, slot) in &self.slots {
            let is_needed = signature.args.iter().any(|(arg, (_, optional))| arg == name && !optional);
            let is_given = members.iter().any(|member| member.name == *name);
            match slot {
                Slot::Each(_) | Slot::Open if is_needed && !is_given => {
                    problems.push(format!("task {task_id:?} needs argument `{name}`, and the objects of `each` have none"));
                }
                Slot::Fixed(_) if is_given && !each.overriding => problems.push(format!(
                    "argument `{name}` of task {task_id:?} is fixed, and `each` gives it too: say `each(…).overriding()`"
                )),
                _ => {}
            }
        }
    }

    fn into_document(self, node: Node, graph: &Graph, names: &Names) -> TaskDocument {
        let (args, expand) = arguments(self.slots, graph, names);
        let (decl, kind, form) = match self.what {
            What::Body(decl) => (Some(decl), decl.kind, Vec::new()),
            What::Bodiless { kind, form, .. } => (None, kind, form),
        };
        TaskDocument {
            task_id: names.task(node),
            entrypoint: decl.map(|decl| decl.entrypoint),
            kind,
            doc_md: decl.map_or("", |decl| decl.doc_md),
            group: self.group.map(|group| names.group(group)),
            args,
            expand,
            settings: self.settings,
            form,
            setups: self.setups.into_iter().map(|setup| names.task(setup)).collect(),
            signature: decl.map(|decl| (decl.signature)().into_document()),
        }
    }
}

impl Group {
    fn into_document(self, node: u32, graph: &Graph, names: &Names) -> GroupDocument {
        let (args, expand) = arguments(self.slots, graph, names);
        GroupDocument {
            group_id: names.group(super::GroupNode(node)),
            parent: self.parent.map(|parent| names.group(parent)),
            display_name: self.decl.display_name,
            doc_md: self.decl.doc_md,
            args,
            expand,
            max_map_length: self.max_map_length,
        }
    }
}

/// Those that are fixed, and how the others vary.
fn arguments(slots: Entries<Slot>, graph: &Graph, names: &Names) -> (Entries<Source>, Option<Expand>) {
    let mut args = Vec::new();
    let mut product = Vec::new();
    let mut zipped = Vec::new();
    let mut filled = None;
    let mut each = None;
    for (arg, slot) in slots {
        match slot {
            Slot::Fixed(source) => args.push((arg, source.to_document(graph, names))),
            Slot::Product(source) => product.push(ExpandArg { arg, source: source.to_document(graph, names) }),
            Slot::Zipped { source, fill } => {
                zipped.push(ExpandArg { arg, source: source.to_document(graph, names) });
                filled = fill;
            }
            Slot::Each(slot) => {
                each = Some(EachExpand { source: slot.source.to_document(graph, names), overriding: slot.overriding });
            }
            Slot::Open => {}
        }
    }
    let expand = match each {
        Some(each) => Some(Expand::Each(each)),
        None if !zipped.is_empty() => Some(Expand::Zip { args: zipped, fill: filled }),
        None if !product.is_empty() => Some(Expand::Product(product)),
        None => None,
    };
    (args, expand)
}
