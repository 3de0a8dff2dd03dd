//! Backfills and their dates.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{BackfillId, BackfillState, DagId, SliceState, TenantScope};
use store::{BackfillRow, BackfillStore, BegunSlice, NewBackfill, NewSlice, Page, PageRequest, SliceRow, StoreError};

use super::rows::{SimStore, Tables, kept, micros, page};

#[derive(Debug)]
pub(crate) struct Backfill {
    scope: TenantScope,
    row: BackfillRow,
    slices: Vec<SliceRow>,
}

impl Backfill {
    pub(crate) fn is_of(&self, scope: TenantScope, dag_id: &DagId) -> bool {
        self.scope == scope && self.row.dag_id == *dag_id
    }
}

impl Tables {
    fn backfill(&self, scope: TenantScope, id: BackfillId) -> Option<&Backfill> {
        self.backfills.get(&id).filter(|backfill| backfill.scope == scope)
    }

    fn backfill_mut(&mut self, scope: TenantScope, id: BackfillId) -> Option<&mut Backfill> {
        self.backfills.get_mut(&id).filter(|backfill| backfill.scope == scope)
    }

    /// Its dates, with how their runs stand.
    fn slices(&self, scope: TenantScope, id: BackfillId) -> Vec<SliceRow> {
        let Some(backfill) = self.backfill(scope, id) else { return Vec::new() };
        let now = |begun: BegunSlice| {
            let run = self.runs.get(&(scope, begun.run));
            BegunSlice { now: run.map(|run| (run.row.state, run.row.clears)), ..begun }
        };
        backfill.slices.iter().map(|slice| SliceRow { begun: slice.begun.map(now), ..slice.clone() }).collect()
    }
}

#[async_trait]
impl BackfillStore for SimStore {
    async fn backfill_insert(&self, scope: TenantScope, new: &NewBackfill) -> Result<BackfillId, StoreError> {
        let mut tables = self.tables();
        let of_dag = |it: &Backfill| it.scope == scope && it.row.dag_id == new.dag_id && !it.row.state.is_ended();
        if tables.backfills.values().any(of_dag) {
            let (name, why) = (new.dag_id.to_string(), "has not ended");
            return Err(StoreError::Conflict { what: "the backfill of", name, why });
        }
        let id = BackfillId::from_number(tables.next_number());
        let row = BackfillRow {
            id,
            dag_id: new.dag_id.clone(),
            state: BackfillState::Running,
            from: micros(new.from),
            to: micros(new.to),
            is_backwards: new.is_backwards,
            reprocess: new.reprocess,
            max_active_runs: new.max_active_runs,
            version: new.version,
            conf: kept(&new.conf).into(),
            params: new.params.as_deref().map(|params| kept(params).into()),
            created_by: kept(&new.created_by),
            created_at: micros(new.created_at),
            updated_at: micros(new.created_at),
            ended_at: None,
        };
        let slice = |(ordinal, slice): (u32, &NewSlice)| SliceRow {
            ordinal,
            slice: NewSlice {
                logical_date: micros(slice.logical_date),
                data_interval: (micros(slice.data_interval.0), micros(slice.data_interval.1)),
                run_after: micros(slice.run_after),
            },
            state: SliceState::Waiting,
            begun: None,
        };
        let slices = (0..).zip(&new.slices).map(slice).collect();
        tables.backfills.insert(id, Backfill { scope, row, slices });
        Ok(id)
    }

    async fn backfill_fetch(&self, scope: TenantScope, id: BackfillId) -> Result<Option<BackfillRow>, StoreError> {
        Ok(self.tables().backfill(scope, id).map(|backfill| backfill.row.clone()))
    }

    async fn backfill_list(
        &self,
        scope: TenantScope,
        dag_id: Option<&DagId>,
        of: PageRequest,
    ) -> Result<Page<BackfillRow>, StoreError> {
        let tables = self.tables();
        let rows = tables.backfills.values().rev().filter(|it| it.scope == scope).map(|it| &it.row);
        Ok(page(rows.filter(|row| dag_id.is_none_or(|dag_id| row.dag_id == *dag_id)).cloned().collect(), of))
    }

    async fn backfills_in(&self, scope: TenantScope, state: BackfillState) -> Result<Vec<BackfillRow>, StoreError> {
        let tables = self.tables();
        let rows = tables.backfills.values().filter(|it| it.scope == scope).map(|it| &it.row);
        Ok(rows.filter(|row| row.state == state && !state.is_ended()).cloned().collect())
    }

    async fn backfill_move(
        &self,
        scope: TenantScope,
        id: BackfillId,
        to: BackfillState,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let Some(backfill) = tables.backfill_mut(scope, id) else { return Ok(false) };
        if !backfill.row.state.may_become(to) {
            return Ok(false);
        }
        backfill.row.state = to;
        backfill.row.updated_at = micros(now);
        backfill.row.ended_at = to.is_ended().then_some(micros(now));
        Ok(true)
    }

    async fn slice_list(
        &self,
        scope: TenantScope,
        id: BackfillId,
        of: PageRequest,
    ) -> Result<Page<SliceRow>, StoreError> {
        Ok(page(self.tables().slices(scope, id), of))
    }

    async fn slices_in(
        &self,
        scope: TenantScope,
        id: BackfillId,
        state: SliceState,
        limit: u32,
    ) -> Result<Vec<SliceRow>, StoreError> {
        let slices = self.tables().slices(scope, id).into_iter();
        Ok(slices.filter(|slice| slice.state == state).take(limit as usize).collect())
    }

    async fn slice_begin(
        &self,
        scope: TenantScope,
        id: BackfillId,
        ordinal: u32,
        begun: BegunSlice,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let running = tables.backfill_mut(scope, id).filter(|it| it.row.state == BackfillState::Running);
        let slice = running.and_then(|it| it.slices.get_mut(ordinal as usize));
        let Some(slice) = slice.filter(|slice| slice.state == SliceState::Waiting) else { return Ok(false) };
        slice.state = SliceState::Begun;
        slice.begun = Some(BegunSlice { now: None, ..begun });
        Ok(true)
    }

    async fn slice_end(
        &self,
        scope: TenantScope,
        id: BackfillId,
        ordinal: u32,
        to: SliceState,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let slice = tables.backfill_mut(scope, id).and_then(|it| it.slices.get_mut(ordinal as usize));
        let is_open = |slice: &&mut SliceRow| matches!(slice.state, SliceState::Waiting | SliceState::Begun);
        let Some(slice) = slice.filter(is_open) else { return Ok(false) };
        slice.state = to;
        Ok(true)
    }
}
