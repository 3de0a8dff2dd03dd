//! Pools and how full they are. The default pool is always there: it is made when somebody first looks, and cannot be deleted.

use std::collections::HashMap;

use model::limits::setting::{POOL_RUNS_MAX, SLOTS_MAX, TEXT_MAX_BYTES};
use model::{DEFAULT_POOL, PoolName, Problems, RunState, TaskState, TenantScope};
use serde_json::json;
use store::{Page, PageRequest, PoolRow, RunFilter};

use crate::event_log::About;
use crate::variable::{check_length, refuse};
use crate::{Code, Control, Error, Session};

/// Runs that are read at a time.
const RUNS_PAGE: u32 = 500;

/// A pool and its slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolView {
    pub row: PoolRow,
    pub slots: PoolSlots,
}

/// Slots that instances take, by what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolSlots {
    pub running: u64,
    pub queued: u64,
    pub scheduled: u64,
    pub deferred: u64,
}

impl PoolView {
    /// Slots that nobody else can have.
    pub fn occupied(&self) -> u64 {
        let PoolSlots { running, queued, deferred, .. } = self.slots;
        running + queued + if self.row.include_deferred { deferred } else { 0 }
    }

    /// Slots that are free; `None` for a pool without end.
    pub fn open(&self) -> Option<u64> {
        self.row.slots.map(|slots| u64::from(slots).saturating_sub(self.occupied()))
    }
}

/// What of a pool is said; what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct PoolChange {
    /// `Some(None)`: as many as there are.
    pub slots: Option<Option<u32>>,
    pub description: Option<Option<String>>,
    pub include_deferred: Option<bool>,
}

