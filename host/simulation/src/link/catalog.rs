//! The catalog, on a link.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{BundleVersionKey, DagId, TenantScope, VersionKey};
use store::{
    BundleRegistered, BundleRow, Catalog, DagDeletion, DagFilter, DagRow, DagVersionRow, NewBundleVersion, Page,
    PageRequest, StoreError,
};

use super::Link;

#[async_trait]
impl Catalog for Link {
    async fn bundle_register(
        &self,
        scope: TenantScope,
        version: NewBundleVersion,
    ) -> Result<BundleRegistered, StoreError> {
        self.call("registration", self.store.bundle_register(scope, version)).await
    }

    async fn bundle_list(&self, scope: TenantScope, page: PageRequest) -> Result<Page<BundleRow>, StoreError> {
        self.call("read of bundles", self.store.bundle_list(scope, page)).await
    }

    async fn bundle_lacks_dags(&self, scope: TenantScope, version: BundleVersionKey) -> Result<bool, StoreError> {
        self.call("read of a bundle", self.store.bundle_lacks_dags(scope, version)).await
    }

    async fn dag_fetch(&self, scope: TenantScope, dag_id: &DagId) -> Result<Option<DagRow>, StoreError> {
        self.call("read of a DAG", self.store.dag_fetch(scope, dag_id)).await
    }

    async fn dag_list(
        &self,
        scope: TenantScope,
        filter: &DagFilter,
        page: PageRequest,
    ) -> Result<Page<DagRow>, StoreError> {
        self.call("read of DAGs", self.store.dag_list(scope, filter, page)).await
    }

    async fn dag_delete(&self, scope: TenantScope, dag_id: &DagId) -> Result<DagDeletion, StoreError> {
        self.call("deletion of a DAG", self.store.dag_delete(scope, dag_id)).await
    }

    async fn dag_version_activate(
        &self,
        scope: TenantScope,
        version: &DagVersionRow,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call("activation of a version", self.store.dag_version_activate(scope, version, at)).await
    }

    async fn tag_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<String>, StoreError> {
        self.call("read of tags", self.store.tag_list(scope, pattern, page)).await
    }

    async fn dag_version_fetch(
        &self,
        scope: TenantScope,
        key: VersionKey,
    ) -> Result<Option<DagVersionRow>, StoreError> {
        self.call("read of a version", self.store.dag_version_fetch(scope, key)).await
    }

    async fn dag_version_find(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        version_number: u32,
    ) -> Result<Option<DagVersionRow>, StoreError> {
        self.call("read of a version", self.store.dag_version_find(scope, dag_id, version_number)).await
    }

    async fn dag_version_list(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        page: PageRequest,
    ) -> Result<Page<DagVersionRow>, StoreError> {
        self.call("read of versions", self.store.dag_version_list(scope, dag_id, page)).await
    }
}
