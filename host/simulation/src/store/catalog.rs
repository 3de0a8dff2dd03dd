//! Bundles, DAGs and their versions.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use model::{BundleName, BundleVersionKey, DagId, Digest, TenantScope, VersionKey};
use store::{
    BundleRegistered, BundleRow, Catalog, DagDeletion, DagFilter, DagRegistered, DagRow, DagVersionRow,
    NewBundleVersion, Page, PageRequest, StoreError,
};

use super::rows::{kept, page};
use super::{SimStore, pattern};

#[derive(Debug, Default)]
pub(crate) struct Bundles {
    /// By what makes a bundle version the same.
    bundle_versions: BTreeMap<(TenantScope, BundleName, Digest), BundleVersionKey>,
    bundles: BTreeMap<(TenantScope, BundleName), BundleRow>,
    pub(crate) versions: BTreeMap<(TenantScope, VersionKey), DagVersionRow>,
    pub(crate) dags: BTreeMap<(TenantScope, DagId), Dag>,
}

#[derive(Debug)]
pub(crate) struct Dag {
    bundle: BundleName,
    pub(crate) is_stale: bool,
    pub(crate) is_paused: bool,
    pub(crate) pause_reason: Option<String>,
    pub(crate) unpaused_at: Option<Timestamp>,
    pub(crate) current: VersionKey,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Bundles {
    fn register(&mut self, scope: TenantScope, new: &NewBundleVersion) -> Result<BundleRegistered, StoreError> {
        for dag in &new.dags {
            let known = self.dags.get(&(scope, dag.dag_id.clone()));
            if known.is_some_and(|known| known.bundle != new.name && !known.is_stale) {
                let name = dag.dag_id.as_str().to_owned();
                return Err(StoreError::Conflict { what: "DAG", name, why: "belongs to another bundle" });
            }
        }
        let same = (scope, new.name.clone(), new.component);
        let created = !self.bundle_versions.contains_key(&same);
        let key = *self.bundle_versions.entry(same).or_insert(new.key);
        let row =
            BundleRow { name: new.name.clone(), current: key, component: new.component, updated_at: new.created_at };
        let kept = self.bundles.entry((scope, new.name.clone())).or_insert_with(|| row.clone());
        if kept.current != key {
            *kept = row;
        }
        let dags: Vec<_> = new.dags.iter().map(|dag| self.register_dag(scope, new, key, dag)).collect();
        let defined: BTreeSet<_> = new.dags.iter().map(|dag| &dag.dag_id).collect();
        for ((of, dag_id), dag) in &mut self.dags {
            dag.is_stale |= *of == scope && dag.bundle == new.name && !defined.contains(dag_id);
        }
        Ok(BundleRegistered { key, created, dags })
    }

    fn register_dag(
        &mut self,
        scope: TenantScope,
        new: &NewBundleVersion,
        bundle_version: BundleVersionKey,
        dag: &store::NewDagVersion,
    ) -> DagRegistered {
        let same = self.versions_of(scope, &dag.dag_id).find(|row| row.digest == dag.digest);
        let created = same.is_none();
        let (version, version_number) = match same {
            Some(row) => (row.key, row.version_number),
            None => {
                let last = self.versions_of(scope, &dag.dag_id).map(|row| row.version_number).max();
                let version_number = last.unwrap_or(0) + 1;
                let row = DagVersionRow {
                    key: dag.key,
                    dag_id: dag.dag_id.clone(),
                    version_number,
                    digest: dag.digest,
                    component: new.component,
                    document: dag.document.clone(),
                    label: dag.label.as_deref().map(kept),
                    bundle: new.name.clone(),
                    bundle_version,
                    created_at: new.created_at,
                };
                self.versions.insert((scope, dag.key), row);
                (dag.key, version_number)
            }
        };
        let row = self.dags.entry((scope, dag.dag_id.clone())).or_insert_with(|| Dag {
            bundle: new.name.clone(),
            is_stale: false,
            is_paused: false,
            pause_reason: None,
            unpaused_at: None,
            current: version,
            created_at: new.created_at,
            updated_at: new.created_at,
        });
        row.bundle = new.name.clone();
        row.is_stale = false;
        if row.current != version {
            row.current = version;
            row.updated_at = new.created_at;
        }
        DagRegistered { dag_id: dag.dag_id.clone(), version, version_number, created }
    }

    fn versions_of(&self, scope: TenantScope, dag_id: &DagId) -> impl Iterator<Item = &DagVersionRow> {
        self.versions.iter().filter(move |((of, _), row)| *of == scope && row.dag_id == *dag_id).map(|(_, row)| row)
    }

    fn dag_row(&self, scope: TenantScope, dag_id: &DagId, dag: &Dag) -> Option<DagRow> {
        Some(DagRow {
            dag_id: dag_id.clone(),
            bundle: dag.bundle.clone(),
            is_stale: dag.is_stale,
            is_paused: dag.is_paused,
            current: self.versions.get(&(scope, dag.current))?.clone(),
            created_at: dag.created_at,
            updated_at: dag.updated_at,
        })
    }
}

fn tags(row: &DagRow) -> BTreeSet<String> {
    let document: serde_json::Value = serde_json::from_str(&row.current.document).unwrap_or_default();
    let tags = document["tags"].as_array().into_iter().flatten();
    tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
}

fn holds(filter: &DagFilter, row: &DagRow) -> bool {
    let tags = tags(row);
    let mut wanted = filter.tags.iter();
    let has_tags = match (filter.tags.is_empty(), filter.tags_match_all) {
        (true, _) => true,
        (_, true) => wanted.all(|tag| tags.contains(tag)),
        (_, false) => wanted.any(|tag| tags.contains(tag)),
    };
    has_tags
        && (filter.include_stale || !row.is_stale)
        && filter.bundle.as_ref().is_none_or(|bundle| *bundle == row.bundle)
        && filter.paused.is_none_or(|paused| paused == row.is_paused)
        && filter.dag_id_pattern.as_ref().is_none_or(|it| pattern::matches(it, row.dag_id.as_str()))
}

#[async_trait]
impl Catalog for SimStore {
    async fn bundle_register(
        &self,
        scope: TenantScope,
        version: NewBundleVersion,
    ) -> Result<BundleRegistered, StoreError> {
        self.tables().bundles.register(scope, &version)
    }

