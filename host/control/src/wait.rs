//! Following runs and waiting for them. Commits wake who waits; the database is read when one begins to wait and when the wait ends,
//! never in between.
//!
//! The *result* of a run is there as soon as all its result tasks have ended well, though other branches or teardowns still run.
//! A DAG without result tasks has its result when the run has ended in success.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use model::{Dag, DagId, MapIndex, NodeIdx, RunId, RunState, TaskId, TaskState};
use scheduler::{ResultStatus, RunProgress};
use store::{InstanceFilter, PageRequest};

use crate::result::RunResult;
use crate::task_instance::has_indexes;
use crate::trigger::Prepared;
use crate::{Code, Control, DagRunView, Error, Session, TriggerRequest};

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The result is there, or can no longer come.
    Result,
    /// Nothing is unfinished.
    Finished,
}

/// How to wait.
#[derive(Debug, Clone)]
pub struct WaitRequest {
    pub until: Until,
    pub timeout: Duration,
    /// Tasks whose values are the answer; the DAG's result tasks where it is empty.
    pub results: Vec<TaskId>,
}

/// How a wait ended.
#[derive(Debug, Clone)]
pub struct Waited {
    pub run: DagRunView,
    /// The time was over before what was waited for.
    pub is_timed_out: bool,
    pub end: WaitEnd,
    /// Empty unless the result is there.
    pub results: Vec<(TaskId, RunResult)>,
}

/// Where the result stood when a wait ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitEnd {
    ResultAvailable,
    /// It can no longer come, because of this instance; none is known for a run that timed out or was cancelled.
    ResultImpossible(Option<Culprit>),
    /// It may still come.
    ResultPending,
}

/// The instance because of which a result cannot come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Culprit {
    pub task_id: TaskId,
    pub map_index: MapIndex,
    pub state: TaskState,
    pub message: Option<String>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunStatus {
    pub state: RunState,
    pub result: ResultState,
    /// Rises with each commit that changes the run.
    pub generation: u64,
}

/// Where a run's result stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultState {
    Pending,
    Available,
    Impossible,
}

impl RunStatus {
    /// True when nobody who waits like this needs to wait on.
    pub fn is_enough_for(self, until: Until) -> bool {
        self.state.is_ended() || until == Until::Result && self.result != ResultState::Pending
    }

    fn of_progress(progress: &RunProgress) -> Self {
        let result = match progress.result {
            ResultStatus::Pending => ResultState::Pending,
            ResultStatus::Available => ResultState::Available,
            ResultStatus::Impossible { .. } => ResultState::Impossible,
        };
        Self { state: progress.state, result, generation: progress.generation }
    }
}

/// A run that somebody follows. Dropping it leaves nothing behind.
pub struct RunFollow {
    /// The run as it was when following began.
    pub run: DagRunView,
    status: RunStatus,
    watch: BoxStream<'static, RunProgress>,
}

impl RunFollow {
    /// The newest that is known.
    pub fn status(&self) -> RunStatus {
        self.status
    }

    /// Waits for the next commit that changes the run; pends when none will.
    pub async fn changed(&mut self) -> RunStatus {
        match self.watch.next().await {
            Some(progress) => {
                self.status = RunStatus::of_progress(&progress);
                self.status
            }
            None => std::future::pending().await,
        }
    }

    async fn reached(&mut self, until: Until) {
        while !self.status.is_enough_for(until) {
            self.changed().await;
        }
    }
}

impl Control {
    /// Follows a run from now on.
    pub async fn dag_run_follow(&self, session: &Session, dag_id: &DagId, run_id: &RunId) -> Result<RunFollow, Error> {
        let scope = session.scope();
        let found = self.dag_run_find(scope, dag_id, run_id).await?;
        // What is committed after this is heard, so what is read after it is the newest.
        let watch = self.scheduling.watch(scope, found.row.key);
        let run = if found.row.state.is_ended() { found } else { self.dag_run_find(scope, dag_id, run_id).await? };
        let result = self.result_state(&run).await?;
        Ok(RunFollow { status: RunStatus { state: run.row.state, result, generation: 0 }, run, watch })
    }

