//! Runs that guests ask for, through the use-cases.

use std::sync::Arc;

use async_trait::async_trait;
use control::{ChildRun, Code, Control, Error, ParentInstance, TriggerRequest};
use model::{DagId, RunId, TenantScope};
use sandbox::{RunRequest, RunStatus};
use worker::{RunOf, RunPort, RunPortError};

/// The use-cases, as a worker's guests reach them.
pub(super) struct GuestRuns(pub(super) Arc<Control>);

#[async_trait]
impl RunPort for GuestRuns {
    async fn trigger(&self, scope: TenantScope, parent: RunOf, request: RunRequest) -> Result<RunId, RunPortError> {
        let RunOf { dag_id, run_id, instance } = parent;
        let parent = ParentInstance { dag_id, run_id, instance };
        let request = TriggerRequest {
            run_id: request.run_id,
            conf: request.conf.map(Into::into),
            note: request.note,
            logical_date: request.logical_date,
            ..TriggerRequest::of(request.dag_id)
        };
        self.0.child_run_trigger(scope, &parent, request).await.map_err(|error| refused(&error))
    }

    async fn status(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        run_id: &RunId,
    ) -> Result<Option<RunStatus>, RunPortError> {
        let found = self.0.child_run_fetch(scope, dag_id, run_id).await.map_err(|error| refused(&error))?;
        Ok(found.map(|ChildRun { state, results }| RunStatus { state, results }))
    }
}

/// In words for the author of a task: what is wrong, all of it.
fn refused(error: &Error) -> RunPortError {
    let problems: Vec<_> = error.all_problems().iter().map(ToString::to_string).collect();
    let message = match problems.as_slice() {
        [] => error.message().to_owned(),
        problems => format!("{}: {}", error.message(), problems.join("; ")),
    };
    match error.code() {
        Code::Stopping | Code::NotWritable | Code::Unavailable | Code::Internal => RunPortError::Unavailable(message),
        // Waiting would keep the slot that others need to make room.
        Code::Overloaded | Code::LimitReached | Code::TooLarge => RunPortError::QuotaExceeded(message),
        _ => RunPortError::Invalid(message),
    }
}
