//! What the timekeeper asks the database for.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{
    AssetEventId, AssetId, AssetName, BackfillId, BackfillState, DagId, RunKey, RunState, RunType, SliceState,
    TenantScope,
};
use store::{
    AssetDeclaration, AssetEventFilter, AssetEventRow, AssetRow, AssetStart, AssetStore, AssetUser, BackfillRow,
    BackfillStore, BegunSlice, DatedRun, NewAssetEvent, NewBackfill, Page, PageRequest, ScheduleRow, ScheduleState,
    ScheduleStore, SliceRow, StoreError, UnreadSchedule, WaitingEvent,
};

use super::Link;

#[async_trait]
impl ScheduleStore for Link {
    async fn schedule_tenants(&self) -> Result<Vec<TenantScope>, StoreError> {
        self.call("read of all tenants", self.store.schedule_tenants()).await
    }

    async fn schedule_unread(&self, scope: TenantScope, limit: u32) -> Result<Vec<UnreadSchedule>, StoreError> {
        self.call("read of new versions", self.store.schedule_unread(scope, limit)).await
    }

    async fn schedule_put(&self, scope: TenantScope, state: &ScheduleState) -> Result<bool, StoreError> {
        self.call("write of a schedule", self.store.schedule_put(scope, state)).await
    }

    async fn schedule_fetch(&self, scope: TenantScope, dag_id: &DagId) -> Result<Option<ScheduleRow>, StoreError> {
        self.call("read of a schedule", self.store.schedule_fetch(scope, dag_id)).await
    }