    async fn result_state(&self, run: &DagRunView) -> Result<ResultState, Error> {
        let (scope, key, dag) = (run.row.scope, run.row.key, run.version.dag());
        let counts = self.runs.instance_counts(scope, key).await?;
        let is_mapped = |node: &NodeIdx| has_indexes(dag, *node);
        let nodes =
            if dag.result().iter().any(is_mapped) { self.runs.node_list(scope, key).await? } else { Vec::new() };
        let lengths = nodes.into_iter().filter_map(|row| Some((row.node, row.map_length?))).collect();
        Ok(result_state(dag, run.row.state, &counts, &lengths))
    }

    /// Waits for a run.
    pub async fn dag_run_wait(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        wait: &WaitRequest,
    ) -> Result<Waited, Error> {
        let follow = self.dag_run_follow(session, dag_id, run_id).await?;
        check_results(follow.run.version.dag(), &wait.results)?;
        self.wait_on(follow, wait).await
    }

    /// Starts a run and waits for it.
    pub async fn dag_run_trigger_and_wait(
        &self,
        session: &Session,
        request: TriggerRequest,
        wait: &WaitRequest,
    ) -> Result<Waited, Error> {
        let (trigger, version) = match self.prepare(session.scope(), request).await? {
            Prepared::New(trigger, version) => (*trigger, version),
            Prepared::Known(run) => return self.wait_for(session, &run, wait).await,
        };
        check_results(version.dag(), &wait.results)?;
        let key = trigger.key;
        let watch = self.scheduling.watch(session.scope(), key);
        let run = self.start_for(session, trigger, version).await?;
        if run.row.key != key {
            // The same request made another one at the same time.
            return self.wait_for(session, &run, wait).await;
        }
        let status = RunStatus { state: run.row.state, result: ResultState::Pending, generation: 0 };
        self.wait_on(RunFollow { run, status, watch }, wait).await
    }

    async fn wait_for(&self, session: &Session, run: &DagRunView, wait: &WaitRequest) -> Result<Waited, Error> {
        self.dag_run_wait(session, &run.row.dag_id, &run.row.run_id, wait).await
    }

    async fn wait_on(&self, mut follow: RunFollow, wait: &WaitRequest) -> Result<Waited, Error> {
        let in_time = tokio::select! {
            biased;
            () = follow.reached(wait.until) => true,
            () = self.clock.sleep(wait.timeout) => false,
        };
        self.waited(&follow.run, follow.status, in_time, wait).await
    }

    /// Whether the run has the tasks whose values are wanted.
    pub fn check_results(&self, run: &DagRunView, results: &[TaskId]) -> Result<(), Error> {
        check_results(run.version.dag(), results)
    }

    /// What there is to say when a wait for `known` ends now. What can have changed since `status` was told is read with the run, so
    /// that all of the answer is of one moment; a wait whose time was over just when what it waited for came ends well.
    pub async fn waited(
        &self,
        known: &DagRunView,
        status: RunStatus,
        in_time: bool,
        wait: &WaitRequest,
    ) -> Result<Waited, Error> {
        let row = &known.row;
        let find = self.dag_run_find(row.scope, &row.dag_id, &row.run_id);
        let (run, found) = match status.result {
            // Both at once, because somebody waits for it; what a clear has made of it meanwhile is read again.
            ResultState::Available => {
                let (run, results) = tokio::join!(find, self.run_results(known, &wait.results));
                (run?, results.ok())
            }
            ResultState::Pending | ResultState::Impossible => (find.await?, None),
        };
        // What is there, or cannot come any more, stays so until the run is cleared.
        let is_settled = status.result != ResultState::Pending && run.row.clears == row.clears;
        let result = if is_settled { status.result } else { self.result_state(&run).await? };
        let status = RunStatus { state: run.row.state, result, generation: status.generation };
        let (end, results) = match result {
            ResultState::Available => {
                let results = match found.filter(|_| is_settled) {
                    Some(results) => results,
                    None => self.run_results(&run, &wait.results).await?,
                };
                (WaitEnd::ResultAvailable, results)
            }
            ResultState::Impossible => (WaitEnd::ResultImpossible(self.culprit(&run).await?), Vec::new()),
            // The run ended while its result tasks had not: it timed out or was cancelled.
            ResultState::Pending if status.state.is_ended() => (WaitEnd::ResultImpossible(None), Vec::new()),
            ResultState::Pending => (WaitEnd::ResultPending, Vec::new()),
        };
        Ok(Waited { run, is_timed_out: !in_time && !status.is_enough_for(wait.until), end, results })
    }

