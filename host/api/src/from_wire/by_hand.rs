//! What people ask of runs that are there: clears, marks.

use control::{ClearRequest, ClearVersion, InstanceSelection, MarkRequest, RunClear, RunSelection};
use model::{DagId, MapIndex, Problem, RunId, RunState, TaskId, TaskState};

use super::{Mask, not_yet};
use crate::wire::dag_run::{ClearBody, DagRunPatchBody};
use crate::wire::task_instance::{ClearTaskInstancesBody, PatchTaskInstanceBody, TaskRef, VersionWord};

/// What of a task instance, and of a run, can be changed.
pub(crate) const INSTANCE_FIELDS: &[&str] =
    &["new_state", "note", "include_upstream", "include_downstream", "include_future", "include_past"];
pub(crate) const RUN_FIELDS: &[&str] = &["state", "note"];

/// A clear of a whole run, and whether it is only to be told.
pub(crate) fn run_clear(body: ClearBody) -> Result<(RunClear, bool), Vec<Problem>> {
    let mut problems = Vec::new();
    if body.only_new {
        problems.push(not_yet("/only_new"));
    }
    let version = version(body.version, body.run_on_latest_version, &mut problems);
    let clear = RunClear { only_failed: body.only_failed, version, note: body.note };
    if problems.is_empty() { Ok((clear, body.dry_run)) } else { Err(problems) }
}

/// A clear of instances.
pub(crate) fn clear(dag_id: DagId, body: ClearTaskInstancesBody) -> Result<ClearRequest, Vec<Problem>> {
    let mut problems = Vec::new();
    let only_failed = body.only_failed.unwrap_or(!body.only_running);
    if only_failed && body.only_running {
        let message = "say only_failed or only_running, not both";
        problems.push(Problem::error("conflicting", "/only_running", message));
    }
    let dates = (body.start_date, body.end_date);
    let runs = match body.dag_run_id {
        Some(_) if dates != (None, None) => {
            let message = "say a run or dates, not both";
            problems.push(Problem::error("conflicting", "/dag_run_id", message));
            None
        }
        Some(run_id) => match RunId::new(run_id) {
            Ok(run_id) => Some(RunSelection::One { run_id, past: body.include_past, future: body.include_future }),
            Err(error) => {
                problems.push(Problem::error("invalid-name", "/dag_run_id", error.to_string()));
                None
            }
        },
        None => {
            Some(RunSelection::Dated(dates.0.filter(|_| !body.include_past), dates.1.filter(|_| !body.include_future)))
        }
    };
    if let (Some(start), Some(end)) = dates
        && start > end
    {
        problems.push(Problem::error("invalid-interval", "/end_date", "it is before start_date"));
    }
    if body.task_ids.as_ref().is_some_and(Vec::is_empty) {
        let message = "name at least one task, or leave it out to mean all of them";
        problems.push(Problem::error("empty", "/task_ids", message));
    }
    let named = body.task_ids.unwrap_or_default().into_iter().enumerate();
    let tasks = named.filter_map(|(i, named)| task(named, i, &mut problems)).collect();
    let version = version(body.version, body.run_on_latest_version, &mut problems);
    match runs {
        Some(runs) if problems.is_empty() => Ok(ClearRequest {
            dag_id,
            runs,
            instances: InstanceSelection {
                tasks,
                upstream: body.include_upstream,
                downstream: body.include_downstream,
            },
            only_failed,
            only_running: body.only_running,
            resets_ended: body.reset_dag_runs,
            refuses_running: body.prevent_running_task,
            version,
            note: body.note,
            dry_run: body.dry_run,
        }),
        _ => Err(problems),
    }
}

/// What is to become of instances: a mark, where there is a state; and a note.
#[derive(Debug)]
pub(crate) struct InstancePatch {
    pub(crate) mark: Option<MarkRequest>,
    /// Some(None) takes it away.
    pub(crate) note: Option<Option<String>>,
}

