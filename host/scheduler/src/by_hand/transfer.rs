//! A run goes on under a version that has other tasks than it has. What the version does not have is dropped where it has not ended
//! well, or where the whole run is cleared; what the run does not have is added. A task that is mapped in another way is another task.
//!
//! The rows of what is dropped stay, as removed, with their history. The same for a dry run as for what is then done.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::Timestamp;
use model::dag::ScopeOf;
use model::{Dag, MapIndex, NodeIdx, RunState, ScopeIdx, TaskId, TaskState};
use plan::{
    BlockDecision, Cancelled, Decisions, MachineLimits, RunMachine, SavedNode, SavedRun, Selected, TransitionDecision,
};
use store::{InstanceSnapshot, NewNode};

use super::planned::{change, refused, selection};
use super::{Change, Changes, Clear, ControlError};
use crate::active::{context, removed};
use crate::recovery::Recovered;
use crate::version::{Version, VersionError};

/// What a clear comes to.
pub(crate) struct Transfer {
    /// As the run is laid out from now on.
    pub(crate) version: Arc<Version>,
    pub(crate) machine: RunMachine,
    pub(crate) decisions: Decisions,
    pub(crate) changes: Changes,
    /// Tasks that are new.
    pub(crate) tasks: Vec<NewNode>,
}

/// Groups and tasks around the instances of a task, each of which is mapped, from the outside.
type Shape = Vec<String>;

impl Transfer {
    /// Of a run as its rows say.
    pub(crate) fn of(
        read: &Recovered,
        target: &Arc<Version>,
        clear: &Clear,
        reason: &str,
        limits: MachineLimits,
        now: Timestamp,
    ) -> Result<Self, ControlError> {
        refuse_gone(&target.dag, target, clear)?;
        let places = Places::of(read, target);
        let version =
            target.laid_out(&places.names.iter().collect::<Vec<_>>()).map_err(|error| too_many(target, error))?;
        let lengths = read.given().lengths(&version.dag)?;
        let saved = saved(read, &version);
        let (run, blocks) = (&read.snapshot.run, saved.blocks.clone());
        let context = context(run.key, run.is_latest, &version.dag);
        let mut machine = RunMachine::view(version.dag.clone(), &saved, &lengths, context, limits, now);
        let selected = machine.select_for_clear(&selection(&version.dag, &clear.instances)?);
        let mut selected = selected.map_err(|error| refused(&version.dag, error))?;
        // What was removed before is part of the run again.
        let is_back = |row: &&InstanceSnapshot| row.state == TaskState::Removed && !version.gone.contains(&row.node);
        let back = read.snapshot.instances.iter().filter(is_back).filter(|row| row.map_index == MapIndex::NONE);
        selected.extend(back.map(|row| Selected { node: row.node, first: row.map_index, last: row.map_index }));
        let mut decisions = machine.adopt(&selected, now);
        let is_new = |node: NodeIdx| node.0 as usize >= read.snapshot.nodes.len();
        let tasks: Vec<_> = { version.dag.indices() }
            .filter(|node| is_new(*node))
            .map(|node| NewNode { node, task_id: version.dag.task(node).task_id.clone(), map_length: None })
            .collect();
        let mut instances: Vec<_> = selected.iter().map(|it| change(&version.dag, it, TaskState::None)).collect();
        instances.extend(tasks.iter().map(|task| added(task, &decisions)));
        let why: Arc<str> =
            format!("{reason}; version {} has no such task, or maps it in another way", version.number).into();
        for row in dropped(read, &version, &places, clear) {
            drop_instance(row, &why, &mut decisions);
            join(&mut instances, gone(read, row));
        }
        // Blocks of before go with their levels.
        let (kept, more) = (blocks, std::mem::take(&mut decisions.blocks));
        decisions.blocks = kept.into_iter().chain(more).collect();
        let state = if instances.is_empty() { run.state } else { RunState::Running };
        let changes = Changes { version: version.key, state, instances };
        Ok(Self { version, machine, decisions, changes, tasks })
    }
}

