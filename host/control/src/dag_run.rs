//! Runs: looking at them and clearing them. Starting one is in `trigger`, waiting for one in `wait`.

use std::sync::Arc;

use model::{DagId, NodeIdx, RunId, TaskState, TenantScope};
use scheduler::ClearError;
use store::{InstanceFilter, Page, PageRequest, RunFilter, RunRow};

use crate::dag_version::version_error;
use crate::{Code, Control, DagVersion, Error, InstanceView, Session};

/// A run with the version to which it is pinned.
#[derive(Debug, Clone)]
pub struct DagRunView {
    pub row: RunRow,
    pub version: Arc<DagVersion>,
}

/// States whose instances are cleared when only what failed is.
const FAILED: [TaskState; 2] = [TaskState::Failed, TaskState::UpstreamFailed];

impl Control {
    /// Runs. The DAG that the filter names, if any, must exist.
    pub async fn dag_run_list(
        &self,
        session: &Session,
        filter: &RunFilter,
        page: PageRequest,
    ) -> Result<Page<DagRunView>, Error> {
        let scope = session.scope();
        if let Some(dag_id) = &filter.dag_id {
            self.dag_row(scope, dag_id).await?;
        }
        let Page { rows, total } = self.runs.run_list(scope, filter, page).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(self.dag_run_view(scope, row).await?);
        }
        Ok(Page { rows: views, total })
    }

    /// One run.
    pub async fn dag_run_fetch(&self, session: &Session, dag_id: &DagId, run_id: &RunId) -> Result<DagRunView, Error> {
        self.dag_run_find(session.scope(), dag_id, run_id).await
    }

    /// Makes a run's instances wait again, all of them or those that failed; the answer is the run as it is then.
    pub async fn dag_run_clear(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        only_failed: bool,
    ) -> Result<DagRunView, Error> {
        let scope = session.scope();
        let run = self.dag_run_find(scope, dag_id, run_id).await?;
        let cleared = self.scheduling.clear(scope, run.row.key, only_failed).await.map_err(clear_error)?;
        tracing::info!(
            tenant = %scope.tenant(), dag = %dag_id, run = %run.row.key, instances = cleared.instances, only_failed,
            by = session.name(), "run cleared"
        );
        self.dag_run_find(scope, dag_id, run_id).await
    }

    /// The instances that [`Control::dag_run_clear`] would clear now.
    pub async fn dag_run_clear_preview(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        only_failed: bool,
        page: PageRequest,
    ) -> Result<Page<InstanceView>, Error> {
        let run = self.dag_run_find(session.scope(), dag_id, run_id).await?;
        let states = if only_failed { FAILED.to_vec() } else { Vec::new() };
        let filter = InstanceFilter { run: Some(run.row.key), states, ..InstanceFilter::default() };
        self.instance_views(session.scope(), &filter, page).await
    }

    /// Instances of a run by task and state.
    pub async fn dag_run_counts(&self, run: &DagRunView) -> Result<Vec<(NodeIdx, TaskState, u64)>, Error> {
        Ok(self.runs.instance_counts(run.row.scope, run.row.key).await?)
    }

    pub(crate) async fn dag_run_find(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        run_id: &RunId,
    ) -> Result<DagRunView, Error> {
        let row = self.runs.run_fetch(scope, dag_id, run_id).await?.ok_or_else(|| run_not_found(dag_id, run_id))?;
        self.dag_run_view(scope, row).await
    }

    pub(crate) async fn dag_run_view(&self, scope: TenantScope, row: RunRow) -> Result<DagRunView, Error> {
        let version = self.dag_versions.fetch(scope, row.version).await?;
        Ok(DagRunView { row, version })
    }
}

pub(crate) fn run_not_found(dag_id: &DagId, run_id: &RunId) -> Error {
    let message = format!("DAG {:?} has no run {:?}", dag_id.as_str(), run_id.as_str());
    Error::new(Code::RunNotFound, message).hint("list its runs with GET /api/v2/dags/{dag_id}/dagRuns")
}

fn clear_error(error: ClearError) -> Error {
    match error {
        ClearError::NotOwner => Error::new(Code::Unavailable, error.to_string()).hint("try again in a moment"),
        ClearError::Overloaded { .. } => Error::new(Code::Overloaded, error.to_string()),
        ClearError::Stopping => Error::new(Code::Stopping, error.to_string()),
        ClearError::Version(error) => version_error(error),
        ClearError::Store(error) => error.into(),
    }
}
