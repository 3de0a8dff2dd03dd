//! What must hold of rows at any time, by the numbers of the contract, as checks over plain data.

use std::collections::{BTreeMap, BTreeSet};

use model::document::TaskKind;
use model::{DagId, EndKind, MapIndex, RunId, RunKey, RunState, RunType, TaskState, TenantScope};
use store::{AttemptRow, InstanceSnapshot, RETURN_VALUE};

use crate::run_rows::{RunRows, Snapshot};

/// What was broken, for people.
pub type Broken = String;

/// All checks of one run: numbers of what is broken, and how.
pub fn of_run(run: &RunRows) -> Vec<(&'static str, String)> {
    type Check = fn(&RunRows) -> Result<(), String>;
    let checks: [(&str, Check); 6] = [
        ("I2", i2_no_instance_is_lost),
        ("I3", i3_one_success),
        ("I4", i4_attempts_rise),
        ("I7", i7_values_are_of_successes),
        ("I9", i9_counts_are_recounts),
        ("I10", i10_run_ends_with_its_instances),
    ];
    checks.into_iter().filter_map(|(name, check)| Some((name, check(run).err()?))).collect()
}

/// All checks of this file that need nothing but rows.
pub fn of_rows(snapshot: &Snapshot) -> Vec<Broken> {
    let mut broken = Vec::new();
    for run in &snapshot.runs {
        let told = |(name, detail)| format!("{name}: run {}: {detail}", run.row.run_id);
        broken.extend(of_run(run).into_iter().map(told));
    }
    broken.extend(i11_run_ids_are_unique(snapshot).err().map(|detail| format!("I11: {detail}")));
    broken
}

fn ensure(holds: bool, detail: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(detail()) }
}

fn name(run: &RunRows, it: &InstanceSnapshot) -> String {
    let task = run.dag.task(it.node).task_id.as_str();
    it.map_index.position().map_or_else(|| task.to_owned(), |position| format!("{task}[{position}]"))
}

fn with_attempts(run: &RunRows) -> impl Iterator<Item = (&InstanceSnapshot, &Vec<AttemptRow>)> {
    run.instances.iter().zip(&run.attempts)
}

/// A trigger that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedTrigger {
    pub scope: TenantScope,
    pub dag_id: DagId,
    pub run_id: RunId,
    pub key: RunKey,
}

/// Every accepted trigger has exactly one run.
pub fn i1_trigger_has_one_run(snapshot: &Snapshot, accepted: &[AcceptedTrigger]) -> Vec<Broken> {
    let has_one = |it: &&AcceptedTrigger| {
        let named = (it.scope, &it.dag_id, &it.run_id);
        let same = snapshot.runs.iter().filter(|run| (run.row.scope, &run.row.dag_id, &run.row.run_id) == named);
        same.map(|run| run.row.key).collect::<Vec<_>>() == [it.key]
    };
    let broken = accepted.iter().filter(|it| !has_one(it));
    broken.map(|it| format!("I1: the accepted trigger {} has no run, or more than one", it.run_id)).collect()
}

/// A task has one row, or one for each position of its expansion, from 0 up; all of them once the run has ended.
pub fn i2_no_instance_is_lost(run: &RunRows) -> Result<(), String> {
    ensure(run.nodes.len() == run.dag.len(), || format!("{} tasks of {}", run.nodes.len(), run.dag.len()))?;
    for node in &run.nodes {
        let task = run.dag.task(node.node).task_id.as_str();
        let found: Vec<_> = run.of_node(node.node).map(|it| it.map_index).collect();
        let length = node.map_length.unwrap_or(0);
        let made = found.len() as u32;
        let expect: Vec<_> = match length {
            0 => vec![MapIndex::NONE],
            length => (0..made.min(length)).map(MapIndex::at).collect(),
        };
        ensure(found == expect, || format!("task {task} of length {length} has rows {found:?}"))?;
        let is_whole = length == 0 || made == length;
        ensure(is_whole || !run.row.state.is_ended(), || format!("task {task} has {made} rows of {length}"))?;
    }
    Ok(())
}

/// An instance succeeds once, or once more after each clear; it is a success because its last execution was one, or because somebody marked
/// it or its run: then it ended none, or the last one was cancelled, or the run counts as cleared.
pub fn i3_one_success(run: &RunRows) -> Result<(), String> {
    for (it, attempts) in with_attempts(run) {
        let successes = attempts.iter().filter(|attempt| attempt.end == EndKind::Success).count();
        ensure(successes as u32 <= 1 + run.row.clears, || {
            format!("{} has {successes} successes, {} clears", name(run, it), run.row.clears)
        })?;
        if it.state == TaskState::Success && run.dag.task(it.node).kind == TaskKind::Task {
            let last = attempts.last().map(|attempt| (attempt.end, attempt.fence));
            let is_marked = run.row.clears > 0 || matches!(last, None | Some((EndKind::Cancelled, _)));
            ensure(is_marked || last == Some((EndKind::Success, it.fence)), || {
                format!("{} is a success under {}, its last execution {last:?}", name(run, it), it.fence)
            })?;
        }
    }
    Ok(())
}

