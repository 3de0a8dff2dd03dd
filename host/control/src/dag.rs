//! DAGs with their current versions.

use std::sync::Arc;

use model::{DagId, RunState, TenantScope};
use store::{DagFilter, DagRow, Page, PageRequest, RunFilter};

use crate::{Code, Control, DagVersion, Error, Session};

/// A DAG.
#[derive(Debug, Clone)]
pub struct DagView {
    pub row: DagRow,
    pub current: Arc<DagVersion>,
}

/// What takes more reads to know.
#[derive(Debug, Clone)]
pub struct DagDetails {
    pub dag: DagView,
    pub active_runs: u64,
}

impl Control {
    /// DAGs by id.
    pub async fn dag_list(
        &self,
        session: &Session,
        filter: &DagFilter,
        page: PageRequest,
    ) -> Result<Page<DagView>, Error> {
        let scope = session.scope();
        let Page { rows, total } = self.catalog.dag_list(scope, filter, page).await?;
        let rows = rows.into_iter().map(|row| self.dag_view(scope, row)).collect::<Result<_, _>>()?;
        Ok(Page { rows, total })
    }

    /// One DAG.
    pub async fn dag_fetch(&self, session: &Session, dag_id: &DagId) -> Result<DagView, Error> {
        let row = self.dag_row(session.scope(), dag_id).await?;
        self.dag_view(session.scope(), row)
    }

    /// One DAG and what is going on in it.
    pub async fn dag_details(&self, session: &Session, dag_id: &DagId) -> Result<DagDetails, Error> {
        let dag = self.dag_fetch(session, dag_id).await?;
        let active = RunFilter {
            dag_id: Some(dag_id.clone()),
            states: vec![RunState::Queued, RunState::Running],
            ..RunFilter::default()
        };
        let counted = self.runs.run_list(session.scope(), &active, PageRequest { limit: 1, offset: 0 }).await?;
        Ok(DagDetails { dag, active_runs: counted.total })
    }

    pub(crate) async fn dag_row(&self, scope: TenantScope, dag_id: &DagId) -> Result<DagRow, Error> {
        self.catalog.dag_fetch(scope, dag_id).await?.ok_or_else(|| {
            Error::new(Code::DagNotFound, format!("there is no DAG {:?}", dag_id.as_str()))
                .hint("deploy the bundle that defines it, or list the DAGs with GET /api/v2/dags")
        })
    }

    fn dag_view(&self, scope: TenantScope, row: DagRow) -> Result<DagView, Error> {
        let current = self.dag_versions.of_row(scope, row.current.clone())?;
        Ok(DagView { row, current })
    }
}