impl Control {
    /// Pools by name.
    pub async fn pool_list(
        &self,
        session: &Session,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<PoolView>, Error> {
        let scope = session.scope();
        self.default_pool(scope).await?;
        let Page { rows, total } = self.pools.pool_list(scope, pattern, page).await?;
        let mut taken = self.slots_taken(scope).await?;
        let view = |row: PoolRow| PoolView { slots: taken.remove(&row.name).unwrap_or_default(), row };
        Ok(Page { rows: rows.into_iter().map(view).collect(), total })
    }

    /// One pool.
    pub async fn pool_fetch(&self, session: &Session, name: &PoolName) -> Result<PoolView, Error> {
        let row = self.pool_row(session.scope(), name).await?;
        self.pool_view(session.scope(), row).await
    }

    /// Makes a pool.
    pub async fn pool_create(
        &self,
        session: &Session,
        name: PoolName,
        slots: Option<u32>,
        change: PoolChange,
    ) -> Result<PoolView, Error> {
        self.default_pool(session.scope()).await?;
        let empty = PoolRow { name, slots, description: None, include_deferred: false, updated_at: self.clock.now() };
        self.pool_write(session, changed(empty, change), true).await
    }

    /// Changes a pool.
    pub async fn pool_change(&self, session: &Session, name: &PoolName, change: PoolChange) -> Result<PoolView, Error> {
        let row = self.pool_row(session.scope(), name).await?;
        if name.as_str() == DEFAULT_POOL && change.description.is_some() {
            let message = "of the default pool only slots and include_deferred can be changed";
            return Err(Error::new(Code::InvalidRequest, message).hint("name them alone with update_mask"));
        }
        let row = PoolRow { updated_at: self.clock.now(), ..changed(row, change) };
        self.pool_write(session, row, false).await
    }

    /// Deletes a pool.
    pub async fn pool_delete(&self, session: &Session, name: &PoolName) -> Result<(), Error> {
        if name.as_str() == DEFAULT_POOL {
            return Err(Error::new(Code::InvalidRequest, "the default pool cannot be deleted"));
        }
        if !self.pools.pool_delete(session.scope(), name).await? {
            return Err(not_found(name));
        }
        tracing::info!(tenant = %session.scope().tenant(), pool = %name, by = session.name(), "pool deleted");
        self.record(session, "pool_delete", About::default(), json!({"pool": name.as_str()})).await;
        Ok(())
    }

    async fn pool_row(&self, scope: TenantScope, name: &PoolName) -> Result<PoolRow, Error> {
        if name.as_str() == DEFAULT_POOL {
            self.default_pool(scope).await?;
        }
        self.pools.pool_fetch(scope, name).await?.ok_or_else(|| not_found(name))
    }

    async fn default_pool(&self, scope: TenantScope) -> Result<(), Error> {
        let name = default_name();
        if self.pools.pool_fetch(scope, &name).await?.is_none() {
            let row = PoolRow {
                name,
                slots: None,
                description: Some("The pool of all tasks that name none".to_owned()),
                include_deferred: false,
                updated_at: self.clock.now(),
            };
            self.pools.pool_put(scope, &row, true).await?;
        }
        Ok(())
    }

    async fn pool_write(&self, session: &Session, row: PoolRow, only_new: bool) -> Result<PoolView, Error> {
        let mut problems = Problems::default();
        if row.slots.is_some_and(|slots| slots > SLOTS_MAX) {
            problems.error(
                "too-many-slots",
                "/slots",
                format!("a pool has at most {SLOTS_MAX} slots; -1 for no limit"),
            );
        }
        check_length("/description", row.description.as_deref().unwrap_or_default(), TEXT_MAX_BYTES, &mut problems);
        refuse(problems, "the pool cannot be like this")?;
        let scope = session.scope();
        if !self.pools.pool_put(scope, &row, only_new).await? {
            let message = format!("there is a pool {:?} already", row.name.as_str());
            return Err(Error::new(Code::AlreadyExists, message).hint("change it with PATCH"));
        }
        tracing::info!(tenant = %scope.tenant(), pool = %row.name, by = session.name(), "pool written");
        self.record(session, "pool_set", About::default(), json!({"pool": row.name.as_str()})).await;
        self.pool_view(scope, row).await
    }

    async fn pool_view(&self, scope: TenantScope, row: PoolRow) -> Result<PoolView, Error> {
        let slots = self.slots_taken(scope).await?.remove(&row.name).unwrap_or_default();
        Ok(PoolView { row, slots })
    }

    /// Slots that the instances of unfinished runs take, by pool. A read of the counts of each run, so the runs are bounded.
    async fn slots_taken(&self, scope: TenantScope) -> Result<HashMap<PoolName, PoolSlots>, Error> {
        let filter = RunFilter { states: vec![RunState::Queued, RunState::Running], ..RunFilter::default() };
        let mut taken: HashMap<PoolName, PoolSlots> = HashMap::new();
        for offset in (0..POOL_RUNS_MAX).step_by(RUNS_PAGE as usize) {
            let runs = self.runs.run_list(scope, &filter, PageRequest { limit: RUNS_PAGE, offset }).await?.rows;
            let is_last = runs.len() < RUNS_PAGE as usize;
            for run in runs {
                let run = self.dag_run_view(scope, run).await?;
                for (node, state, count) in self.runs.instance_counts(scope, run.row.key).await? {
                    let task = run.version.dag().task(node);
                    let slots = count * u64::from(task.pool_slots.unwrap_or(1));
                    let pool = taken.entry(task.pool.clone().unwrap_or_else(default_name)).or_default();
                    match state {
                        TaskState::Running => pool.running += slots,
                        TaskState::Queued => pool.queued += slots,
                        TaskState::Scheduled => pool.scheduled += slots,
                        TaskState::Deferred => pool.deferred += slots,
                        _ => {}
                    }
                }
            }
            if is_last {
                break;
            }
        }
        Ok(taken)
    }
}

fn changed(row: PoolRow, change: PoolChange) -> PoolRow {
    PoolRow {
        slots: change.slots.unwrap_or(row.slots),
        description: change.description.unwrap_or(row.description),
        include_deferred: change.include_deferred.unwrap_or(row.include_deferred),
        ..row
    }
}

fn default_name() -> PoolName {
    PoolName::new(DEFAULT_POOL).expect("the name follows the grammar")
}

fn not_found(name: &PoolName) -> Error {
    Error::new(Code::PoolNotFound, format!("there is no pool {:?}", name.as_str()))
        .hint("list them with GET /api/v2/pools")
}
