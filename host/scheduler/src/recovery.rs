//! Reading runs back from their rows: at the start, after a clear, and after a commit that failed.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use metrics::counter;
use model::{RunKey, RunState, ShardId, TenantScope};
use plan::{Given, Lengths, lengths_at_start};
use serde_json::Value;
use store::{HeldRow, RunSnapshot, RunStore, StoreError};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use crate::cluster::SharedStore;
use crate::command::Command;
use crate::metric_names::RUNS_UNREADABLE;
use crate::version::{Version, VersionError, Versions};

const PAGE: u32 = 200;
/// Pause before the database is asked again.
const REPEAT_PAUSE: Duration = Duration::from_millis(500);

/// A run with everything that its machine needs.
pub(crate) struct Recovered {
    pub(crate) snapshot: Box<RunSnapshot>,
    pub(crate) version: Arc<Version>,
    pub(crate) lengths: Lengths,
    /// Executions that are offered, or held by other processes.
    pub(crate) held: Vec<HeldRow>,
}

/// What was read of a run.
pub(crate) enum Reading {
    Unfinished(Recovered),
    Ended(RunState),
    /// It was never written.
    Absent,
}

/// Reads one run.
pub(crate) async fn read(
    runs: &dyn RunStore,
    versions: &Versions,
    elsewhere: Option<&dyn SharedStore>,
    scope: TenantScope,
    run: RunKey,
) -> Result<Reading, VersionError> {
    // Read first: what is reported between the two reads is still held here, and its event follows.
    let held = match elsewhere {
        Some(store) => store.work_of_run(scope, run).await?,
        None => Vec::new(),
    };
    let Some(snapshot) = runs.run_snapshot(scope, run).await? else { return Ok(Reading::Absent) };
    if snapshot.run.state.is_ended() {
        return Ok(Reading::Ended(snapshot.run.state));
    }
    let version = versions.fetch(scope, snapshot.run.version).await?;
    let json = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    let (conf, params) = (json(&snapshot.run.conf), json(&snapshot.run.params));
    let lengths = lengths_at_start(&version.dag, Given { conf: &conf, params: &params, variables: &Value::Null })
        .map_err(|error| VersionError::Unreadable { key: version.key, detail: error.to_string() })?;
    Ok(Reading::Unfinished(Recovered { snapshot: Box::new(snapshot), version, lengths, held }))
}

/// Sends every run that was unfinished to the loop: of all tenants, or of those of some shards. Reading is repeated while the
/// database does not answer; a run that cannot be read for another reason stays as it is and is logged.
pub(crate) async fn read_unfinished(reader: Reader, shards: Option<Vec<ShardId>>) {
    let tenants = reader.repeat(|| reader.tenants(shards.as_deref())).await;
    for scope in tenants {
        let count = reader.tenant(scope).await;
        if count > 0 {
            info!(tenant = %scope.tenant(), count, "unfinished runs go on");
        }
    }
    // A loop that has ended needs nothing any more.
    let _ = reader.inbox.send(Command::ReadingEnded).await;
}

/// Notes that this process cannot go on with a run. Its rows stay as they are: a process that can read them goes on with it.
pub(crate) fn leave(run: RunKey, error: &VersionError) {
    counter!(RUNS_UNREADABLE).increment(1);
    error!(%run, %error, "cannot go on with this run");
}

pub(crate) struct Reader {
    pub(crate) runs: Arc<dyn RunStore>,
    pub(crate) versions: Arc<Versions>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) inbox: mpsc::Sender<Command>,
    pub(crate) cluster: Option<Arc<dyn SharedStore>>,
    /// Under which the shards were taken; what was read under an older one is old.
    pub(crate) epoch: u32,
}

impl Reader {
    async fn tenants(&self, shards: Option<&[ShardId]>) -> Result<Vec<TenantScope>, StoreError> {
        match (shards, &self.cluster) {
            (Some(shards), Some(cluster)) => cluster.shard_tenants(shards).await,
            _ => self.runs.tenants_with_work().await,
        }
    }

    async fn tenant(&self, scope: TenantScope) -> usize {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.repeat(|| self.runs.runs_unfinished(scope, after, PAGE)).await;
            let Some(last) = page.last() else { return count };
            after = Some(*last);
            for run in page {
                let Some(recovered) = self.run(scope, run).await else { continue };
                count += 1;
                if self.inbox.send(Command::Recovered { recovered, epoch: self.epoch }).await.is_err() {
                    return count;
                }
            }
        }
    }

    async fn run(&self, scope: TenantScope, run: RunKey) -> Option<Recovered> {
        loop {
            match read(&*self.runs, &self.versions, self.cluster.as_deref(), scope, run).await {
                Ok(Reading::Unfinished(recovered)) => return Some(recovered),
                Ok(Reading::Ended(_) | Reading::Absent) => return None,
                Err(VersionError::Store(error)) if error.may_pass() => self.pause(&error).await,
                Err(error) => {
                    leave(run, &error);
                    return None;
                }
            }
        }
    }

    async fn repeat<T, F: Future<Output = Result<T, StoreError>>>(&self, ask: impl Fn() -> F) -> T {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(error) => self.pause(&error).await,
            }
        }
    }

    async fn pause(&self, error: &StoreError) {
        warn!(%error, "cannot read unfinished runs yet");
        self.clock.sleep(REPEAT_PAUSE).await;
    }
}
