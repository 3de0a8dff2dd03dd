//! The DAG that is being built, and the search for a body in it.
//!
//! The function under `#[dag]` runs in one of two modes, and the task functions that it calls come here. *Building* collects
//! tasks, groups, arguments and edges into a document. *Finding* looks for the body behind an entrypoint before each attempt: it
//! goes through the same function but makes nothing, so that a DAG of a thousand tasks costs an attempt microseconds. There is
//! no registry of bodies beside the DAGs, so none can be missing from it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::arg::{Arg, Slot};
use crate::document::{Entries, ParamDocument};
use crate::group::GroupDecl;
use crate::kind::Kind;
use crate::settings::Settings;
use crate::task::{Body, TaskDecl};

mod names;
mod parts;
mod source;

pub(crate) use names::chosen;
pub(crate) use source::Source;

/// A task of the DAG that is being built: its position in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node(u32);

/// A group of the DAG that is being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupNode(u32);

/// What an edge connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// A task.
    Task(Node),
    /// All of a group.
    Group(GroupNode),
}

/// A source that is made of others, kept here so that its handle can be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ItemsNode(u32);

/// The arguments of one task or group as they are filled in.
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
    what: What,
    task_id: Option<String>,
    group: Option<GroupNode>,
    settings: Settings,
    slots: Entries<Slot>,
    setups: Vec<Node>,
    /// Where a branch goes: position of the arm, and what runs.
    arms: Vec<(usize, Vec<Member>)>,
}