    async fn bundle_list(&self, scope: TenantScope, of: PageRequest) -> Result<Page<BundleRow>, StoreError> {
        let tables = self.tables();
        let rows = tables.bundles.bundles.iter().filter(|((it, _), _)| *it == scope).map(|(_, row)| row.clone());
        Ok(page(rows.collect(), of))
    }

    async fn bundle_lacks_dags(&self, scope: TenantScope, version: BundleVersionKey) -> Result<bool, StoreError> {
        let bundles = &self.tables().bundles;
        let mut of_bundle = bundles.versions.values().filter(|row| row.bundle_version == version);
        Ok(of_bundle.any(|row| !bundles.dags.contains_key(&(scope, row.dag_id.clone()))))
    }

    async fn dag_fetch(&self, scope: TenantScope, dag_id: &DagId) -> Result<Option<DagRow>, StoreError> {
        let bundles = &self.tables().bundles;
        let dag = bundles.dags.get(&(scope, dag_id.clone()));
        Ok(dag.and_then(|dag| bundles.dag_row(scope, dag_id, dag)))
    }

    async fn dag_list(
        &self,
        scope: TenantScope,
        filter: &DagFilter,
        of: PageRequest,
    ) -> Result<Page<DagRow>, StoreError> {
        let bundles = &self.tables().bundles;
        let dags = bundles.dags.iter().filter(|((it, _), _)| *it == scope);
        let mut rows: Vec<_> = dags.filter_map(|((_, dag_id), dag)| bundles.dag_row(scope, dag_id, dag)).collect();
        rows.retain(|row| holds(filter, row));
        if filter.descending {
            rows.reverse();
        }
        Ok(page(rows, of))
    }

    async fn dag_delete(&self, scope: TenantScope, dag_id: &DagId) -> Result<DagDeletion, StoreError> {
        let mut tables = self.tables();
        if tables.runs_of(scope).any(|run| run.row.dag_id == *dag_id) {
            return Ok(DagDeletion::HasRuns);
        }
        tables.schedules.remove(&(scope, dag_id.clone()));
        tables.backfills.retain(|_, backfill| !backfill.is_of(scope, dag_id));
        tables.assets.forget(scope, dag_id);
        let is_known = tables.bundles.dags.remove(&(scope, dag_id.clone())).is_some();
        Ok(if is_known { DagDeletion::Deleted } else { DagDeletion::Unknown })
    }

    async fn dag_version_activate(
        &self,
        scope: TenantScope,
        version: &DagVersionRow,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let dag = tables.bundles.dags.get_mut(&(scope, version.dag_id.clone()));
        let Some(dag) = dag.filter(|dag| dag.current != version.key) else { return Ok(false) };
        (dag.current, dag.updated_at) = (version.key, at);
        Ok(true)
    }

    async fn tag_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        of: PageRequest,
    ) -> Result<Page<String>, StoreError> {
        let bundles = &self.tables().bundles;
        let dags = bundles.dags.iter().filter(|((it, _), _)| *it == scope);
        let rows = dags.filter_map(|((_, dag_id), dag)| bundles.dag_row(scope, dag_id, dag));
        let tags: BTreeSet<String> = rows.flat_map(|row| tags(&row)).collect();
        let fits = |tag: &String| pattern.is_none_or(|it| pattern::matches(it, tag));
        Ok(page(tags.into_iter().filter(fits).collect(), of))
    }

    async fn dag_version_fetch(
        &self,
        scope: TenantScope,
        key: VersionKey,
    ) -> Result<Option<DagVersionRow>, StoreError> {
        Ok(self.tables().bundles.versions.get(&(scope, key)).cloned())
    }

    async fn dag_version_find(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        version_number: u32,
    ) -> Result<Option<DagVersionRow>, StoreError> {
        let tables = self.tables();
        let mut versions = tables.bundles.versions_of(scope, dag_id);
        Ok(versions.find(|row| row.version_number == version_number).cloned())
    }

    async fn dag_version_list(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        of: PageRequest,
    ) -> Result<Page<DagVersionRow>, StoreError> {
        let tables = self.tables();
        let mut rows: Vec<_> = tables.bundles.versions_of(scope, dag_id).cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.version_number));
        Ok(page(rows, of))
    }
}
