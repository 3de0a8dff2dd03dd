//! Waiting for runs.

use control::{Culprit, ResultState, RunResult, RunStatus, WaitEnd, Waited};
use indexmap::IndexMap;
use model::{Dag, NodeIdx, TaskState};

use super::{dag_run, raw_json};
use crate::wire::wait::{FailedInstance, ResultRef, WaitProgress, WaitResponse};

pub(crate) fn wait_progress(
    status: RunStatus,
    dag: &Dag,
    counts: Option<&[(NodeIdx, TaskState, u64)]>,
) -> WaitProgress {
    let tasks = counts.map(|counts| {
        let mut tasks = IndexMap::<String, IndexMap<&'static str, u64>>::new();
        for &(node, state, count) in counts {
            tasks.entry(dag.task(node).task_id.to_string()).or_default().insert(state.as_str(), count);
        }
        tasks
    });
    let RunStatus { state, result, generation } = status;
    WaitProgress { state: state.as_str(), result: result_state(result), generation, tasks }
}

pub(super) fn result_state(result: ResultState) -> &'static str {
    match result {
        ResultState::Pending => "pending",
        ResultState::Available => "available",
        ResultState::Impossible => "impossible",
    }
}

pub(crate) fn waited(waited: Waited) -> WaitResponse {
    let Waited { run, is_timed_out, end, results } = waited;
    let dag_run = dag_run(&run);
    let task_path = |task_id: &str| {
        format!("/api/v2/dags/{}/dagRuns/{}/taskInstances/{task_id}", dag_run.dag_id, dag_run.dag_run_id)
    };
    let (mut values, mut refs) = (IndexMap::new(), IndexMap::new());
    for (task_id, result) in results {
        match result {
            RunResult::None => _ = values.insert(task_id.to_string(), raw_json("null")),
            RunResult::Value(text) => _ = values.insert(task_id.to_string(), raw_json(&text)),
            RunResult::Blob { digest, size_bytes } => {
                let href = format!("/api/v2/blobs/{digest}");
                refs.insert(task_id.to_string(), ResultRef { href, size_bytes: Some(size_bytes), count: None });
            }
            RunResult::Sequence { count } => {
                let href = format!("{}/xcomEntries?xcom_key=return_value", task_path(task_id.as_str()));
                refs.insert(task_id.to_string(), ResultRef { href, size_bytes: None, count: Some(count) });
            }
        }
    }
    let (result, failed) = match end {
        WaitEnd::ResultAvailable => (ResultState::Available, None),
        WaitEnd::ResultImpossible(culprit) => (ResultState::Impossible, culprit.map(failed_instance)),
        WaitEnd::ResultPending => (ResultState::Pending, None),
    };
    WaitResponse {
        dag_id: dag_run.dag_id.clone(),
        dag_run_id: dag_run.dag_run_id.clone(),
        state: dag_run.state,
        result: result_state(result),
        results: values,
        result_refs: refs,
        failed,
        timed_out: is_timed_out,
        dag_run,
    }
}

fn failed_instance(culprit: Culprit) -> FailedInstance {
    let Culprit { task_id, map_index, state, message } = culprit;
    FailedInstance { task_id: task_id.to_string(), map_index: map_index.number(), state: state.as_str(), message }
}
