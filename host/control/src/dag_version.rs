//! Versions of DAGs. Their rows never change, so what is known of one is kept in memory.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use lru::LruCache;
use model::document::TaskKind;
use model::limits::http::DIFF_CHANGES_MAX;
use model::pointer::Pointer;
use model::{Dag, DagId, NodeIdx, Problem, TenantScope, VersionKey};
use scheduler::{Version, VersionError, Versions};
use serde_json::{Value, json};
use store::{Catalog, DagVersionRow, NodeRow, Page, PageRequest};

use crate::event_log::About;
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

    /// A version as the run has it that has these tasks.
    pub(crate) fn laid_out(&self, version: Arc<DagVersion>, tasks: &[NodeRow]) -> Result<Arc<DagVersion>, Error> {
        let names: Vec<_> = tasks.iter().map(|task| &task.task_id).collect();
        let laid_out = version.version.laid_out(&names).map_err(version_error)?;
        if Arc::ptr_eq(&laid_out, &version.version) {
            return Ok(version);
        }
        let (params, forms) = schemas(&laid_out.dag).map_err(|problems| unreadable(laid_out.key, &problems))?;
        Ok(Arc::new(DagVersion { row: version.row.clone(), version: laid_out, params, forms }))
    }

    pub(crate) fn of_row(&self, scope: TenantScope, row: DagVersionRow) -> Result<Arc<DagVersion>, Error> {
        let key = row.key;
        if let Some(version) = self.kept(scope, key) {
            return Ok(version);
        }
        let version = self.versions.of_row(scope, &row).map_err(version_error)?;
        let (params, forms) = schemas(&version.dag).map_err(|problems| unreadable(key, &problems))?;
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

fn unreadable(key: VersionKey, problems: &[Problem]) -> Error {
    let detail = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Error::internal(VersionError::Unreadable { key, detail })
}

pub(crate) fn version_error(error: VersionError) -> Error {
    match error {
        VersionError::Store(error) => error.into(),
        error => Error::internal(error),
    }
}

/// What differs between two versions.
#[derive(Debug, Clone)]
pub struct VersionDiff {
    pub from: Arc<DagVersion>,
    pub to: Arc<DagVersion>,
    /// In the documents; tasks and other lists of named things are compared by name.
    pub changes: Vec<VersionChange>,
    /// False where there are more changes than are told.
    pub is_whole: bool,
}

/// A member that one document has in another way, or alone.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionChange {
    /// JSON pointer, in which a named thing stands for its position.
    pub path: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// What names the things of a list.
const NAMES: [&str; 3] = ["task_id", "group_id", "name"];

/// Things of a list by their names; none where one has none, or two have the same.
fn by_name(value: &Value) -> Option<BTreeMap<&str, &Value>> {
    let items = value.as_array().filter(|items| !items.is_empty())?;
    let named = items.iter().map(|item| Some((NAMES.iter().find_map(|key| item.get(key)?.as_str())?, item)));
    let named: BTreeMap<_, _> = named.collect::<Option<_>>()?;
    (named.len() == items.len()).then_some(named)
}

fn compare(before: &Value, after: &Value, at: &Pointer, changes: &mut Vec<VersionChange>) {
    if before == after || changes.len() > DIFF_CHANGES_MAX {
        return;
    }
    if let (Value::Object(before), Value::Object(after)) = (before, after) {
        let [before, after] =
            [before, after].map(|it| it.iter().map(|(key, value)| (key.as_str(), value)).collect::<BTreeMap<_, _>>());
        return compare_members(&before, &after, at, changes);
    }
    if let (Some(before), Some(after)) = (by_name(before), by_name(after)) {
        return compare_members(&before, &after, at, changes);
    }
    let (before, after) = (Some(before.clone()), Some(after.clone()));
    changes.push(VersionChange { path: at.as_str().to_owned(), before, after });
}

fn compare_members(
    before: &BTreeMap<&str, &Value>,
    after: &BTreeMap<&str, &Value>,
    at: &Pointer,
    changes: &mut Vec<VersionChange>,
) {
    let added = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(added) {
        match (before.get(key), after.get(key)) {
            (Some(before), Some(after)) => compare(before, after, &at.to(key), changes),
            (before, after) => {
                let [before, after] = [before, after].map(|it| it.map(|value| (*value).clone()));
                changes.push(VersionChange { path: at.to(key).as_str().to_owned(), before, after });
            }
        }
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

    /// Makes a version current that the DAG had before; new runs are of it. A deploy makes the newest one current again.
    pub async fn dag_version_activate(
        &self,
        session: &Session,
        dag_id: &DagId,
        version_number: u32,
    ) -> Result<Arc<DagVersion>, Error> {
        let scope = session.scope();
        let dag = self.dag_row(scope, dag_id).await?;
        let version = self.dag_version_fetch(session, dag_id, version_number).await?;
        if dag.is_stale {
            let message = format!("no bundle defines DAG {:?} any more", dag_id.as_str());
            return Err(Error::new(Code::DagIsStale, message).hint("deploy a bundle that defines it"));
        }
        if self.catalog.dag_version_activate(scope, &version.row, self.clock.now()).await? {
            self.scheduling.poke();
            tracing::info!(
                tenant = %scope.tenant(), dag = %dag_id, version = version_number, by = session.name(),
                "version activated"
            );
            let about = About { dag_id: Some(dag_id), ..About::default() };
            self.record(session, "activate", about, json!({"version_number": version_number})).await;
        }
        Ok(version)
    }

    /// What differs between two versions of a DAG.
    pub async fn dag_version_diff(
        &self,
        session: &Session,
        dag_id: &DagId,
        from: u32,
        to: u32,
    ) -> Result<VersionDiff, Error> {
        let from = self.dag_version_fetch(session, dag_id, from).await?;
        let to = self.dag_version_fetch(session, dag_id, to).await?;
        let [before, after] = [&from, &to].map(|version| serde_json::from_str::<Value>(&version.row.document));
        let (before, after) = (before.map_err(Error::internal)?, after.map_err(Error::internal)?);
        let mut changes = Vec::new();
        compare(&before, &after, &Pointer::default(), &mut changes);
        let is_whole = changes.len() <= DIFF_CHANGES_MAX;
        changes.truncate(DIFF_CHANGES_MAX);
        Ok(VersionDiff { from, to, changes, is_whole })
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
