//! Versions of DAGs.

use control::DagVersion;

use crate::wire::dag_version::DagVersionResponse;

pub(crate) fn dag_version(version: &DagVersion) -> DagVersionResponse {
    let row = &version.row;
    DagVersionResponse {
        id: row.key.uuid(),
        version_number: row.version_number,
        dag_id: row.dag_id.to_string(),
        dag_display_name: version.display_name().to_owned(),
        bundle_name: Some(row.bundle.to_string()),
        bundle_version: Some(row.bundle_version.uuid().to_string()),
        bundle_url: None,
        created_at: row.created_at,
        digest: row.digest.to_string(),
        component: row.component.to_string(),
        label: row.label.clone(),
    }
}
