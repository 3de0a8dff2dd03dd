//! Rows of a database as plain data, read through the traits of `store`, so that invariants can be checked on any database.

use std::sync::Arc;

use model::{Dag, InstanceKey, NodeIdx, RunId, RunKey, TaskState, TenantScope};
use store::{
    AttemptRow, Catalog, InstanceSnapshot, NodeRow, PageRequest, RunFilter, RunReader, RunRow, RunStore, StoreError,
    ValueStore, XcomRow,
};

/// Rows that one page of a list holds.
const PAGE: u32 = 500;

/// All runs of a tenant, or of several.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub runs: Vec<RunRows>,
}

/// Everything of one run.
#[derive(Debug, Clone)]
pub struct RunRows {
    pub row: RunRow,
    pub dag: Arc<Dag>,
    pub nodes: Vec<NodeRow>,
    /// By node, then map index.
    pub instances: Vec<InstanceSnapshot>,
    /// Of the instances, in the same order.
    pub attempts: Vec<Vec<AttemptRow>>,
    pub xcoms: Vec<XcomRow>,
    pub counts: Vec<(NodeIdx, TaskState, u64)>,
}

impl Snapshot {
    /// Reads the runs of tenants. Nothing should be written meanwhile.
    pub async fn read_all<S>(store: &S, tenants: impl IntoIterator<Item = TenantScope>) -> Result<Self, StoreError>
    where
        S: RunStore + RunReader + ValueStore + Catalog,
    {
        let mut runs = Vec::new();
        for scope in tenants {
            runs.extend(Self::read(store, scope).await?.runs);
        }
        Ok(Self { runs })
    }

    /// Reads a tenant's runs. Nothing should be written meanwhile.
    pub async fn read<S>(store: &S, scope: TenantScope) -> Result<Self, StoreError>
    where
        S: RunStore + RunReader + ValueStore + Catalog,
    {
        let mut runs = Vec::new();
        loop {
            let page = PageRequest { limit: PAGE, offset: runs.len() as u32 };
            let rows = store.run_list(scope, &RunFilter::default(), page).await?.rows;
            if rows.is_empty() {
                return Ok(Self { runs });
            }
            for row in rows {
                let run = RunRows::read(store, scope, row.key).await?;
                runs.push(run.ok_or_else(|| gone("the row", &row.run_id))?);
            }
        }
    }
}

impl RunRows {
    /// Reads one run; nothing when it is gone.
    pub async fn read<S>(store: &S, scope: TenantScope, key: RunKey) -> Result<Option<Self>, StoreError>
    where
        S: RunStore + RunReader + ValueStore + Catalog,
    {
        let Some(snapshot) = store.run_snapshot(scope, key).await? else { return Ok(None) };
        let row = snapshot.run;
        let gone = |what: &str| gone(what, &row.run_id);
        let version = store.dag_version_fetch(scope, row.version).await?.ok_or_else(|| gone("the version"))?;
        let document = model::json::parse_document(&version.document).map_err(|_| gone("the document"))?;
        let (dag, _warnings) = Dag::check(document).map_err(|_| gone("the DAG"))?;
        let tasks: Vec<_> = snapshot.nodes.iter().map(|node| &node.task_id).collect();
        let dag = dag.laid_out(&tasks).map_err(|_| gone("the DAG"))?.map_or(dag, |laid_out| laid_out.dag);
        let mut attempts = Vec::new();
        let mut xcoms = Vec::new();
        for it in &snapshot.instances {
            let key = InstanceKey { run: row.key, node: it.node, map_index: it.map_index };
            attempts.push(store.attempt_list(scope, key).await?);
            xcoms.extend(store.xcom_list(scope, row.key, it.node, it.map_index).await?);
        }
        let counts = store.instance_counts(scope, row.key).await?;
        let (nodes, instances) = (snapshot.nodes, snapshot.instances);
        Ok(Some(Self { row, dag: Arc::new(dag), nodes, instances, attempts, xcoms, counts }))
    }

    /// Instances of a task.
    pub fn of_node(&self, node: NodeIdx) -> impl Iterator<Item = &InstanceSnapshot> {
        self.instances.iter().filter(move |it| it.node == node)
    }

    /// How many instances a task has or will have.
    pub fn length(&self, node: NodeIdx) -> u32 {
        let row = self.nodes.iter().find(|it| it.node == node);
        row.and_then(|row| row.map_length).unwrap_or(1).max(1)
    }
}

fn gone(what: &str, run_id: &RunId) -> StoreError {
    StoreError::Unusable { detail: format!("{what} of run {run_id} is gone or cannot be read") }
}
