//! Versions of DAGs.

use control::{DagVersion, VersionChange, VersionDiff};

use crate::wire::dag_version::{DagVersionChangeResponse, DagVersionDiffResponse, DagVersionResponse};

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

pub(crate) fn dag_version_diff(diff: &VersionDiff) -> DagVersionDiffResponse {
    let VersionDiff { from, to, changes, is_whole } = diff;
    let change = |change: &VersionChange| DagVersionChangeResponse {
        kind: match (&change.before, &change.after) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        },
        path: change.path.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
    };
    DagVersionDiffResponse {
        dag_id: from.row.dag_id.to_string(),
        from_version: from.row.version_number,
        to_version: to.row.version_number,
        component_changed: from.row.component != to.row.component,
        changes: changes.iter().map(change).collect(),
        truncated: !is_whole,
    }
}
