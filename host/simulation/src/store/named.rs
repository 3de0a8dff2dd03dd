//! Variables, connections and pools: rows that are found by a name.

use std::collections::BTreeMap;

use async_trait::async_trait;
use model::{ConnectionId, Key, PoolName, TenantScope};
use store::{
    ConnectionRow, ConnectionStore, Hidden, Page, PageRequest, PoolRow, PoolStore, StoreError, VariableRow,
    VariableStore,
};

use super::pattern;
use super::rows::{SimStore, kept, micros, page};

/// Rows by name, each tenant's apart.
pub(crate) type Named<N, R> = BTreeMap<(TenantScope, N), R>;

fn put<N: Ord, R>(rows: &mut Named<N, R>, scope: TenantScope, name: N, row: R, only_new: bool) -> bool {
    let key = (scope, name);
    if only_new && rows.contains_key(&key) {
        return false;
    }
    rows.insert(key, row);
    true
}

pub(crate) fn list<N: AsRef<str>, R: Clone>(
    rows: &BTreeMap<(TenantScope, N), R>,
    scope: TenantScope,
    pattern: Option<&str>,
    of: PageRequest,
) -> Page<R> {
    let is_wanted = |name: &str| pattern.is_none_or(|pattern| pattern::matches(pattern, name));
    let rows = rows.iter().filter(|((of, name), _)| *of == scope && is_wanted(name.as_ref()));
    page(rows.map(|(_, row)| row.clone()).collect(), of)
}

fn hidden(text: &Hidden) -> Hidden {
    Hidden::new(kept(text.reveal()))
}

fn text(text: &Option<String>) -> Option<String> {
    text.as_deref().map(kept)
}

#[async_trait]
impl VariableStore for SimStore {
    async fn variable_put(&self, scope: TenantScope, row: &VariableRow, only_new: bool) -> Result<bool, StoreError> {
        let kept = VariableRow {
            key: row.key.clone(),
            value: hidden(&row.value),
            description: text(&row.description),
            updated_at: micros(row.updated_at),
        };
        Ok(put(&mut self.tables().variables, scope, row.key.to_string(), kept, only_new))
    }

    async fn variable_fetch(&self, scope: TenantScope, key: &Key) -> Result<Option<VariableRow>, StoreError> {
        Ok(self.tables().variables.get(&(scope, key.to_string())).cloned())
    }

    async fn variable_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<VariableRow>, StoreError> {
        Ok(list(&self.tables().variables, scope, pattern, page))
    }

    async fn variable_delete(&self, scope: TenantScope, key: &Key) -> Result<bool, StoreError> {
        Ok(self.tables().variables.remove(&(scope, key.to_string())).is_some())
    }
}

#[async_trait]
impl ConnectionStore for SimStore {
    async fn connection_put(
        &self,
        scope: TenantScope,
        row: &ConnectionRow,
        only_new: bool,
    ) -> Result<bool, StoreError> {
        let kept = ConnectionRow {
            connection_id: row.connection_id.clone(),
            conn_type: kept(&row.conn_type),
            description: text(&row.description),
            host: text(&row.host),
            login: text(&row.login),
            password: row.password.as_ref().map(hidden),
            schema: text(&row.schema),
            port: row.port,
            extra: row.extra.as_ref().map(hidden),
            updated_at: micros(row.updated_at),
        };
        Ok(put(&mut self.tables().connections, scope, row.connection_id.to_string(), kept, only_new))
    }

    async fn connection_fetch(
        &self,
        scope: TenantScope,
        connection_id: &ConnectionId,
    ) -> Result<Option<ConnectionRow>, StoreError> {
        Ok(self.tables().connections.get(&(scope, connection_id.to_string())).cloned())
    }

    async fn connection_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<ConnectionRow>, StoreError> {
        Ok(list(&self.tables().connections, scope, pattern, page))
    }

    async fn connection_delete(&self, scope: TenantScope, connection_id: &ConnectionId) -> Result<bool, StoreError> {
        Ok(self.tables().connections.remove(&(scope, connection_id.to_string())).is_some())
    }
}

#[async_trait]
impl PoolStore for SimStore {
    async fn pool_put(&self, scope: TenantScope, row: &PoolRow, only_new: bool) -> Result<bool, StoreError> {
        let kept = PoolRow {
            name: row.name.clone(),
            slots: row.slots,
            description: text(&row.description),
            include_deferred: row.include_deferred,
            updated_at: micros(row.updated_at),
        };
        Ok(put(&mut self.tables().pools, scope, row.name.to_string(), kept, only_new))
    }

    async fn pool_fetch(&self, scope: TenantScope, name: &PoolName) -> Result<Option<PoolRow>, StoreError> {
        Ok(self.tables().pools.get(&(scope, name.to_string())).cloned())
    }

    async fn pool_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<PoolRow>, StoreError> {
        Ok(list(&self.tables().pools, scope, pattern, page))
    }

    async fn pool_delete(&self, scope: TenantScope, name: &PoolName) -> Result<bool, StoreError> {
        Ok(self.tables().pools.remove(&(scope, name.to_string())).is_some())
    }
}
