//! Runs that tasks start, and what tasks see of runs. Who asks is an instance of the tenant, not a session.

use ::blobs::BlobStore;
use model::limits::json::TEXT_MAX_BYTES;
use model::{DagId, InstanceKey, RunId, RunState, TenantScope};
use serde_json::Value;
use store::RunParent;

use crate::result::RunResult;
use crate::trigger::Prepared;
use crate::{Code, Control, DagRunView, Error, TriggerRequest};

/// What is recorded about who triggered the run; Airflow's word.
const TRIGGERED_BY: &str = "operator";

/// An instance that starts a run.
#[derive(Debug, Clone)]
pub struct ParentInstance {
    pub dag_id: DagId,
    pub run_id: RunId,
    pub instance: InstanceKey,
}

/// A run as tasks see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildRun {
    pub state: RunState,
    /// Text of a JSON object: the values of the result tasks, once the run has ended well.
    pub results: Option<String>,
}

impl Control {
    /// Starts a run for an instance; returns when it is durable. A run of this id that the same instance has started is that one.
    pub async fn child_run_trigger(
        &self,
        scope: TenantScope,
        parent: &ParentInstance,
        request: TriggerRequest,
    ) -> Result<RunId, Error> {
        let above = self.dag_run_find(scope, &parent.dag_id, &parent.run_id).await?;
        let depth = above.row.parent.map_or(0, |parent| parent.depth) + 1;
        let (dag_id, wanted) = (request.dag_id.clone(), request.run_id.clone());
        let request = TriggerRequest { idempotency_key: None, ..request };
        let (mut trigger, version) = match self.prepare(scope, request).await? {
            Prepared::New(trigger, version) => (*trigger, version),
            Prepared::Known(run) => return Ok(run.row.run_id.clone()),
        };
        trigger.parent = Some(RunParent { instance: parent.instance, depth });
        trigger.triggered_by = TRIGGERED_BY.to_owned();
        let run_id = trigger.run_id.clone();
        match self.start(trigger, version).await {
            Ok(_) => Ok(run_id),
            Err(error) if error.code() == Code::RunExists && wanted.is_some() => {
                let there = self.dag_run_find(scope, &dag_id, &run_id).await?;
                let is_own = there.row.parent.is_some_and(|of| of.instance == parent.instance);
                if is_own { Ok(run_id) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    /// How a run stands; nothing where there is none.
    pub async fn child_run_fetch(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        run_id: &RunId,
    ) -> Result<Option<ChildRun>, Error> {
        let Some(row) = self.runs.run_fetch(scope, dag_id, run_id).await? else { return Ok(None) };
        let run = self.dag_run_view(scope, row).await?;
        let state = run.row.state;
        let results = match state {
            RunState::Success => Some(self.result_object(&run).await?),
            _ => None,
        };
        Ok(Some(ChildRun { state, results }))
    }

    async fn result_object(&self, run: &DagRunView) -> Result<String, Error> {
        let mut object = String::from("{");
        for (task_id, result) in self.run_results(run, &[]).await? {
            let text = match result {
                RunResult::None => continue,
                RunResult::Value(text) => text,
                RunResult::Blob { digest, .. } => text_of(&self.blobs, run.row.scope, digest).await?,
                RunResult::Sequence { count } => {
                    let message =
                        format!("task {task_id} left {count} values, which are too large together for a task");
                    return Err(Error::new(Code::TooLarge, message));
                }
            };
            if object.len() > 1 {
                object.push(',');
            }
            object.push_str(&format!("{}:{text}", Value::from(task_id.as_str())));
        }
        object.push('}');
        if object.len() > TEXT_MAX_BYTES {
            let message = format!("the results have {} bytes, a task takes at most {TEXT_MAX_BYTES}", object.len());
            return Err(Error::new(Code::TooLarge, message));
        }
        Ok(object)
    }
}

/// The text of a value that is kept as a blob.
async fn text_of(blobs: &BlobStore, scope: TenantScope, digest: model::Digest) -> Result<String, Error> {
    let bytes = blobs.get(scope, digest).await?;
    String::from_utf8(bytes.to_vec()).map_err(Error::internal)
}
