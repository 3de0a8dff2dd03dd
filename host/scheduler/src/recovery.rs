//! Reading runs back from their rows: at the start, after a clear, and after a commit that failed.

use std::sync::Arc;

use model::{RunKey, TenantScope};
use plan::{Lengths, lengths_at_start};
use serde_json::Value;
use store::{RunSnapshot, RunStore, StoreError};
use tokio::sync::mpsc;
use tracing::{error, info};

use crate::command::Command;
use crate::version::{Version, VersionError, Versions};

const PAGE: u32 = 200;

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

/// Sends every run that was unfinished at the start to the loop. A run that cannot be read stays as it is and is logged.
pub(crate) async fn read_unfinished(runs: Arc<dyn RunStore>, versions: Arc<Versions>, inbox: mpsc::Sender<Command>) {
    let scopes = match runs.tenants_with_work().await {
        Ok(scopes) => scopes,
        Err(error) => return error!(%error, "cannot read which tenants have unfinished runs"),
    };
    for scope in scopes {
        match read_tenant(&*runs, &versions, scope, &inbox).await {
            Ok(0) => {}
            Ok(count) => info!(tenant = %scope.tenant(), count, "unfinished runs go on"),
            Err(error) => error!(tenant = %scope.tenant(), %error, "cannot read unfinished runs"),
        }
    }
}

async fn read_tenant(
    runs: &dyn RunStore,
    versions: &Versions,
    scope: TenantScope,
    inbox: &mpsc::Sender<Command>,
) -> Result<usize, StoreError> {
    let (mut after, mut count) = (None, 0);
    loop {
        let page = runs.runs_unfinished(scope, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(count) };
        after = Some(*last);
        for run in page {
            match read(runs, versions, scope, run).await {
                Ok(Some(Recovered { snapshot, version, lengths })) => {
                    count += 1;
                    if inbox.send(Command::Recovered { snapshot, version, lengths }).await.is_err() {
                        return Ok(count);
                    }
                }
                Ok(None) => {}
                Err(error) => error!(%run, %error, "cannot go on with this run"),
            }
        }
    }
}
