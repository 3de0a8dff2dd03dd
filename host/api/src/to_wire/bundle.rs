//! Bundles.

use control::{BundleRow, Deployed, DeployedDag};

use crate::problem::problem_item;
use crate::wire::bundle::{BundleResponse, DeployResponse, DeployedDagResponse};

pub(crate) fn deployed(deployed: &Deployed) -> DeployResponse {
    let dag = |dag: &DeployedDag| DeployedDagResponse {
        dag_id: dag.dag_id.to_string(),
        version_id: dag.version.map(|key| key.uuid()),
        version_number: dag.version_number,
        digest: dag.digest.to_string(),
        created: dag.created,
    };
    DeployResponse {
        name: deployed.name.to_string(),
        bundle_version: deployed.key.map(|key| key.uuid()),
        component: deployed.component.to_string(),
        size_bytes: deployed.size_bytes,
        created: deployed.created,
        dry_run: deployed.dry_run,
        dags: deployed.dags.iter().map(dag).collect(),
        warnings: deployed.warnings.iter().map(problem_item).collect(),
    }
}

pub(crate) fn bundle(row: &BundleRow) -> BundleResponse {
    BundleResponse {
        name: row.name.to_string(),
        bundle_version: row.current.uuid(),
        component: row.component.to_string(),
        updated_at: row.updated_at,
    }
}