/// What is named must be there.
fn refuse_gone(dag: &Dag, target: &Version, clear: &Clear) -> Result<(), ControlError> {
    let gone: Vec<_> = clear.instances.tasks.iter().filter(|task| dag.find(task.as_str()).is_none()).collect();
    let Some(task) = gone.first() else { return Ok(()) };
    let detail = format!("it has no task {:?} any more, which so cannot be cleared alone", task.as_str());
    Err(ControlError::OtherTasks { version: target.key, number: target.number, detail })
}

fn too_many(target: &Version, error: VersionError) -> ControlError {
    match error {
        VersionError::Unreadable { key, detail } => {
            let detail = format!("with the tasks that the run had before it is no DAG: {detail}");
            ControlError::OtherTasks { version: key, number: target.number, detail }
        }
        error => error.into(),
    }
}

/// Which numbers the tasks of the version have in the run.
struct Places {
    /// By number; of a name that stands twice the last one counts.
    names: Vec<TaskId>,
    /// Tasks that have another number from now on.
    replaced: BTreeSet<NodeIdx>,
}

impl Places {
    fn of(read: &Recovered, target: &Version) -> Self {
        let nodes = &read.snapshot.nodes;
        let mut names: Vec<_> = nodes.iter().map(|node| node.task_id.clone()).collect();
        let mut replaced = BTreeSet::new();
        let shapes: BTreeMap<NodeIdx, Shape> = { read.version.dag.indices() }
            .filter(|node| !read.version.gone.contains(node))
            .map(|node| (node, shape(&read.version.dag, read.version.dag.node(node).scope)))
            .collect();
        let rows_have_positions: BTreeSet<_> = { read.snapshot.instances.iter() }
            .filter(|row| row.map_index != MapIndex::NONE)
            .map(|row| row.node)
            .collect();
        let mut last: BTreeMap<&TaskId, NodeIdx> = BTreeMap::new();
        for node in nodes {
            last.insert(&node.task_id, node.node);
        }
        for node in target.dag.indices() {
            let (task_id, wanted) = (&target.dag.task(node).task_id, shape(&target.dag, target.dag.node(node).scope));
            let Some(at) = last.get(task_id) else {
                names.push(task_id.clone());
                continue;
            };
            let fits = match shapes.get(at) {
                Some(shape) => *shape == wanted,
                None => wanted.is_empty() && !rows_have_positions.contains(at),
            };
            if !fits {
                replaced.insert(*at);
                names.push(task_id.clone());
            }
        }
        Self { names, replaced }
    }
}

fn shape(dag: &Dag, scope: ScopeIdx) -> Shape {
    let around = std::iter::successors(Some(scope), |scope| dag.scope(*scope).parent);
    let name = |scope: ScopeIdx| match dag.scope(scope).of {
        ScopeOf::Run => None,
        ScopeOf::Group(group) => Some(format!("group {}", dag.document().groups[group].group_id)),
        ScopeOf::Task(node) => Some(format!("task {}", dag.task(node).task_id)),
    };
    let mut shape: Shape = around.filter_map(name).collect();
    shape.reverse();
    shape
}

