//! Assets, their events, and which runs consumed them.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use model::{AssetEventId, AssetId, AssetName, DagId, RunKey, TenantScope};
use serde_json::Value;
use store::{
    AssetDeclaration, AssetEventFilter, AssetEventRow, AssetRow, AssetSource, AssetStart, AssetStore, AssetUse,
    AssetUser, NewAssetEvent, Page, PageRequest, StoreError, WaitingEvent,
};

use super::rows::{SimStore, Tables, kept, micros, page};
use super::{named, rows};

#[derive(Debug, Default)]
pub(crate) struct Assets {
    rows: BTreeMap<(TenantScope, String), AssetRow>,
    users: BTreeSet<(TenantScope, AssetUser)>,
    pub(super) events: BTreeMap<(TenantScope, AssetEventId), AssetEventRow>,
    waiting: BTreeSet<(TenantScope, DagId, AssetEventId)>,
    consumed: BTreeSet<(TenantScope, RunKey, AssetEventId)>,
    starts: BTreeMap<(TenantScope, RunKey), AssetStart>,
}

impl Assets {
    /// Takes away what a DAG has to do with assets, and what waits for it.
    pub(crate) fn forget(&mut self, scope: TenantScope, dag_id: &DagId) {
        self.users.retain(|(of, user)| *of != scope || user.dag_id != *dag_id);
        self.waiting.retain(|(of, waiting, _)| *of != scope || waiting != dag_id);
        self.starts.retain(|(of, _), start| *of != scope || start.dag_id != *dag_id);
    }
}

impl Tables {
    /// The asset of a name, made where it is not there.
    fn asset(&mut self, scope: TenantScope, name: &AssetName, now: Timestamp) -> &mut AssetRow {
        let number = self.next_number();
        self.assets.rows.entry((scope, name.to_string())).or_insert_with(|| AssetRow {
            id: AssetId::from_number(number),
            name: name.clone(),
            uri: None,
            group: None,
            extra: "{}".into(),
            created_at: micros(now),
            updated_at: micros(now),
        })
    }

    pub(crate) fn asset_event(&mut self, event: &NewAssetEvent) -> AssetEventId {
        let asset = self.asset(event.scope, &event.asset, event.at).id;
        let id = AssetEventId::from_number(self.next_number());
        let source = match &event.source {
            AssetSource::Api { by } => AssetSource::Api { by: kept(by) },
            task @ AssetSource::Task { .. } => task.clone(),
        };
        let (name, extra) = (event.asset.clone(), kept(&event.extra).into());
        let row = AssetEventRow { id, asset, name, extra, source, at: micros(event.at) };
        self.assets.events.insert((event.scope, id), row);
        let users = self.assets.users.iter().filter(|(scope, user)| *scope == event.scope && user.asset == asset);
        let waiting = users.filter(|(_, user)| user.kind == AssetUse::Awaited);
        let waiting: Vec<_> = waiting.map(|(scope, user)| (*scope, user.dag_id.clone(), id)).collect();
        self.assets.waiting.extend(waiting);
        id
    }

    fn declare(&mut self, scope: TenantScope, declaration: &AssetDeclaration, now: Timestamp) {
        let AssetDeclaration { dag_id, produced, read, awaited } = declaration;
        self.assets.users.retain(|(of, user)| *of != scope || user.dag_id != *dag_id);
        let mut users = Vec::new();
        for (task, document) in produced {
            let row = self.asset(scope, &document.name, now);
            let extra = kept(&Value::Object(document.extra.clone()).to_string());
            let (uri, group) = (document.uri.as_deref().map(kept), document.group.as_deref().map(kept));
            if (&row.uri, &row.group, row.extra.as_ref()) != (&uri, &group, extra.as_str()) {
                (row.uri, row.group, row.extra, row.updated_at) = (uri, group, extra.into(), micros(now));
            }
            users.push((row.id, AssetUse::Produced, Some(task.clone())));
        }
        for (task, name) in read {
            users.push((self.asset(scope, name, now).id, AssetUse::Read, Some(task.clone())));
        }
        for name in awaited {
            users.push((self.asset(scope, name, now).id, AssetUse::Awaited, None));
        }
        let user = |(asset, kind, task_id)| (scope, AssetUser { asset, kind, dag_id: dag_id.clone(), task_id });
        self.assets.users.extend(users.into_iter().map(user));
        let Assets { users, events, waiting, .. } = &mut self.assets;
        waiting.retain(|(of, dag, id)| {
            let asset = events[&(*of, *id)].asset;
            let awaits = AssetUser { asset, kind: AssetUse::Awaited, dag_id: dag.clone(), task_id: None };
            (*of, dag) != (scope, dag_id) || users.contains(&(*of, awaits))
        });
    }

    fn waiting(&self, scope: TenantScope, dag_id: &DagId) -> Vec<&AssetEventRow> {
        let waiting = self.assets.waiting.iter().filter(|(of, dag, _)| (*of, dag) == (scope, dag_id));
        waiting.map(|(_, _, id)| &self.assets.events[&(scope, *id)]).collect()
    }
}

#[async_trait]
impl AssetStore for SimStore {
    async fn asset_declare(
        &self,
        scope: TenantScope,
        declaration: &AssetDeclaration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.tables().declare(scope, declaration, now);
        Ok(())
    }

    async fn asset_fetch(&self, scope: TenantScope, id: AssetId) -> Result<Option<AssetRow>, StoreError> {
        let tables = self.tables();
        let mut of_scope = tables.assets.rows.iter().filter(|((of, _), _)| *of == scope);
        Ok(of_scope.find(|(_, row)| row.id == id).map(|(_, row)| row.clone()))
    }

