//! Bundles.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::ProblemItem;

/// What a deploy did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeployResponse {
    pub(crate) name: String,
    /// Null for a dry run of something new.
    pub(crate) bundle_version: Option<Uuid>,
    /// Digest of the component.
    pub(crate) component: String,
    pub(crate) size_bytes: u64,
    /// False when the same bytes were deployed before.
    pub(crate) created: bool,
    pub(crate) dry_run: bool,
    pub(crate) dags: Vec<DeployedDagResponse>,
    /// What the author should look at.
    pub(crate) warnings: Vec<ProblemItem>,
}

/// One DAG of a deploy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeployedDagResponse {
    pub(crate) dag_id: String,
    /// Id of the version; null for a dry run of a new one.
    pub(crate) version_id: Option<Uuid>,
    pub(crate) version_number: Option<u32>,
    pub(crate) digest: String,
    /// False when the version existed before.
    pub(crate) created: bool,
}

/// A bundle.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BundleResponse {
    pub(crate) name: String,
    pub(crate) bundle_version: Uuid,
    pub(crate) component: String,
    pub(crate) updated_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BundleCollection {
    pub(crate) bundles: Vec<BundleResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}

/// The files of a bundle, which were uploaded before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BundleVersionBody {
    /// Digests by path; one file, the component.
    pub(crate) files: IndexMap<String, String>,
}