/// The run's rows as a machine of the version reads them.
fn saved(read: &Recovered, version: &Version) -> SavedRun {
    let mut saved = read.saved();
    let (own, dag) = (&read.version.dag, &version.dag);
    saved.doom = None;
    saved.nodes.resize(dag.len(), SavedNode { map_length: None, list_length: None });
    for node in &version.gone {
        saved.nodes[node.0 as usize] = SavedNode { map_length: None, list_length: None };
    }
    let is_there = |node: &NodeIdx| !version.gone.contains(node);
    saved.instances.retain(|row| is_there(&row.node) && !read.version.gone.contains(&row.node));
    // What is back is as it was left, so that it is not taken for something that waits.
    let back = read.version.gone.iter().filter(|node| is_there(node)).copied();
    let rows = |node: NodeIdx| read.snapshot.instances.iter().find(move |row| row.node == node);
    saved.instances.extend(back.filter_map(|node| {
        let row = rows(node)?;
        let (state, try_number, max_tries) = (row.state, row.try_number, row.max_tries);
        Some(plan::SavedInstance { state, try_number, max_tries, has_value: row.has_value, ..removed(node) })
    }));
    saved.instances.extend(version.gone.iter().map(|node| removed(*node)));
    saved.instances.sort_unstable_by_key(|row| (row.node, row.map_index));
    saved.answers.retain(|answer| is_there(&answer.node));
    saved.prior_tries.retain(|(node, ..)| is_there(node));
    let levels: BTreeMap<Shape, ScopeIdx> = dag.scopes().map(|(scope, _)| (shape(dag, scope), scope)).collect();
    let moved = |it: BlockDecision| Some(BlockDecision { scope: *levels.get(&shape(own, it.scope))?, ..it });
    saved.blocks = saved.blocks.into_iter().filter_map(moved).collect();
    saved.blocks.sort_unstable_by_key(|it| (it.scope, it.block.first));
    saved
}

/// The rows of what is not part of the run any more.
fn dropped<'a>(
    read: &'a Recovered,
    version: &'a Version,
    places: &'a Places,
    clear: &'a Clear,
) -> impl Iterator<Item = &'a InstanceSnapshot> {
    let (only_failed, only_running) = (clear.instances.only_failed, clear.instances.only_running);
    let is_whole = clear.instances.tasks.is_empty() && !only_failed && !only_running;
    let rows = read.snapshot.instances.iter().filter(|row| version.gone.contains(&row.node));
    rows.filter(move |row| match row.state {
        TaskState::Removed => false,
        TaskState::Success | TaskState::Skipped => is_whole || places.replaced.contains(&row.node),
        _ => true,
    })
}

fn drop_instance(row: &InstanceSnapshot, why: &Arc<str>, decisions: &mut Decisions) {
    let (node, map_index) = (row.node, row.map_index);
    if matches!(row.state, TaskState::Running | TaskState::Queued) {
        decisions.cancelled.push(Cancelled { node, map_index, fence: row.fence });
    }
    let last = decisions.marks.last_mut();
    let follows = |last: &TransitionDecision| {
        last.node == node && last.last.position().zip(map_index.position()).is_some_and(|(last, at)| last + 1 == at)
    };
    match last.filter(|last| follows(last)) {
        Some(last) => last.last = map_index,
        None => decisions.marks.push(TransitionDecision {
            node,
            first: map_index,
            last: map_index,
            to: TaskState::Removed,
            try_number: None,
            retry_at: None,
            reason: Some(why.clone()),
        }),
    }
}

/// The instances of a task that is new, as far as they are known.
fn added(task: &NewNode, decisions: &Decisions) -> Change {
    let length = decisions.expansions.iter().rev().find(|it| it.node == task.node).map_or(0, |it| it.length);
    let (first, last) = match length.checked_sub(1) {
        Some(last) => (MapIndex::at(0), MapIndex::at(last)),
        None => (MapIndex::NONE, MapIndex::NONE),
    };
    Change { node: task.node, task_id: task.task_id.clone(), first, last, to: TaskState::None }
}

fn gone(read: &Recovered, row: &InstanceSnapshot) -> Change {
    let task_id = read.snapshot.nodes[row.node.0 as usize].task_id.clone();
    Change { node: row.node, task_id, first: row.map_index, last: row.map_index, to: TaskState::Removed }
}

/// Joins what continues the last one.
fn join(changes: &mut Vec<Change>, change: Change) {
    let is_next = |range: RangeInclusive<MapIndex>, next: MapIndex| {
        range.end().position().zip(next.position()).is_some_and(|(last, at)| last + 1 == at)
    };
    match changes.last_mut() {
        Some(last)
            if (last.node, last.to) == (change.node, change.to) && is_next(last.first..=last.last, change.first) =>
        {
            last.last = change.last;
        }
        _ => changes.push(change),
    }
}