    async fn asset_find(&self, scope: TenantScope, name: &AssetName) -> Result<Option<AssetRow>, StoreError> {
        Ok(self.tables().assets.rows.get(&(scope, name.to_string())).cloned())
    }

    async fn asset_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<AssetRow>, StoreError> {
        Ok(named::list(&self.tables().assets.rows, scope, pattern, page))
    }

    async fn asset_users(&self, scope: TenantScope, id: AssetId) -> Result<Vec<AssetUser>, StoreError> {
        let tables = self.tables();
        let users = tables.assets.users.iter().filter(|(of, user)| *of == scope && user.asset == id);
        Ok(users.map(|(_, user)| user.clone()).collect())
    }

    async fn asset_event_insert(&self, event: &NewAssetEvent) -> Result<AssetEventId, StoreError> {
        let mut tables = self.tables();
        let id = tables.asset_event(event);
        tables.tell_of_asset(event.scope, &event.asset);
        Ok(id)
    }

    async fn asset_event_list(
        &self,
        scope: TenantScope,
        filter: &AssetEventFilter,
        of: PageRequest,
    ) -> Result<Page<AssetEventRow>, StoreError> {
        let tables = self.tables();
        let is_wanted = |row: &&AssetEventRow| {
            let is_of_dag = |dag: &DagId| matches!(&row.source, AssetSource::Task { dag_id, .. } if dag_id == dag);
            filter.asset.is_none_or(|asset| row.asset == asset)
                && filter.source_dag.as_ref().is_none_or(is_of_dag)
                && filter.at.0.is_none_or(|from| row.at >= from)
                && filter.at.1.is_none_or(|to| row.at <= to)
        };
        let of_scope = tables.assets.events.iter().filter(|((of, _), _)| *of == scope).map(|(_, row)| row);
        let mut found: Vec<_> = of_scope.filter(is_wanted).cloned().collect();
        if filter.descending {
            found.reverse();
        }
        Ok(page(found, of))
    }

    async fn asset_events_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<AssetEventRow>, StoreError> {
        let tables = self.tables();
        let consumed = tables.assets.consumed.iter().filter(|(of, by, _)| (*of, *by) == (scope, run));
        Ok(consumed.map(|(_, _, id)| tables.assets.events[&(scope, *id)].clone()).collect())
    }

    async fn asset_event_runs(&self, scope: TenantScope, id: AssetEventId) -> Result<Vec<RunKey>, StoreError> {
        let tables = self.tables();
        let consumed = tables.assets.consumed.iter().filter(|(of, _, event)| (*of, *event) == (scope, id));
        Ok(consumed.map(|(_, run, _)| *run).collect())
    }

    async fn dags_with_waiting_events(&self, scope: TenantScope) -> Result<Vec<DagId>, StoreError> {
        let tables = self.tables();
        let waiting = tables.assets.waiting.iter().filter(|(of, ..)| *of == scope).map(|(_, dag_id, _)| dag_id);
        let is_going = |dag_id: &&DagId| {
            let dag = tables.bundles.dags.get(&(scope, (*dag_id).clone()));
            dag.is_some_and(|dag| !dag.is_stale && !dag.is_paused)
        };
        let dags: BTreeSet<_> = waiting.filter(is_going).cloned().collect();
        Ok(dags.into_iter().collect())
    }

    async fn asset_events_waiting(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        limit: u32,
    ) -> Result<Vec<WaitingEvent>, StoreError> {
        let tables = self.tables();
        let waiting = tables.waiting(scope, dag_id).into_iter().take(limit as usize);
        let event =
            |row: &AssetEventRow| WaitingEvent { id: row.id, asset: row.asset, name: row.name.clone(), at: row.at };
        Ok(waiting.map(event).collect())
    }

    async fn asset_events_drop(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        asset: Option<AssetId>,
    ) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let waiting = tables.waiting(scope, dag_id).into_iter();
        let dropped: Vec<_> =
            waiting.filter(|row| asset.is_none_or(|asset| row.asset == asset)).map(|row| row.id).collect();
        for id in &dropped {
            tables.assets.waiting.remove(&(scope, dag_id.clone(), *id));
        }
        Ok(dropped.len() as u64)
    }

    async fn asset_consume(
        &self,
        scope: TenantScope,
        start: &AssetStart,
        events: &[AssetEventId],
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let waits = |id: &AssetEventId| (scope, start.dag_id.clone(), *id);
        if !events.iter().all(|id| tables.assets.waiting.contains(&waits(id))) {
            return Ok(false);
        }
        if tables.assets.starts.contains_key(&(scope, start.run)) {
            return Err(rows::unavailable("a run is started twice"));
        }
        for id in events {
            tables.assets.waiting.remove(&waits(id));
            tables.assets.consumed.insert((scope, start.run, *id));
        }
        let data_interval = (micros(start.data_interval.0), micros(start.data_interval.1));
        tables
            .assets
            .starts
            .insert((scope, start.run), AssetStart { data_interval, at: micros(start.at), ..start.clone() });
        Ok(true)
    }

    async fn asset_starts(&self, scope: TenantScope, limit: u32) -> Result<Vec<AssetStart>, StoreError> {
        let tables = self.tables();
        let starts = tables.assets.starts.iter().filter(|((of, _), _)| *of == scope);
        Ok(starts.take(limit as usize).map(|(_, start)| start.clone()).collect())
    }

    async fn asset_start_done(&self, scope: TenantScope, run: RunKey) -> Result<(), StoreError> {
        self.tables().assets.starts.remove(&(scope, run));
        Ok(())
    }
}
