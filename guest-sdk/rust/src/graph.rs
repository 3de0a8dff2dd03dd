//! The DAG that is being built, and the search for a body in it.
//!
//! The function under `#[dag]` runs in one of two modes, and the task functions that it calls come here. *Building* collects
//! tasks, arguments and edges into a document. *Finding* looks for the body behind an entrypoint before each attempt: it goes
//! through the same function but makes nothing, so that a DAG of a thousand tasks costs an attempt microseconds. There is no
//! registry of bodies beside the DAGs, so none can be missing from it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::arg::{Arg, Slot};
use crate::document::{self, Entries, ExpandArg, ParamDocument, TaskDocument};
use crate::task::{RunFn, TaskDecl};

/// A task of the DAG that is being built: its position in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node(u32);

/// Where an argument's value comes from; tasks are still positions, because they can be renamed.
#[derive(Debug)]
pub(crate) enum Source {
    Literal(Box<RawValue>),
    Output { node: Node, key: Option<&'static str> },
    Param(&'static str),
    Conf(&'static str),
    List(Vec<Source>),
    Object(Vec<(String, Source)>),
}

/// The arguments of one task as they are filled in.
#[derive(Debug, Default)]
pub struct Call {
    slots: Entries<Slot>,
}

impl Call {
    /// Fills the next argument.
    pub fn arg<T>(&mut self, name: &'static str, arg: Arg<T>) {
        self.slots.push((name, arg.into_slot()));
    }
}

struct Task {
    decl: &'static TaskDecl,
    task_id: Option<String>,
    slots: Entries<Slot>,
}

/// What a finished building run collected.
#[derive(Default)]
pub(crate) struct Graph {
    tasks: Vec<Task>,
    params: Entries<ParamDocument>,
    edges: Vec<(Node, Node)>,
    result: Vec<Node>,
    problems: Vec<String>,
}

enum Mode {
    Idle,
    Building(Graph),
    Finding { entrypoint: String, found: Option<RunFn> },
}

thread_local! {
    static MODE: RefCell<Mode> = const { RefCell::new(Mode::Idle) };
}

/// Runs `build` and gives what it collected.
pub(crate) fn building(build: fn()) -> Graph {
    MODE.set(Mode::Building(Graph::default()));
    build();
    match MODE.replace(Mode::Idle) {
        Mode::Building(graph) => graph,
        Mode::Idle | Mode::Finding { .. } => Graph::default(),
    }
}

/// Runs `build` until it calls the task whose body is `entrypoint`.
pub(crate) fn finding(build: fn(), entrypoint: &str) -> Option<RunFn> {
    MODE.set(Mode::Finding { entrypoint: entrypoint.to_owned(), found: None });
    build();
    match MODE.replace(Mode::Idle) {
        Mode::Finding { found, .. } => found,
        Mode::Idle | Mode::Building(_) => None,
    }
}

fn with_graph(change: impl FnOnce(&mut Graph)) {
    MODE.with_borrow_mut(|mode| {
        if let Mode::Building(graph) = mode {
            change(graph);
        }
    });
}

/// Adds a task; `fill` runs only where arguments matter.
pub fn call(decl: &'static TaskDecl, fill: impl FnOnce(&mut Call)) -> Node {
    let building = MODE.with_borrow_mut(|mode| match mode {
        Mode::Building(_) => true,
        Mode::Finding { entrypoint, found } => {
            if found.is_none() && decl.entrypoint == entrypoint {
                *found = Some(decl.run);
            }
            false
        }
        Mode::Idle => panic!(
            "`{0}(…)` adds a task to a DAG, so it is called inside a function under #[dag]; its body is `{0}::body(…)`",
            decl.name
        ),
    });
    if !building {
        return Node(0);
    }
    let mut call = Call::default();
    fill(&mut call);
    let mut node = Node(0);
    with_graph(|graph| {
        node = Node(graph.tasks.len() as u32);
        graph.tasks.push(Task { decl, task_id: None, slots: call.slots });
    });
    node
}

/// Declares a parameter; `make` runs only where documents are made.
pub(crate) fn param(name: &'static str, make: impl FnOnce() -> ParamDocument) {
    if is_building() {
        let param = make();
        with_graph(|graph| graph.params.push((name, param)));
    }
}

pub(crate) fn is_building() -> bool {
    MODE.with_borrow(|mode| matches!(mode, Mode::Building(_)))
}

pub(crate) fn rename(node: Node, task_id: &str) {
    with_graph(|graph| graph.tasks[node.0 as usize].task_id = Some(task_id.to_owned()));
}

pub(crate) fn edge(from: Node, to: Node) {
    with_graph(|graph| {
        if !graph.edges.contains(&(from, to)) {
            graph.edges.push((from, to));
        }
    });
}

pub(crate) fn result(nodes: Vec<Node>) {
    with_graph(|graph| graph.result = nodes);
}

/// Something that no type caught; the bundle's import error names it.
pub(crate) fn problem(problem: String) {
    with_graph(|graph| graph.problems.push(problem));
}

/// A value as a source, in Finding mode as nothing at all.
pub(crate) fn literal(value: &impl Serialize) -> Source {
    if !is_building() {
        return Source::Literal(RawValue::NULL.to_owned());
    }
    match serde_json::value::to_raw_value(value) {
        Ok(value) => Source::Literal(value),
        Err(error) => {
            problem(format!("a literal argument is no JSON: {error}"));
            Source::Literal(RawValue::NULL.to_owned())
        }
    }
}

/// The parts of a document that come from the graph.
pub(crate) struct Parts {
    pub(crate) params: Entries<ParamDocument>,
    pub(crate) result: Vec<String>,
    pub(crate) tasks: Vec<TaskDocument>,
    pub(crate) edges: Vec<document::EdgeDocument>,
}

impl Graph {
    /// Names the tasks and writes everything in those names; or all problems.
    pub(crate) fn into_parts(mut self) -> Result<Parts, Vec<String>> {
        let names = self.names();
        let name = |node: Node| names[node.0 as usize].clone();
        let mut problems = self.problems;
        let mut bodies: BTreeMap<&str, &'static TaskDecl> = BTreeMap::new();
        for task in &self.tasks {
            let known = bodies.entry(task.decl.entrypoint).or_insert(task.decl);
            if known.run as usize != task.decl.run as usize {
                problems.push(format!(
                    "two tasks have the entrypoint {:?}: give one of them `#[task(entrypoint = \"…\")]`",
                    task.decl.entrypoint
                ));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Parts {
            params: self.params,
            result: self.result.into_iter().map(name).collect(),
            tasks: self.tasks.into_iter().zip(&names).map(|(task, id)| task.into_document(id, &names)).collect(),
            edges: self
                .edges
                .into_iter()
                .map(|(from, to)| document::EdgeDocument { from: name(from), to: name(to) })
                .collect(),
        })
    }

    /// The author's names first; the others are `name`, `name__1`, `name__2` in the order of the calls.
    fn names(&mut self) -> Vec<String> {
        let mut taken = BTreeSet::new();
        for task_id in self.tasks.iter().filter_map(|task| task.task_id.as_deref()) {
            if !taken.insert(task_id.to_owned()) {
                self.problems.push(format!("two tasks are named {task_id:?}"));
            }
        }
        let mut next: BTreeMap<&str, u32> = BTreeMap::new();
        self.tasks
            .iter()
            .map(|task| match &task.task_id {
                Some(task_id) => task_id.clone(),
                None => loop {
                    let number = next.entry(task.decl.task_id).or_insert(0);
                    let name = match *number {
                        0 => task.decl.task_id.to_owned(),
                        number => format!("{}__{number}", task.decl.task_id),
                    };
                    *number += 1;
                    if taken.insert(name.clone()) {
                        break name;
                    }
                },
            })
            .collect()
    }
}

impl Task {
    fn into_document(self, task_id: &str, names: &[String]) -> TaskDocument {
        let mut args = Vec::new();
        let mut product = Vec::new();
        for (arg, slot) in self.slots {
            let source = slot.source.into_document(names);
            if slot.varies {
                product.push(ExpandArg { arg, source });
            } else {
                args.push((arg, source));
            }
        }
        let decl = self.decl;
        let mapped = !product.is_empty();
        TaskDocument {
            task_id: task_id.to_owned(),
            entrypoint: decl.entrypoint,
            doc_md: decl.doc_md,
            args,
            expand: product,
            retries: decl.retries,
            retry_delay_ms: decl.retry_delay_ms,
            retry_multiplier_milli: decl.retry_multiplier_milli,
            retry_delay_max_ms: decl.retry_delay_max_ms,
            timeout_ms: decl.timeout_ms,
            max_active_per_run: decl.max_active_per_run,
            max_map_length: decl.max_map_length.filter(|_| mapped),
            memory_bytes: decl.memory_bytes,
            signature: (decl.signature)().into_document(),
        }
    }
}

impl Source {
    /// A list of sources; one literal where all are literals.
    pub(crate) fn list(items: Vec<Source>) -> Self {
        let literals: Option<Vec<&RawValue>> = items
            .iter()
            .map(|item| match item {
                Self::Literal(value) => Some(&**value),
                _ => None,
            })
            .collect();
        match literals {
            Some(values) => literal(&values),
            None => Self::List(items),
        }
    }

    fn into_document(self, names: &[String]) -> document::Source {
        match self {
            Self::Literal(value) => document::Source::Literal(value),
            Self::Output { node, key } => document::Source::Output { task: names[node.0 as usize].clone(), key },
            Self::Param(name) => document::Source::Param(name),
            Self::Conf(pointer) => document::Source::Conf(pointer),
            Self::List(items) => {
                document::Source::List(items.into_iter().map(|item| item.into_document(names)).collect())
            }
            Self::Object(members) => document::Source::Object(
                members.into_iter().map(|(key, source)| (key, source.into_document(names))).collect(),
            ),
        }
    }
}