    /// The instance that keeps a run's result from coming: the first in topological order that failed, among the tasks that the
    /// result needs; else the first that was skipped.
    async fn culprit(&self, run: &DagRunView) -> Result<Option<Culprit>, Error> {
        let dag = run.version.dag();
        let (scope, key) = (run.row.scope, run.row.key);
        let needed = needed_for_result(dag);
        let counts = self.runs.instance_counts(scope, key).await?;
        for state in [TaskState::Failed, TaskState::Removed, TaskState::Skipped, TaskState::UpstreamFailed] {
            let has =
                |node: NodeIdx| counts.iter().any(|&(at, found, count)| at == node && found == state && count > 0);
            let first = dag.topological_order().iter().find(|node| needed[node.0 as usize] && has(**node));
            let Some(&node) = first else { continue };
            let task_id = dag.task(node).task_id.clone();
            let filter = InstanceFilter {
                run: Some(key),
                task_ids: vec![task_id.clone()],
                states: vec![state],
                ..InstanceFilter::default()
            };
            let found = self.runs.instance_list(scope, &filter, PageRequest { limit: 1, offset: 0 }).await?;
            let Some(row) = found.rows.into_iter().next() else { continue };
            let attempts = self.runs.attempt_list(scope, row.key).await?;
            let said = attempts.into_iter().next_back().and_then(|attempt| attempt.message);
            return Ok(Some(Culprit { task_id, map_index: row.key.map_index, state, message: said.or(row.reason) }));
        }
        Ok(None)
    }
}

/// The tasks that the result needs, directly or not, and the result tasks themselves; all where there are none.
fn needed_for_result(dag: &Dag) -> Vec<bool> {
    let mut needed = vec![dag.result().is_empty(); dag.len()];
    let mut open = dag.result().to_vec();
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut needed[node.0 as usize], true) {
            open.extend(&dag.node(node).upstream);
        }
    }
    needed
}

/// What rows say of a result.
fn result_state(
    dag: &Dag,
    run: RunState,
    counts: &[(NodeIdx, TaskState, u64)],
    lengths: &HashMap<NodeIdx, u32>,
) -> ResultState {
    if dag.result().is_empty() {
        return match run {
            RunState::Success => ResultState::Available,
            RunState::Failed => ResultState::Impossible,
            RunState::Queued | RunState::Running => ResultState::Pending,
        };
    }
    let mut is_pending = false;
    for &node in dag.result() {
        let expected = if has_indexes(dag, node) { lengths.get(&node).copied() } else { Some(1) };
        // What is mapped over nothing has one row all the same, and leaves the empty list when that is skipped.
        let is_empty = expected == Some(0);
        let mut succeeded = 0;
        for &(_, state, count) in counts.iter().filter(|&&(at, _, count)| at == node && count > 0) {
            match state {
                TaskState::Success => succeeded += count,
                TaskState::Skipped if is_empty => succeeded += count,
                state if state.is_ended() => return ResultState::Impossible,
                _ => {}
            }
        }
        is_pending |= expected.is_none_or(|expected| succeeded < u64::from(expected.max(1)));
    }
    if is_pending { ResultState::Pending } else { ResultState::Available }
}

fn check_results(dag: &Dag, results: &[TaskId]) -> Result<(), Error> {
    match results.iter().find(|task_id| dag.find(task_id.as_str()).is_none()) {
        Some(task_id) => Err(Error::new(Code::TaskNotFound, format!("the run has no task {:?}", task_id.as_str()))
            .hint("result names tasks of the DAG; leave it out for the tasks that the DAG names as its result")),
        None => Ok(()),
    }
}
