//! An end for what is kept no longer: runs that ended long ago or of which there are newer ones enough, and versions that nothing refers
//! to.
//!
//! A pass goes from what refers to nothing else to what refers to it, so that what it makes free goes with the next pass, and a dry
//! run tells exactly what a pass would do. A run is discarded first, then its rows and its logs are deleted in pieces; a pass that
//! is killed leaves a list on which the next one goes on.

use std::time::Duration;

use blobs::{ObjectName, Stock};
use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use model::limits::retention::{ROWS_PER_BATCH, RUNS_PER_BATCH, VERSIONS_PER_BATCH};
use model::{DagId, RunKey, TenantScope};
use store::{EndedRun, IdleBundleVersion, IdleVersion, RetentionStore};

use crate::{BackupError, Mode};

/// How long what is kept. `None` is for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Of a run, since it ended.
    pub runs_max_age: Option<Duration>,
    /// Newest runs of a DAG; those that have not ended count too, and never go.
    pub runs_max_per_dag: Option<u32>,
    /// Of a version that nothing refers to, since it was made.
    pub versions_max_age: Option<Duration>,
}

/// What goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expired {
    Run {
        run: EndedRun,
        logs: LogSize,
    },
    /// What a pass left that was killed.
    RestOfRun {
        key: RunKey,
        logs: LogSize,
    },
    Version(IdleVersion),
    BundleVersion(IdleBundleVersion),
}

/// Logs of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogSize {
    pub objects: u64,
    pub bytes: u64,
}

/// Goes over all tenants once, and tells what goes, or would go.
pub async fn expire(
    rows: &dyn RetentionStore,
    stock: &Stock,
    policy: RetentionPolicy,
    now: Timestamp,
    mode: Mode,
    tell: impl FnMut(TenantScope, Expired),
) -> Result<(), BackupError> {
    let before = |age: Option<Duration>| now.checked_sub(SignedDuration::try_from(age?).ok()?).ok();
    let mut pass = Pass { rows, stock, mode, ended_before: before(policy.runs_max_age), tell };
    for scope in rows.tenant_list().await? {
        pass.rests(scope).await?;
        if let Some(made_before) = before(policy.versions_max_age) {
            pass.bundle_versions(scope, made_before).await?;
            pass.versions(scope, made_before).await?;
        }
        if let Some(before) = pass.ended_before {
            pass.runs_ended(scope, before).await?;
        }
        if let Some(keep) = policy.runs_max_per_dag {
            pass.runs_beyond(scope, keep).await?;
        }
    }
    Ok(())
}

struct Pass<'a, T> {
    rows: &'a dyn RetentionStore,
    stock: &'a Stock,
    mode: Mode,
    /// Runs that go for their age.
    ended_before: Option<Timestamp>,
    tell: T,
}

