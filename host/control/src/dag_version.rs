//! Versions of DAGs. Their rows never change, so what is known of one is kept in memory.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use lru::LruCache;
use model::document::TaskKind;
use model::pointer::Pointer;
use model::{Dag, DagId, NodeIdx, Problem, TenantScope, VersionKey};
use scheduler::{Version, VersionError, Versions};
use store::{Catalog, DagVersionRow, Page, PageRequest};

use crate::params::ParamSchemas;
use crate::{Code, Control, Error, Session};

/// Versions that are kept.
const KEPT: NonZeroUsize = NonZeroUsize::new(256).expect("more than none");

/// A version with everything that is ever asked of it.
#[derive(Debug)]
pub struct DagVersion {
    pub row: DagVersionRow,
    pub(crate) version: Arc<Version>,
    pub(crate) params: ParamSchemas,
    /// Of its approvals.
    pub(crate) forms: HashMap<NodeIdx, ParamSchemas>,
}

impl DagVersion {
    /// The DAG.
    pub fn dag(&self) -> &Dag {
        &self.version.dag
    }

    /// The document that its component told, for people.
    pub fn document_text(&self) -> String {
        serde_json::to_string_pretty(self.dag().document()).expect("documents are JSON")
    }

    /// Whether its schedule has dates that can be made up for.
    pub fn is_backfillable(&self) -> bool {
        self.dag().document().schedule.as_ref().is_some_and(|schedule| !schedule.times().is_empty())
    }

    /// The name for people.
    pub fn display_name(&self) -> &str {
        self.dag().document().display_name.as_deref().unwrap_or(self.row.dag_id.as_str())
    }
}

/// A bounded cache over the catalog.
pub(crate) struct DagVersions {
    catalog: Arc<dyn Catalog>,
    versions: Arc<Versions>,
    kept: Mutex<LruCache<(TenantScope, VersionKey), Arc<DagVersion>>>,
}

impl DagVersions {
    pub(crate) fn new(catalog: Arc<dyn Catalog>, versions: Arc<Versions>) -> Self {
        Self { catalog, versions, kept: Mutex::new(LruCache::new(KEPT)) }
    }

    pub(crate) async fn fetch(&self, scope: TenantScope, key: VersionKey) -> Result<Arc<DagVersion>, Error> {
        if let Some(version) = self.kept(scope, key) {
            return Ok(version);
        }
        let row = self.catalog.dag_version_fetch(scope, key).await?;
        let row = row.ok_or_else(|| Error::internal(VersionError::Unknown(key)))?;
        self.of_row(scope, row)
    }

    pub(crate) fn of_row(&self, scope: TenantScope, row: DagVersionRow) -> Result<Arc<DagVersion>, Error> {
        let key = row.key;
        if let Some(version) = self.kept(scope, key) {
            return Ok(version);
        }
        let version = self.versions.of_row(scope, &row).map_err(version_error)?;
        let (params, forms) = schemas(&version.dag).map_err(|problems| {
            let detail = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            Error::internal(VersionError::Unreadable { key, detail })
        })?;
        let version = Arc::new(DagVersion { row, version, params, forms });
        self.kept.lock().expect("no panic while the lock is held").put((scope, key), version.clone());
        Ok(version)
    }

    fn kept(&self, scope: TenantScope, key: VersionKey) -> Option<Arc<DagVersion>> {
        self.kept.lock().expect("no panic while the lock is held").get(&(scope, key)).cloned()
    }
}

/// The schemas of a DAG's parameters and of the forms of its approvals; or all that are none.
pub(crate) fn schemas(dag: &Dag) -> Result<(ParamSchemas, HashMap<NodeIdx, ParamSchemas>), Vec<Problem>> {
    let document = dag.document();
    let params = ParamSchemas::compile(&document.params, &Pointer::default().to("params"));
    let (mut forms, mut problems) = (HashMap::new(), Vec::new());
    for node in dag.indices().filter(|node| dag.task(*node).kind == TaskKind::Approval) {
        let place = Pointer::default().to("tasks").to(&node.0.to_string()).to("form");
        match ParamSchemas::compile(&dag.task(node).form, &place) {
            Ok(form) => drop(forms.insert(node, form)),
            Err(found) => problems.extend(found),
        }
    }
    match params {
        Ok(params) if problems.is_empty() => Ok((params, forms)),
        params => Err(params.err().into_iter().flatten().chain(problems).collect()),
    }
}

pub(crate) fn version_error(error: VersionError) -> Error {
    match error {
        VersionError::Store(error) => error.into(),
        error => Error::internal(error),
    }
}

impl Control {
    /// Versions of a DAG, newest first.
    pub async fn dag_version_list(
        &self,
        session: &Session,
        dag_id: &DagId,
        page: PageRequest,
    ) -> Result<Page<Arc<DagVersion>>, Error> {
        let scope = session.scope();
        self.dag_row(scope, dag_id).await?;
        let Page { rows, total } = self.catalog.dag_version_list(scope, dag_id, page).await?;
        let rows = rows.into_iter().map(|row| self.dag_versions.of_row(scope, row)).collect::<Result<_, _>>()?;
        Ok(Page { rows, total })
    }

    /// One version of a DAG.
    pub async fn dag_version_fetch(
        &self,
        session: &Session,
        dag_id: &DagId,
        version_number: u32,
    ) -> Result<Arc<DagVersion>, Error> {
        let scope = session.scope();
        let row = self.catalog.dag_version_find(scope, dag_id, version_number).await?;
        let row = row.ok_or_else(|| {
            Error::new(Code::VersionNotFound, format!("DAG {:?} has no version {version_number}", dag_id.as_str()))
                .hint("list its versions with GET /api/v2/dags/{dag_id}/dagVersions")
        })?;
        self.dag_versions.of_row(scope, row)
    }
}
