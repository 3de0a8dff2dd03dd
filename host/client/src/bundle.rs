//! Deploying.

use bytes::Bytes;
use model::{BundleName, Digest};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};

use crate::client::UPLOAD_TIMEOUT;
use crate::{Client, ClientError, Problem};

/// What a deploy did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    pub name: String,
    /// None for a dry run of something new.
    #[serde(default)]
    pub bundle_version: Option<String>,
    /// Digest of the component.
    pub component: Digest,
    #[serde(default)]
    pub size_bytes: u64,
    /// False when the same bytes were deployed before.
    pub created: bool,
    #[serde(default)]
    pub dry_run: bool,
    pub dags: Vec<DeployedDag>,
    #[serde(default)]
    pub warnings: Vec<Problem>,
}

/// One DAG of a deployed bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployedDag {
    pub dag_id: String,
    #[serde(default)]
    pub digest: Option<Digest>,
    /// None for a dry run of a new version.
    #[serde(default)]
    pub version_id: Option<String>,
    #[serde(default)]
    pub version_number: Option<u32>,
    /// False when the version existed before.
    pub created: bool,
}

impl Client {
    /// Sends a component; it becomes the current version of the bundle unless `dry_run`.
    pub async fn bundle_deploy(
        &self,
        name: &BundleName,
        component: Bytes,
        dry_run: bool,
    ) -> Result<Deployed, ClientError> {
        let mut url = self.url(["bundles", name.as_str()]);
        if dry_run {
            url.query_pairs_mut().append_pair("dry_run", "true");
        }
        let request = self
            .request(Method::POST, url)
            .timeout(UPLOAD_TIMEOUT)
            .header(CONTENT_TYPE, "application/wasm")
            .body(component);
        self.json(&format!("deploy bundle {:?}", name.as_str()), request).await
    }
}