impl<T: FnMut(TenantScope, Expired)> Pass<'_, T> {
    async fn rests(&mut self, scope: TenantScope) -> Result<(), BackupError> {
        let mut after = None;
        loop {
            let keys = self.rows.runs_discarded(scope, after, RUNS_PER_BATCH).await?;
            for key in &keys {
                let logs = self.finish(scope, *key).await?;
                (self.tell)(scope, Expired::RestOfRun { key: *key, logs });
            }
            match keys.last() {
                Some(last) if keys.len() == RUNS_PER_BATCH as usize => after = Some(*last),
                _ => return Ok(()),
            }
        }
    }

    async fn bundle_versions(&mut self, scope: TenantScope, made_before: Timestamp) -> Result<(), BackupError> {
        let mut after = None;
        loop {
            let found = self.rows.bundle_versions_idle(scope, made_before, after, VERSIONS_PER_BATCH).await?;
            let keys: Vec<_> = found.iter().map(|it| it.key).collect();
            let is_last = found.len() < VERSIONS_PER_BATCH as usize;
            found.into_iter().for_each(|it| (self.tell)(scope, Expired::BundleVersion(it)));
            if self.mode == Mode::Do && !keys.is_empty() {
                self.rows.bundle_versions_delete(scope, &keys).await?;
            }
            if is_last {
                return Ok(());
            }
            after = keys.last().copied();
        }
    }

    async fn versions(&mut self, scope: TenantScope, made_before: Timestamp) -> Result<(), BackupError> {
        let mut after = None;
        loop {
            let found = self.rows.versions_idle(scope, made_before, after, VERSIONS_PER_BATCH).await?;
            let keys: Vec<_> = found.iter().map(|it| it.key).collect();
            let is_last = found.len() < VERSIONS_PER_BATCH as usize;
            found.into_iter().for_each(|it| (self.tell)(scope, Expired::Version(it)));
            if self.mode == Mode::Do && !keys.is_empty() {
                self.rows.versions_delete(scope, &keys).await?;
            }
            if is_last {
                return Ok(());
            }
            after = keys.last().copied();
        }
    }

    async fn runs_ended(&mut self, scope: TenantScope, before: Timestamp) -> Result<(), BackupError> {
        let mut after = None;
        loop {
            let found = self.rows.runs_ended_before(scope, before, after, RUNS_PER_BATCH).await?;
            let next = found.last().filter(|_| found.len() == RUNS_PER_BATCH as usize).map(|run| run.key);
            self.runs(scope, found).await?;
            if next.is_none() {
                return Ok(());
            }
            after = next;
        }
    }

    async fn runs_beyond(&mut self, scope: TenantScope, keep: u32) -> Result<(), BackupError> {
        let mut after_dag: Option<DagId> = None;
        loop {
            let dags = self.rows.dag_ids(scope, after_dag.as_ref(), RUNS_PER_BATCH).await?;
            for dag in &dags {
                let mut after = None;
                loop {
                    let mut found = self.rows.runs_beyond(scope, dag, keep, after, RUNS_PER_BATCH).await?;
                    let next = found.last().filter(|_| found.len() == RUNS_PER_BATCH as usize).map(|run| run.key);
                    // A dry run has told those already.
                    found.retain(|run| self.ended_before.is_none_or(|before| run.ended_at >= before));
                    self.runs(scope, found).await?;
                    if next.is_none() {
                        break;
                    }
                    after = next;
                }
            }
            match dags.last() {
                Some(last) if dags.len() == RUNS_PER_BATCH as usize => after_dag = Some(last.clone()),
                _ => return Ok(()),
            }
        }
    }

    async fn runs(&mut self, scope: TenantScope, mut runs: Vec<EndedRun>) -> Result<(), BackupError> {
        if self.mode == Mode::Do && !runs.is_empty() {
            let discarded = self.rows.runs_discard(scope, &runs).await?;
            runs.retain(|run| discarded.contains(&run.key));
        }
        for run in runs {
            let logs = self.finish(scope, run.key).await?;
            (self.tell)(scope, Expired::Run { run, logs });
        }
        Ok(())
    }

    /// Deletes what a discarded run has left; its logs before it is forgotten, so that none of them is.
    async fn finish(&self, scope: TenantScope, run: RunKey) -> Result<LogSize, BackupError> {
        if self.mode == Mode::Do {
            failpoint::begins("erase::step");
            while !self.rows.run_rows_delete(scope, run, ROWS_PER_BATCH).await? {}
            failpoint::ends("erase::step");
        }
        let mut logs = LogSize::default();
        let mut chunks = self.stock.list_logs(scope, run);
        while let Some(chunk) = chunks.try_next().await? {
            let ObjectName::Chunk(log, first) = chunk.name else { continue };
            logs.objects += 1;
            logs.bytes += chunk.size_bytes;
            if self.mode == Mode::Do {
                self.stock.delete_chunk(log, first).await?;
                failpoint::ends("erase::log");
            }
        }
        if self.mode == Mode::Do {
            self.stock.delete_log_folders(scope, run).await?;
            self.rows.run_forget(scope, run).await?;
        }
        Ok(logs)
    }
}

#[cfg(test)]
mod tests;