pub(crate) fn instance_patch(
    (dag_id, run_id): (DagId, RunId),
    tasks: Vec<(TaskId, Option<MapIndex>)>,
    body: PatchTaskInstanceBody,
    mask: &Mask,
    dry_run: bool,
) -> Result<InstancePatch, Vec<Problem>> {
    let has_state = mask.has("new_state") && (body.new_state.is_some() || mask.names("new_state"));
    let note = body.note.filter(|_| mask.has("note"));
    let to = match body.new_state.as_deref().filter(|_| has_state).map(str::parse) {
        Some(Ok(to @ (TaskState::Success | TaskState::Failed | TaskState::Skipped))) => Some(to),
        None if !has_state && note.is_some() => None,
        None if !has_state => return Err(vec![Problem::error("empty", "", "say new_state, or note")]),
        _ => {
            let message = "an instance can be marked success, failed or skipped";
            return Err(vec![Problem::error("invalid-state", "/new_state", message)]);
        }
    };
    let mark = to.map(|to| MarkRequest {
        dag_id,
        runs: RunSelection::One { run_id, past: body.include_past, future: body.include_future },
        instances: InstanceSelection { tasks, upstream: body.include_upstream, downstream: body.include_downstream },
        to,
        note: note.clone().flatten(),
        dry_run,
    });
    Ok(InstancePatch { mark, note })
}

/// What is to become of a run: a state, and a note or none any more.
type RunPatch = (Option<RunState>, Option<Option<String>>);

/// What is to become of a run.
pub(crate) fn run_patch(body: DagRunPatchBody, mask: &Mask) -> Result<RunPatch, Vec<Problem>> {
    let has_state = mask.has("state") && (body.state.is_some() || mask.names("state"));
    let note = body.note.filter(|_| mask.has("note"));
    match body.state.as_deref().filter(|_| has_state).map(str::parse) {
        Some(Ok(to @ (RunState::Queued | RunState::Success | RunState::Failed))) => Ok((Some(to), note)),
        None if !has_state && note.is_some() => Ok((None, note)),
        None if !has_state => Err(vec![Problem::error("empty", "", "say state, or note")]),
        _ => {
            let message = "a run can be marked queued, success or failed";
            Err(vec![Problem::error("invalid-state", "/state", message)])
        }
    }
}

fn task(named: TaskRef, i: usize, problems: &mut Vec<Problem>) -> Option<(TaskId, Option<MapIndex>)> {
    let (task_id, number) = match named {
        TaskRef::Task(task_id) => (task_id, None),
        TaskRef::Instance(task_id, number) => (task_id, Some(number)),
    };
    let map_index = number.map(MapIndex::from_number);
    if map_index == Some(None) {
        problems.push(Problem::error("out-of-range", format!("/task_ids/{i}/1"), "map indices are -1, 0, 1, …"));
        return None;
    }
    match TaskId::new(task_id) {
        Ok(task_id) => Some((task_id, map_index.flatten())),
        Err(error) => {
            problems.push(Problem::error("invalid-name", format!("/task_ids/{i}"), error.to_string()));
            None
        }
    }
}

fn version(said: Option<VersionWord>, latest: Option<bool>, problems: &mut Vec<Problem>) -> ClearVersion {
    match (said, latest) {
        (None, Some(true)) => ClearVersion::Latest,
        (None, _) => ClearVersion::Own,
        (Some(VersionWord::Number(number)), _) => ClearVersion::Number(number),
        (Some(VersionWord::Word(word)), _) if word == "own" => ClearVersion::Own,
        (Some(VersionWord::Word(word)), _) if word == "latest" => ClearVersion::Latest,
        (Some(VersionWord::Word(_)), _) => {
            problems.push(Problem::error("invalid-version", "/version", "say own, latest or the number of a version"));
            ClearVersion::Own
        }
    }
}