/// Tries are contiguous from 1 while nothing was cleared, and fences rise from execution to execution.
pub fn i4_attempts_rise(run: &RunRows) -> Result<(), String> {
    for (it, attempts) in with_attempts(run) {
        let fences: Vec<_> = attempts.iter().map(|attempt| attempt.fence).collect();
        ensure(fences.is_sorted_by(|a, b| a < b), || format!("fences of {} do not rise: {fences:?}", name(run, it)))?;
        let tries: BTreeSet<_> = attempts.iter().map(|attempt| attempt.try_number.0).collect();
        let last = tries.last().copied().unwrap_or(0);
        ensure(last <= it.try_number.0, || format!("{} had try {last}, its row says less", name(run, it)))?;
        let is_contiguous = tries.iter().copied().eq(1..=last);
        ensure(is_contiguous || run.row.clears > 0, || format!("tries of {} have a gap: {tries:?}", name(run, it)))?;
    }
    Ok(())
}

/// A value can be seen exactly where the instance's last execution left one and succeeded.
pub fn i7_values_are_of_successes(run: &RunRows) -> Result<(), String> {
    let mut results = BTreeMap::new();
    for xcom in &run.xcoms {
        let place = (xcom.node, xcom.map_index);
        let is_success =
            run.of_node(xcom.node).any(|it| it.map_index == xcom.map_index && it.state == TaskState::Success);
        ensure(is_success, || format!("value {} of {place:?}, which is no success", xcom.key))?;
        if xcom.key.as_str() == RETURN_VALUE {
            results.insert(place, xcom);
        }
    }
    for it in &run.instances {
        let has_result = results.contains_key(&(it.node, it.map_index));
        ensure(has_result == it.has_value, || {
            format!("{}: has_value {}, value {has_result}", name(run, it), it.has_value)
        })?;
    }
    Ok(())
}

/// Counts say what counting says.
pub fn i9_counts_are_recounts(run: &RunRows) -> Result<(), String> {
    let mut counts = BTreeMap::new();
    for it in &run.instances {
        *counts.entry((it.node, it.state)).or_insert(0_u64) += 1;
    }
    let recount: Vec<_> = counts.into_iter().map(|((node, state), count)| (node, state, count)).collect();
    ensure(recount == run.counts, || format!("counted {recount:?}, told {:?}", run.counts))
}

/// A run has ended exactly when all its instances have, and its state follows from its leaves, unless it was stopped.
pub fn i10_run_ends_with_its_instances(run: &RunRows) -> Result<(), String> {
    let is_complete = run
        .nodes
        .iter()
        .all(|node| run.of_node(node.node).filter(|it| it.state.is_ended()).count() as u32 == run.length(node.node));
    let state = run.row.state;
    ensure(state.is_ended() == is_complete, || format!("it is {state}, its instances {:?}", run.counts))?;
    let stops = ["timed-out", "deadlock", "fail-fast", "cancelled by", "marked"];
    let is_stopped = run.row.reason.as_deref().is_some_and(|why| stops.iter().any(|stop| why.starts_with(stop)));
    if !state.is_ended() || is_stopped {
        return Ok(());
    }
    let leaves = run.dag.indices().filter(|node| run.dag.node(*node).is_leaf);
    let mut ends = leaves.flat_map(|leaf| run.of_node(leaf)).map(|it| it.state);
    let has_failed = ends.any(|state| matches!(state, TaskState::Failed | TaskState::UpstreamFailed));
    ensure((state == RunState::Failed) == has_failed, || format!("it is {state}, its instances {:?}", run.counts))
}

/// A DAG has one run of an id, and one scheduled run of a logical date.
pub fn i11_run_ids_are_unique(snapshot: &Snapshot) -> Result<(), String> {
    let mut ids = BTreeSet::new();
    let mut dates = BTreeSet::new();
    for run in &snapshot.runs {
        let row = &run.row;
        ensure(ids.insert((row.scope, &row.dag_id, &row.run_id)), || format!("two runs {}", row.run_id))?;
        if let (RunType::Scheduled, Some(date)) = (row.run_type, row.logical_date) {
            ensure(dates.insert((row.scope, &row.dag_id, date)), || format!("two runs of {date}"))?;
        }
    }
    Ok(())
}