    async fn schedule_due(
        &self,
        scope: TenantScope,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ScheduleRow>, StoreError> {
        self.call("read of what is due", self.store.schedule_due(scope, now, limit)).await
    }

    async fn schedule_next(&self, scope: TenantScope, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.call("read of the next fire", self.store.schedule_next(scope, after)).await
    }

    async fn dag_pause(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        is_paused: bool,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call("pause", self.store.dag_pause(scope, dag_id, is_paused, reason, now)).await
    }

    async fn run_of_date(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        logical_date: Timestamp,
    ) -> Result<Option<DatedRun>, StoreError> {
        self.call("read of a date", self.store.run_of_date(scope, dag_id, logical_date)).await
    }

    async fn runs_unfinished_by_dag(&self, scope: TenantScope) -> Result<Vec<(DagId, RunType, u64)>, StoreError> {
        self.call("count of runs", self.store.runs_unfinished_by_dag(scope)).await
    }

    async fn runs_ended_last(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunState>, StoreError> {
        self.call("read of ends", self.store.runs_ended_last(scope, dag_id, after, limit)).await
    }
}

#[async_trait]
impl BackfillStore for Link {
    async fn backfill_insert(&self, scope: TenantScope, backfill: &NewBackfill) -> Result<BackfillId, StoreError> {
        self.call("backfill insert", self.store.backfill_insert(scope, backfill)).await
    }

    async fn backfill_fetch(&self, scope: TenantScope, id: BackfillId) -> Result<Option<BackfillRow>, StoreError> {
        self.call("backfill fetch", self.store.backfill_fetch(scope, id)).await
    }

    async fn backfill_list(
        &self,
        scope: TenantScope,
        dag_id: Option<&DagId>,
        page: PageRequest,
    ) -> Result<Page<BackfillRow>, StoreError> {
        self.call("backfill list", self.store.backfill_list(scope, dag_id, page)).await
    }

    async fn backfills_in(&self, scope: TenantScope, state: BackfillState) -> Result<Vec<BackfillRow>, StoreError> {
        self.call("backfills in", self.store.backfills_in(scope, state)).await
    }

    async fn backfill_move(
        &self,
        scope: TenantScope,
        id: BackfillId,
        to: BackfillState,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call("backfill move", self.store.backfill_move(scope, id, to, now)).await
    }

    async fn slice_list(
        &self,
        scope: TenantScope,
        id: BackfillId,
        page: PageRequest,
    ) -> Result<Page<SliceRow>, StoreError> {
        self.call("slice list", self.store.slice_list(scope, id, page)).await
    }

    async fn slices_in(
        &self,
        scope: TenantScope,
        id: BackfillId,
        state: SliceState,
        limit: u32,
    ) -> Result<Vec<SliceRow>, StoreError> {
        self.call("slices in", self.store.slices_in(scope, id, state, limit)).await
    }

    async fn slice_begin(
        &self,
        scope: TenantScope,
        id: BackfillId,
        ordinal: u32,
        begun: BegunSlice,
    ) -> Result<bool, StoreError> {
        self.call("slice begin", self.store.slice_begin(scope, id, ordinal, begun)).await
    }

    async fn slice_end(
        &self,
        scope: TenantScope,
        id: BackfillId,
        ordinal: u32,
        to: SliceState,
    ) -> Result<bool, StoreError> {
        self.call("slice end", self.store.slice_end(scope, id, ordinal, to)).await
    }
}

#[async_trait]
impl AssetStore for Link {
    async fn asset_declare(
        &self,
        scope: TenantScope,
        declaration: &AssetDeclaration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.call("asset declare", self.store.asset_declare(scope, declaration, now)).await
    }

    async fn asset_fetch(&self, scope: TenantScope, id: AssetId) -> Result<Option<AssetRow>, StoreError> {
        self.call("asset fetch", self.store.asset_fetch(scope, id)).await
    }

    async fn asset_find(&self, scope: TenantScope, name: &AssetName) -> Result<Option<AssetRow>, StoreError> {
        self.call("asset find", self.store.asset_find(scope, name)).await
    }

    async fn asset_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<AssetRow>, StoreError> {
        self.call("asset list", self.store.asset_list(scope, pattern, page)).await
    }

    async fn asset_users(&self, scope: TenantScope, id: AssetId) -> Result<Vec<AssetUser>, StoreError> {
        self.call("asset users", self.store.asset_users(scope, id)).await
    }

    async fn asset_event_insert(&self, event: &NewAssetEvent) -> Result<AssetEventId, StoreError> {
        self.call("asset event insert", self.store.asset_event_insert(event)).await
    }

    async fn asset_event_list(
        &self,
        scope: TenantScope,
        filter: &AssetEventFilter,
        page: PageRequest,
    ) -> Result<Page<AssetEventRow>, StoreError> {
        self.call("asset event list", self.store.asset_event_list(scope, filter, page)).await
    }

    async fn asset_events_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<AssetEventRow>, StoreError> {
        self.call("asset events of run", self.store.asset_events_of_run(scope, run)).await
    }

    async fn asset_event_runs(&self, scope: TenantScope, id: AssetEventId) -> Result<Vec<RunKey>, StoreError> {
        self.call("asset event runs", self.store.asset_event_runs(scope, id)).await
    }

    async fn dags_with_waiting_events(&self, scope: TenantScope) -> Result<Vec<DagId>, StoreError> {
        self.call("dags with waiting events", self.store.dags_with_waiting_events(scope)).await
    }

    async fn asset_events_waiting(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        limit: u32,
    ) -> Result<Vec<WaitingEvent>, StoreError> {
        self.call("asset events waiting", self.store.asset_events_waiting(scope, dag_id, limit)).await
    }

    async fn asset_events_drop(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        asset: Option<AssetId>,
    ) -> Result<u64, StoreError> {
        self.call("asset events drop", self.store.asset_events_drop(scope, dag_id, asset)).await
    }

    async fn asset_consume(
        &self,
        scope: TenantScope,
        start: &AssetStart,
        events: &[AssetEventId],
    ) -> Result<bool, StoreError> {
        self.call("asset consume", self.store.asset_consume(scope, start, events)).await
    }

    async fn asset_starts(&self, scope: TenantScope, limit: u32) -> Result<Vec<AssetStart>, StoreError> {
        self.call("asset starts", self.store.asset_starts(scope, limit)).await
    }

    async fn asset_start_done(&self, scope: TenantScope, run: RunKey) -> Result<(), StoreError> {
        self.call("asset start done", self.store.asset_start_done(scope, run)).await
    }
}
