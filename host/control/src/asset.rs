//! Assets, their events, and which runs these started.

use std::collections::BTreeSet;
use std::collections::hash_map::{Entry, HashMap};
use std::sync::Arc;

use model::limits::asset::EXTRA_MAX_BYTES;
use model::limits::schedule::EVENTS_PER_RUN_MAX;
use model::{AssetEventId, AssetId, DagId, RunId, RunKey, TenantScope};
use serde_json::{Value, json};
use store::{
    AssetEventFilter, AssetEventRow, AssetRow, AssetSource, AssetUse, AssetUser, InstanceFilter, NewAssetEvent, Page,
    PageRequest, RunRow, WaitingEvent,
};

use crate::event_log::About;
use crate::{Code, Control, DagRunView, Error, Session, TriggerRequest};

/// An asset and who has to do with it.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetView {
    pub row: AssetRow,
    pub users: Vec<AssetUser>,
    pub last_event: Option<AssetEventRow>,
}

/// An event, what it is of, and the runs that consumed it.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetEventView {
    pub row: AssetEventRow,
    pub uri: Option<String>,
    pub group: Option<String>,
    pub runs: Vec<RunRow>,
}

/// An event that somebody tells.
#[derive(Debug, Clone)]
pub struct AssetEventRequest {
    pub asset: AssetId,
    /// JSON object.
    pub extra: Option<Arc<str>>,
}

/// A run's first instance tells its names.
const ONE: PageRequest = PageRequest { limit: 1, offset: 0 };
const WAITING_MAX: u32 = EVENTS_PER_RUN_MAX as u32;

impl Control {
    /// Assets by name.
    pub async fn asset_list(
        &self,
        session: &Session,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<AssetView>, Error> {
        let Page { rows, total } = self.times.asset_list(session.scope(), pattern, page).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(self.asset_view(session.scope(), row).await?);
        }
        Ok(Page { rows: views, total })
    }

    /// One asset.
    pub async fn asset_fetch(&self, session: &Session, id: AssetId) -> Result<AssetView, Error> {
        let row = self.asset_row(session.scope(), id).await?;
        self.asset_view(session.scope(), row).await
    }

    /// Events.
    pub async fn asset_event_list(
        &self,
        session: &Session,
        filter: &AssetEventFilter,
        page: PageRequest,
    ) -> Result<Page<AssetEventView>, Error> {
        let Page { rows, total } = self.times.asset_event_list(session.scope(), filter, page).await?;
        Ok(Page { rows: self.event_views(session.scope(), rows).await?, total })
    }

    /// Tells that an asset was changed; the runs that wait for it follow.
    pub async fn asset_event_create(
        &self,
        session: &Session,
        request: AssetEventRequest,
    ) -> Result<AssetEventView, Error> {
        let scope = session.scope();
        let asset = self.asset_row(scope, request.asset).await?;
        let extra = request.extra.unwrap_or_else(|| "{}".into());
        check_extra(&extra)?;
        let event = NewAssetEvent {
            scope,
            asset: asset.name.clone(),
            extra: extra.clone(),
            source: AssetSource::Api { by: session.name().to_owned() },
            at: self.clock.now(),
        };
        let id = self.times.asset_event_insert(&event).await?;
        self.scheduling.poke();
        tracing::info!(tenant = %scope.tenant(), asset = %asset.name, event = %id, by = session.name(), "asset event");
        self.record(session, "asset_event", About::default(), json!({"asset": asset.name.as_str()})).await;
        let NewAssetEvent { source, at, .. } = event;
        let row = AssetEventRow { id, asset: asset.id, name: asset.name, extra, source, at };
        Ok(AssetEventView { row, uri: asset.uri, group: asset.group, runs: Vec::new() })
    }

    /// Starts a run of the DAG that makes an asset.
    pub async fn asset_materialize(&self, session: &Session, id: AssetId) -> Result<DagRunView, Error> {
        let asset = self.asset_row(session.scope(), id).await?;
        let users = self.times.asset_users(session.scope(), id).await?;
        let makers = users.into_iter().filter(|user| user.kind == AssetUse::Produced).map(|user| user.dag_id);
        let mut makers = BTreeSet::from_iter(makers).into_iter();
        let (Some(dag_id), None) = (makers.next(), makers.next()) else {
            let message = format!("not exactly one DAG makes asset {:?}", asset.name.as_str());
            return Err(Error::new(Code::InvalidRequest, message).hint("trigger the DAG that you mean"));
        };
        self.dag_run_trigger(session, TriggerRequest::of(dag_id)).await
    }

