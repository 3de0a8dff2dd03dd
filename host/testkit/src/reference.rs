//! What a run must come to, worked out without events: task by task, upstream first, from how every try of every instance ends.

use std::collections::BTreeMap;

use model::document::{Source, TaskKind};
use model::outcome::End;
use model::{Dag, MapIndex, NodeIdx, TaskState};

use crate::outcome::Outcome;

/// State, and what it left; the one row of a task that is mapped over nothing leaves the empty list, whatever its state.
type Instance = (TaskState, Option<Outcome>);

/// The state to which each instance comes. `map_length` is the most instances that a mapped task may have.
pub fn final_states(
    dag: &Dag,
    map_length: u32,
    outcome: impl Fn(NodeIdx, MapIndex, u32) -> Outcome,
) -> BTreeMap<(NodeIdx, MapIndex), TaskState> {
    let mut all: BTreeMap<(NodeIdx, MapIndex), Instance> = BTreeMap::new();
    for &node in dag.topological_order() {
        let instances = |node| all.range((node, MapIndex::NONE)..=(node, MapIndex::at(u32::MAX)));
        let slots = match slots(dag, map_length, node, &instances) {
            Ok(slots) => slots,
            Err(state) => {
                all.insert((node, MapIndex::NONE), (state, None));
                continue;
            }
        };
        let upstream: Vec<_> =
            dag.node(node).upstream.iter().flat_map(|it| instances(*it)).map(|(_, it)| it.0).collect();
        let marked = if upstream.iter().any(|it| matches!(it, TaskState::Failed | TaskState::UpstreamFailed)) {
            Some(TaskState::UpstreamFailed)
        } else {
            upstream.contains(&TaskState::Skipped).then_some(TaskState::Skipped)
        };
        if slots.is_empty() {
            let state = marked.unwrap_or(TaskState::Skipped);
            all.insert((node, MapIndex::NONE), (state, Some(Outcome::success(Some(0)))));
            continue;
        }
        let ended: Vec<_> = slots
            .into_iter()
            .map(|(map_index, has_item)| {
                let ended = match marked {
                    Some(state) => (state, None),
                    None if !has_item => (TaskState::Skipped, None),
                    None if dag.task(node).kind == TaskKind::Empty => (TaskState::Success, None),
                    None => run(dag.task(node).retries, |try_number| outcome(node, map_index, try_number)),
                };
                ((node, map_index), ended)
            })
            .collect();
        all.extend(ended);
    }
    all.into_iter().map(|(key, (state, _))| (key, state)).collect()
}

/// Tries an instance until it ends.
fn run(retries: u32, outcome: impl Fn(u32) -> Outcome) -> Instance {
    for try_number in 1..=retries + 1 {
        let outcome = outcome(try_number);
        match &outcome.end {
            End::Success => return (TaskState::Success, Some(outcome)),
            End::Skipped { .. } => return (TaskState::Skipped, None),
            End::Failed { retry: false, .. } => break,
            _ => {}
        }
    }
    (TaskState::Failed, None)
}

/// Indices and whether each has an item; or the state in which an expansion that cannot be leaves the task.
fn slots<'a, I: Iterator<Item = (&'a (NodeIdx, MapIndex), &'a Instance)>>(
    dag: &Dag,
    map_length: u32,
    node: NodeIdx,
    instances: &impl Fn(NodeIdx) -> I,
) -> Result<Vec<(MapIndex, bool)>, TaskState> {
    let Some(model::document::Expand::Product(arguments)) = &dag.task(node).expand else {
        return Ok(vec![(MapIndex::NONE, true)]);
    };
    let mut ends = Vec::new();
    let mut axes: Vec<Vec<bool>> = Vec::new();
    for argument in arguments {
        let source = match &argument.source {
            Source::Literal(list) => {
                axes.push(vec![true; list.as_array().expect("a generated literal is a list").len()]);
                continue;
            }
            Source::Output(output) => dag.find(output.task.as_str()).expect("a checked DAG's sources exist"),
            _ => unreachable!("not among the generated sources"),
        };
        let only = instances(source).find(|((_, map_index), _)| *map_index == MapIndex::NONE).map(|(_, it)| it);
        match only {
            None => axes.push(instances(source).map(|(_, it)| it.1.as_ref().is_some_and(|it| it.has_value)).collect()),
            Some((TaskState::Success, outcome)) => match outcome.as_ref().and_then(|it| it.answer.list_length) {
                Some(length) => axes.push(vec![true; length as usize]),
                None => ends.push(TaskState::Failed),
            },
            Some((TaskState::Skipped | TaskState::UpstreamFailed, Some(_))) => axes.push(Vec::new()),
            Some((TaskState::Skipped, None)) => ends.push(TaskState::Skipped),
            Some(_) => ends.push(TaskState::UpstreamFailed),
        }
    }
    for state in [TaskState::UpstreamFailed, TaskState::Skipped, TaskState::Failed] {
        if ends.contains(&state) {
            return Err(state);
        }
    }
    let mut slots = vec![true];
    for axis in axes {
        slots = slots.iter().flat_map(|has| axis.iter().map(move |item| *has && *item)).collect();
    }
    match slots.len() {
        length if length > map_length as usize => Err(TaskState::Failed),
        _ => Ok(slots.into_iter().enumerate().map(|(i, has_item)| (MapIndex::at(i as u32), has_item)).collect()),
    }
}
