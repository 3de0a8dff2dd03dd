//! Reading runs back from their rows: at the start, after a clear, and after a commit that failed.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use model::{RunKey, TenantScope};
use plan::{Lengths, lengths_at_start};
use serde_json::Value;
use store::{RunSnapshot, RunStore, StoreError};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use crate::command::Command;
use crate::version::{Version, VersionError, Versions};

const PAGE: u32 = 200;
/// Pause before the database is asked again.
const REPEAT_PAUSE: Duration = Duration::from_millis(500);

/// A run with everything that its machine needs.
pub(crate) struct Recovered {
    pub(crate) snapshot: Box<RunSnapshot>,
    pub(crate) version: Arc<Version>,
    pub(crate) lengths: Lengths,
}

/// Reads one run; `None` when there is none or it has ended.
pub(crate) async fn read(
    runs: &dyn RunStore,
    versions: &Versions,
    scope: TenantScope,
    run: RunKey,
) -> Result<Option<Recovered>, VersionError> {
    let Some(snapshot) = runs.run_snapshot(scope, run).await? else { return Ok(None) };
    if snapshot.run.state.is_ended() {
        return Ok(None);
    }
    let version = versions.fetch(scope, snapshot.run.version).await?;
    let json = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    let lengths = lengths_at_start(&version.dag, &json(&snapshot.run.conf), &json(&snapshot.run.params))
        .map_err(|error| VersionError::Unreadable { key: version.key, detail: error.to_string() })?;
    Ok(Some(Recovered { snapshot: Box::new(snapshot), version, lengths }))
}

/// Sends every run that was unfinished at the start to the loop. Reading is repeated while the database does not answer; a run
/// that cannot be read for another reason stays as it is and is logged.
pub(crate) async fn read_unfinished(
    runs: Arc<dyn RunStore>,
    versions: Arc<Versions>,
    clock: Arc<dyn Clock>,
    inbox: mpsc::Sender<Command>,
) {
    let reader = Reader { runs, versions, clock, inbox };
    for scope in reader.repeat(|| reader.runs.tenants_with_work()).await {
        let count = reader.tenant(scope).await;
        if count > 0 {
            info!(tenant = %scope.tenant(), count, "unfinished runs go on");
        }
    }
}

struct Reader {
    runs: Arc<dyn RunStore>,
    versions: Arc<Versions>,
    clock: Arc<dyn Clock>,
    inbox: mpsc::Sender<Command>,
}

impl Reader {
    async fn tenant(&self, scope: TenantScope) -> usize {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.repeat(|| self.runs.runs_unfinished(scope, after, PAGE)).await;
            let Some(last) = page.last() else { return count };
            after = Some(*last);
            for run in page {
                let Some(Recovered { snapshot, version, lengths }) = self.run(scope, run).await else { continue };
                count += 1;
                if self.inbox.send(Command::Recovered { snapshot, version, lengths }).await.is_err() {
                    return count;
                }
            }
        }
    }

    async fn run(&self, scope: TenantScope, run: RunKey) -> Option<Recovered> {
        loop {
            match read(&*self.runs, &self.versions, scope, run).await {
                Ok(recovered) => return recovered,
                Err(VersionError::Store(error)) => self.pause(&error).await,
                Err(error) => {
                    error!(%run, %error, "cannot go on with this run");
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
