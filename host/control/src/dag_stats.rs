//! Sums over DAGs, for dashboards.

use model::limits::http::STATS_DAGS_MAX;
use model::{DagId, RunState};
use store::{DagFilter, Page, PageRequest, RunFilter};

use crate::{Control, DagView, Error, Session};

/// Runs of a DAG by state.
#[derive(Debug, Clone)]
pub struct DagStats {
    pub dag: DagView,
    /// All states; exact up to the longest total.
    pub runs: Vec<(RunState, u64)>,
}

impl Control {
    /// Runs by state of these DAGs, or of the first hundred where none is named. DAGs that are not there are left out.
    pub async fn dag_stats(&self, session: &Session, dag_ids: &[DagId]) -> Result<Vec<DagStats>, Error> {
        let scope = session.scope();
        let most = PageRequest { limit: STATS_DAGS_MAX, offset: 0 };
        let rows = if dag_ids.is_empty() {
            self.catalog.dag_list(scope, &DagFilter::default(), most).await?.rows
        } else {
            let mut rows = Vec::new();
            for dag_id in dag_ids.iter().take(STATS_DAGS_MAX as usize) {
                rows.extend(self.catalog.dag_fetch(scope, dag_id).await?);
            }
            rows
        };
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let mut runs = Vec::with_capacity(RunState::ALL.len());
            for state in RunState::ALL {
                let filter =
                    RunFilter { dag_id: Some(row.dag_id.clone()), states: vec![*state], ..RunFilter::default() };
                let counted = self.runs.run_list(scope, &filter, PageRequest { limit: 1, offset: 0 }).await?;
                runs.push((*state, counted.total));
            }
            all.push(DagStats { dag: self.dag_view(scope, row).await?, runs });
        }
        Ok(all)
    }

    /// Tags of all DAGs, in their order.
    pub async fn dag_tag_list(
        &self,
        session: &Session,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<String>, Error> {
        Ok(self.catalog.tag_list(session.scope(), pattern, page).await?)
    }
}
