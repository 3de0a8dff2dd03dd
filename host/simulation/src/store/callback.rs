//! Callbacks that runs owe.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use model::callback::{CallbackEvent, CallbackState};
use model::limits::callback::PER_RUN_MAX;
use model::{Fence, RunKey, TenantScope, TryNumber};
use store::{
    CallbackEnd, CallbackRow, CallbackStore, CallbackToken, DeadlineMet, NewCallback, Page, PageRequest, StoreError,
    TakenCallback,
};

use super::rows::{Run, SimStore, Tables, kept, micros, page};

impl Run {
    pub(super) fn meet_deadlines(&mut self, it: &DeadlineMet) {
        let at = micros(it.at);
        self.callbacks.retain(|_, row| {
            let is_deadline = row.event == CallbackEvent::DeadlineMissed && row.fence == Fence::NONE;
            !(is_deadline && row.state == CallbackState::Waiting && row.due_at.is_some_and(|due_at| due_at > at))
        });
    }

    /// Callbacks of one commit, numbered together; what is left out takes its number too.
    pub(super) fn owe(&mut self, all: &[&NewCallback]) {
        let first = self.callbacks.last_key_value().map_or(0, |(number, _)| number + 1);
        for (it, number) in all.iter().zip(first..) {
            if it.subject.is_some() && number >= PER_RUN_MAX {
                self.callbacks_left_out += 1;
                continue;
            }
            let row = CallbackRow {
                scope: it.scope,
                run: it.run,
                number,
                subject: it.subject,
                event: it.event,
                callback: it.callback.clone(),
                message: it.message.as_deref().map(|message| kept(message).into()),
                created_at: micros(it.at),
                state: CallbackState::Waiting,
                try_number: TryNumber(1),
                lost_executions: 0,
                fence: Fence::NONE,
                due_at: Some(micros(it.due_at)),
                started_at: None,
                ended_at: None,
                error: None,
            };
            self.callbacks.insert(number, row);
        }
    }
}

impl Tables {
    /// The row that somebody has begun, under the token's fence.
    fn running_callback(&mut self, token: CallbackToken) -> Option<&mut CallbackRow> {
        let row = self.runs.get_mut(&(token.scope, token.run))?.callbacks.get_mut(&token.number)?;
        ((row.state, row.fence) == (CallbackState::Running, token.fence)).then_some(row)
    }
}

#[async_trait]
impl CallbackStore for SimStore {
    async fn callbacks_due(&self) -> Result<Vec<(TenantScope, Timestamp)>, StoreError> {
        let mut first: BTreeMap<TenantScope, Timestamp> = BTreeMap::new();
        for row in self.tables().runs.values().flat_map(|run| run.callbacks.values()) {
            if let Some(due_at) = row.due_at {
                let first = first.entry(row.scope).or_insert(due_at);
                *first = due_at.min(*first);
            }
        }
        Ok(first.into_iter().collect())
    }

    async fn callbacks_take(
        &self,
        scope: TenantScope,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<TakenCallback>, StoreError> {
        let mut tables = self.tables();
        let rows = tables.runs_of(scope).flat_map(|run| run.callbacks.values());
        let due = rows.filter_map(|row| Some((row.due_at?, row.run, row.number)));
        let mut due: Vec<_> = due.filter(|(due_at, ..)| *due_at <= micros(now)).collect();
        due.sort_unstable();
        due.truncate(limit as usize);
        let mut taken = Vec::new();
        for (_, key, number) in due {
            let Some(run) = tables.runs.get_mut(&(scope, key)) else { continue };
            let Some(row) = run.callbacks.get_mut(&number) else { continue };
            row.lost_executions += u32::from(row.state == CallbackState::Running);
            row.state = CallbackState::Running;
            row.fence = Fence::from_row(row.fence.number() + 1);
            (row.started_at, row.due_at) = (Some(micros(now)), Some(micros(lease_until)));
            taken.push(TakenCallback { row: row.clone(), run: run.row.clone() });
        }
        Ok(taken)
    }

    async fn callbacks_renew(&self, held: &[CallbackToken], lease_until: Timestamp) -> Result<(), StoreError> {
        let mut tables = self.tables();
        for token in held {
            if let Some(row) = tables.running_callback(*token) {
                row.due_at = Some(micros(lease_until));
            }
        }
        Ok(())
    }

    async fn callbacks_end(&self, ends: &[CallbackEnd]) -> Result<(), StoreError> {
        let mut tables = self.tables();
        for end in ends {
            if let Some(row) = tables.running_callback(end.token) {
                row.state = end.to;
                (row.try_number, row.lost_executions) = (end.try_number, end.lost_executions);
                (row.due_at, row.ended_at) = (end.due_at.map(micros), end.ended_at.map(micros));
                row.error = end.error.as_deref().map(kept);
            }
        }
        Ok(())
    }

    async fn callbacks_let_go(&self, now: Timestamp) -> Result<(), StoreError> {
        for run in self.tables().runs.values_mut() {
            let running = run.callbacks.values_mut().filter(|row| row.state == CallbackState::Running);
            running.for_each(|row| row.due_at = Some(micros(now)));
        }
        Ok(())
    }

    async fn callback_list(
        &self,
        scope: TenantScope,
        run: RunKey,
        of: PageRequest,
    ) -> Result<Page<CallbackRow>, StoreError> {
        let tables = self.tables();
        let run = tables.runs.get(&(scope, run));
        Ok(page(run.map_or_else(Vec::new, |run| run.callbacks.values().cloned().collect()), of))
    }

    async fn callback_fetch(
        &self,
        scope: TenantScope,
        run: RunKey,
        number: u32,
    ) -> Result<Option<CallbackRow>, StoreError> {
        Ok(self.tables().runs.get(&(scope, run)).and_then(|run| run.callbacks.get(&number).cloned()))
    }

    async fn callbacks_left_out(&self, scope: TenantScope, run: RunKey) -> Result<u64, StoreError> {
        Ok(self.tables().runs.get(&(scope, run)).map_or(0, |run| run.callbacks_left_out))
    }
}