    /// The events that a run consumed.
    pub async fn dag_run_asset_events(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
    ) -> Result<Vec<AssetEventView>, Error> {
        let scope = session.scope();
        let run = self.dag_run_find(scope, dag_id, run_id).await?;
        let rows = self.times.asset_events_of_run(scope, run.row.key).await?;
        self.event_views(scope, rows).await
    }

    /// The events that wait for a DAG, the first of them; of one asset or of all.
    pub async fn asset_events_waiting(
        &self,
        session: &Session,
        dag_id: &DagId,
        asset: Option<AssetId>,
    ) -> Result<Vec<WaitingEvent>, Error> {
        let scope = session.scope();
        self.dag_row(scope, dag_id).await?;
        let mut waiting = self.times.asset_events_waiting(scope, dag_id, WAITING_MAX).await?;
        waiting.retain(|event| asset.is_none_or(|asset| event.asset == asset));
        if waiting.is_empty() { Err(nothing_waits(dag_id)) } else { Ok(waiting) }
    }

    /// Takes back what waits for a DAG.
    pub async fn asset_events_drop(
        &self,
        session: &Session,
        dag_id: &DagId,
        asset: Option<AssetId>,
    ) -> Result<(), Error> {
        let scope = session.scope();
        self.dag_row(scope, dag_id).await?;
        let count = self.times.asset_events_drop(scope, dag_id, asset).await?;
        if count == 0 {
            return Err(nothing_waits(dag_id));
        }
        tracing::info!(tenant = %scope.tenant(), dag = %dag_id, count, by = session.name(), "waiting events dropped");
        let about = About { dag_id: Some(dag_id), ..About::default() };
        self.record(session, "asset_events_drop", about, json!({"count": count})).await;
        Ok(())
    }

    async fn asset_row(&self, scope: TenantScope, id: AssetId) -> Result<AssetRow, Error> {
        self.times.asset_fetch(scope, id).await?.ok_or_else(|| {
            Error::new(Code::AssetNotFound, format!("there is no asset {id}")).hint("list them with GET /api/v2/assets")
        })
    }

    async fn asset_view(&self, scope: TenantScope, row: AssetRow) -> Result<AssetView, Error> {
        let users = self.times.asset_users(scope, row.id).await?;
        let last = AssetEventFilter { asset: Some(row.id), descending: true, ..AssetEventFilter::default() };
        let last_event = self.times.asset_event_list(scope, &last, ONE).await?.rows.pop();
        Ok(AssetView { row, users, last_event })
    }

    async fn event_views(&self, scope: TenantScope, rows: Vec<AssetEventRow>) -> Result<Vec<AssetEventView>, Error> {
        let (mut assets, mut runs) = (HashMap::<AssetId, Option<AssetRow>>::new(), HashMap::new());
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let asset = match assets.entry(row.asset) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.times.asset_fetch(scope, row.asset).await?),
            };
            let asset = asset.as_ref();
            views.push(AssetEventView {
                uri: asset.and_then(|asset| asset.uri.clone()),
                group: asset.and_then(|asset| asset.group.clone()),
                runs: self.consumers(scope, row.id, &mut runs).await?,
                row,
            });
        }
        Ok(views)
    }

    /// The runs that consumed an event; those that are about to be made are not there yet.
    async fn consumers(
        &self,
        scope: TenantScope,
        event: AssetEventId,
        known: &mut HashMap<RunKey, Option<RunRow>>,
    ) -> Result<Vec<RunRow>, Error> {
        let mut consumers = Vec::new();
        for key in self.times.asset_event_runs(scope, event).await? {
            let run = match known.entry(key) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.run_of_key(scope, key).await?),
            };
            consumers.extend(run.clone());
        }
        Ok(consumers)
    }

    async fn run_of_key(&self, scope: TenantScope, key: RunKey) -> Result<Option<RunRow>, Error> {
        let filter = InstanceFilter { run: Some(key), ..InstanceFilter::default() };
        let Some(instance) = self.runs.instance_list(scope, &filter, ONE).await?.rows.pop() else { return Ok(None) };
        Ok(self.runs.run_fetch(scope, &instance.dag_id, &instance.run_id).await?)
    }
}

fn nothing_waits(dag_id: &DagId) -> Error {
    Error::new(Code::EventsNotFound, format!("no event waits for DAG {:?}", dag_id.as_str()))
}

fn check_extra(extra: &str) -> Result<(), Error> {
    let invalid = |message: String| Err(Error::new(Code::InvalidRequest, message));
    if extra.len() > EXTRA_MAX_BYTES {
        return invalid(format!("extra has {} bytes, and {EXTRA_MAX_BYTES} are the most", extra.len()));
    }
    match serde_json::from_str(extra) {
        Ok(Value::Object(_)) => Ok(()),
        _ => invalid("extra is a JSON object; write {\"name\": value}".to_owned()),
    }
}