enum What {
    Body(&'static TaskDecl),
    Bodiless { name: String, kind: Kind, form: Vec<(String, ParamDocument)> },
}

struct Group {
    decl: GroupDecl,
    group_id: Option<String>,
    parent: Option<GroupNode>,
    max_map_length: Option<u32>,
    slots: Entries<Slot>,
}

struct Edge {
    from: Member,
    to: Member,
    label: Option<&'static str>,
}

/// What a finished building run collected.
#[derive(Default)]
pub(crate) struct Graph {
    tasks: Vec<Task>,
    groups: Vec<Group>,
    /// The groups that are being filled, from the outside.
    open: Vec<GroupNode>,
    items: Vec<Source>,
    params: Entries<ParamDocument>,
    edges: Vec<Edge>,
    /// Of the edge between two, so that each stands once.
    edge_positions: BTreeMap<(Member, Member), usize>,
    result: Vec<Node>,
    /// Functions that items pass through.
    transforms: Vec<&'static TaskDecl>,
    /// The calls of such a function, while it is asked which task it is.
    asked: Option<Vec<(&'static TaskDecl, Entries<Slot>)>>,
    problems: Vec<String>,
}

enum Mode {
    Idle,
    Building(Box<Graph>),
    Finding { entrypoint: String, found: Option<&'static TaskDecl> },
}

thread_local! {
    static MODE: RefCell<Mode> = const { RefCell::new(Mode::Idle) };
}

/// Runs `build` and gives what it collected.
pub(crate) fn building(build: fn()) -> Graph {
    MODE.set(Mode::Building(Box::default()));
    build();
    match MODE.replace(Mode::Idle) {
        Mode::Building(graph) => *graph,
        Mode::Idle | Mode::Finding { .. } => Graph::default(),
    }
}

/// Runs `build` until it calls the task whose body is `entrypoint`.
pub(crate) fn finding(build: fn(), entrypoint: &str) -> Option<Body> {
    MODE.set(Mode::Finding { entrypoint: entrypoint.to_owned(), found: None });
    build();
    match MODE.replace(Mode::Idle) {
        Mode::Finding { found, .. } => found.map(|decl| decl.body),
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

/// True in a DAG that is being built, false where a body is looked for.
fn is_building_or_panic(function: &str) -> bool {
    MODE.with_borrow(|mode| match mode {
        Mode::Building(_) => true,
        Mode::Finding { .. } => false,
        Mode::Idle => panic!(
            "`{function}(…)` adds to a DAG, so it is called inside a function under #[dag]; the body of a task is \
             `{function}::body(…)`"
        ),
    })
}

/// Adds a task; `fill` runs only where arguments matter.
pub fn call(decl: &'static TaskDecl, fill: impl FnOnce(&mut Call)) -> Node {
    if !is_building_or_panic(decl.name) {
        MODE.with_borrow_mut(|mode| {
            if let Mode::Finding { entrypoint, found: found @ None } = mode
                && decl.entrypoint == entrypoint
            {
                *found = Some(decl);
            }
        });
        return Node(0);
    }
    let mut call = Call::default();
    fill(&mut call);
    let mut node = Node(0);
    with_graph(|graph| match &mut graph.asked {
        Some(calls) => calls.push((decl, call.slots)),
        None => node = graph.add(What::Body(decl), decl.settings, call.slots),
    });
    node
}

/// Adds a task that runs no body.
pub(crate) fn bodiless(name: &str, kind: Kind, form: impl FnOnce() -> Vec<(String, ParamDocument)>) -> Node {
    let mut node = Node(0);
    if is_building_or_panic(name) {
        let what = What::Bodiless { name: name.to_owned(), kind, form: form() };
        with_graph(|graph| node = graph.add(what, Settings::NONE, Vec::new()));
    }
    node
}

/// Adds a group, and to it what `inside` calls.
pub(crate) fn group<R>(
    decl: GroupDecl,
    fill: impl FnOnce(&mut Call),
    inside: impl FnOnce(GroupNode) -> R,
) -> (GroupNode, R) {
    let mut node = GroupNode(0);
    if is_building_or_panic(&decl.name) {
        let mut call = Call::default();
        fill(&mut call);
        with_graph(|graph| {
            node = GroupNode(graph.groups.len() as u32);
            let (parent, max_map_length) = (graph.open.last().copied(), decl.max_map_length);
            graph.groups.push(Group { decl, group_id: None, parent, max_map_length, slots: call.slots });
            graph.open.push(node);
        });
    }
    let result = inside(node);
    with_graph(|graph| {
        graph.open.pop();
    });
    (node, result)
}

/// The entrypoint of the task function that `function` is; it is called, but no task is added.
pub(crate) fn transform<T, R>(function: impl FnOnce(Arg<T>) -> R) -> &'static str {
    with_graph(|graph| graph.asked = Some(Vec::new()));
    function(Arg::same(Source::MapItem("value")));
    let mut entrypoint = "";
    with_graph(|graph| match graph.asked.take().as_deref() {
        Some([(decl, slots)]) if is_transform(decl, slots) => {
            entrypoint = decl.entrypoint;
            graph.transforms.push(decl);
        }
        _ => graph.problems.push(
            "`map` and `filter` take the function of a plain task with one argument, as it is: `names.map(shorten)`"
                .to_owned(),
        ),
    });
    entrypoint
}

fn is_transform(decl: &TaskDecl, slots: &Entries<Slot>) -> bool {
    decl.kind == Kind::Task && matches!(slots.as_slice(), [(_, Slot::Fixed(Source::MapItem(_)))])
}

impl Graph {
    fn add(&mut self, what: What, settings: Settings, slots: Entries<Slot>) -> Node {
        let node = Node(self.tasks.len() as u32);
        let group = self.open.last().copied();
        self.tasks.push(Task { what, task_id: None, group, settings, slots, setups: Vec::new(), arms: Vec::new() });
        node
    }

    fn task(&mut self, node: Node) -> &mut Task {
        &mut self.tasks[node.0 as usize]
    }
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
    with_graph(|graph| graph.task(node).task_id = Some(task_id.to_owned()));
}

pub(crate) fn rename_group(node: GroupNode, group_id: &str) {
    with_graph(|graph| graph.groups[node.0 as usize].group_id = Some(group_id.to_owned()));
}

pub(crate) fn limit_group(node: GroupNode, max_map_length: u32) {
    with_graph(|graph| graph.groups[node.0 as usize].max_map_length = Some(max_map_length));
}

pub(crate) fn settings(node: Node, change: impl FnOnce(&mut Settings)) {
    with_graph(|graph| change(&mut graph.task(node).settings));
}

pub(crate) fn setups(teardown: Node, setups: Vec<Node>) {
    with_graph(|graph| graph.task(teardown).setups.extend(setups));
}

pub(crate) fn arm(branch: Node, arm: usize, members: Vec<Member>) {
    with_graph(|graph| graph.task(branch).arms.push((arm, members)));
}

pub(crate) fn edge(from: Member, to: Member, label: Option<&'static str>) {
    with_graph(|graph| {
        let position = *graph.edge_positions.entry((from, to)).or_insert(graph.edges.len());
        match graph.edges.get_mut(position) {
            Some(edge) => edge.label = edge.label.or(label),
            None => graph.edges.push(Edge { from, to, label }),
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

/// Keeps a source.
pub(crate) fn items(source: Source) -> ItemsNode {
    let mut node = ItemsNode(0);
    with_graph(|graph| {
        node = ItemsNode(graph.items.len() as u32);
        graph.items.push(source);
    });
    node
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
