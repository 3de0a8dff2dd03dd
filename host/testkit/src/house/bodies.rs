//! Bodies as they are played, by entrypoint:
//!
//! | entrypoint | what it does |
//! | --- | --- |
//! | `params` | succeeds with the run's parameters |
//! | `list` | succeeds with the list `[0, 1, 2]` |
//! | `fail` | fails with "boom", not to be tried again |
//! | `flaky` | fails at the first try, succeeds later |
//! | `hold` | runs until [`House::release`](super::House::release) |
//! | `talk` | says three lines and holds |
//! | `big` | succeeds with a value that is kept in a blob |
//! | anything else | succeeds with its map index |
//!
//! A callback succeeds and logs what it is told; one whose name begins with `fail` fails.

use std::sync::Arc;

use blobs::{BlobStore, LogKey, LogLevel, LogRecord, LogSource, LogStore};
use bytes::Bytes;
use clock::{Clock, Real};
use model::limits::value::INLINE_MAX_BYTES;
use model::outcome::{Answer, End, ResourcesUsed};
use model::{Key, TryNumber, WorkerId};

use store::{
    Claim, Execution, NamedValue, RETURN_VALUE, Report, StoredValue, TaskQueue, WorkOrder, WorkerRegistration,
};
use tokio::sync::watch;

const SLOTS: u32 = 64;

#[derive(Clone)]
pub(super) struct Bodies {
    pub(super) worker: WorkerId,
    pub(super) queue: Arc<dyn TaskQueue>,
    pub(super) blobs: BlobStore,
    pub(super) logs: LogStore,
    pub(super) is_held: watch::Receiver<bool>,
}

impl Bodies {
    /// Takes work and plays it, until there is no more.
    pub(super) async fn play(self) {
        let registration = WorkerRegistration { worker: self.worker, slots: SLOTS };
        self.queue.worker_register(registration).await.expect("the scheduler runs");
        while let Some(order) = self.queue.next(self.worker).await {
            if let WorkOrder::Run(claims) = order {
                for claim in claims {
                    tokio::spawn(self.clone().play_one(claim));
                }
            }
        }
    }

    async fn play_one(mut self, claim: Claim) {
        let started_at = Real.now();
        let instance = claim.token.instance;
        if claim.notify.is_some() {
            return self.notify(claim).await;
        }
        let task = claim.run.dag.task(instance.node);
        let entrypoint = task.entrypoint.as_ref().map_or(task.task_id.as_str(), |entrypoint| entrypoint.as_str());
        let (mut end, mut value, mut list_length) = (End::Success, None, None);
        match entrypoint {
            "params" => value = Some(claim.run.params.to_string()),
            "list" => (value, list_length) = (Some("[0, 1, 2]".to_owned()), Some(3)),
            "fail" => end = failed("boom", false),
            "flaky" if claim.token.try_number == TryNumber(1) => end = failed("not yet", true),
            "hold" => self.hold().await,
            "talk" => {
                self.talk(&claim).await;
                self.hold().await;
                self.logs.finish(log_key(&claim)).await;
            }
            "big" => value = Some(format!("\"{}\"", "x".repeat(INLINE_MAX_BYTES))),
            _ => value = Some(instance.map_index.to_string()),
        }
        let value = match value {
            Some(text) => Some(self.stored(&claim, text).await),
            None => None,
        };
        let key = Key::new(RETURN_VALUE).expect("a name");
        let report = Report {
            scope: claim.run.scope,
            token: claim.token,
            execution: Execution { started_at, ended_at: Real.now(), end, used: ResourcesUsed::default() },
            has_value: value.is_some(),
            xcoms: value.map(|value| NamedValue { key, value }).into_iter().collect(),
            answer: Answer { list_length, ..Answer::default() },
            asset_events: Vec::new(),
        };
        // The test is over when the scheduler has gone.
        let _ = self.queue.report(self.worker, vec![report]).await;
    }

    /// A callback hears, and says so, but for one whose name begins with `fail`, which refuses for good.
    async fn notify(self, claim: Claim) {
        let event = claim.notify.clone().unwrap_or_default();
        let end = if event.contains(r#""callback":"fail"#) { failed("boom", false) } else { End::Success };
        let message = event.to_string();
        let heard = LogRecord { at: Real.now(), source: LogSource::Log, level: LogLevel::Info, message };
        self.logs.append(log_key(&claim), vec![heard]).await;
        self.logs.finish(log_key(&claim)).await;
        let now = Real.now();
        let report = Report {
            scope: claim.run.scope,
            token: claim.token,
            execution: Execution { started_at: now, ended_at: now, end, used: ResourcesUsed::default() },
            has_value: false,
            xcoms: Vec::new(),
            answer: Answer::default(),
            asset_events: Vec::new(),
        };
        // The test is over when the scheduler has gone.
        let _ = self.queue.report(self.worker, vec![report]).await;
    }

    async fn hold(&mut self) {
        // The test is over when the house has gone.
        let _ = self.is_held.wait_for(|is_held| !is_held).await;
    }

    async fn talk(&self, claim: &Claim) {
        let line = |(source, message): (LogSource, &str)| LogRecord {
            at: Real.now(),
            source,
            level: LogLevel::Info,
            message: message.to_owned(),
        };
        let lines = [(LogSource::Stdout, "out"), (LogSource::Stderr, "err"), (LogSource::Log, "<b>log</b>")];
        self.logs.append(log_key(claim), lines.map(line).to_vec()).await;
    }

    async fn stored(&self, claim: &Claim, text: String) -> StoredValue {
        if text.len() <= INLINE_MAX_BYTES {
            return StoredValue::Inline(text.into());
        }
        let size_bytes = text.len() as u64;
        let digest = self.blobs.put(claim.run.scope, Bytes::from(text)).await.expect("memory takes it");
        StoredValue::Blob { digest, size_bytes }
    }
}

fn failed(message: &str, retry: bool) -> End {
    End::Failed { message: message.to_owned(), retry, delay_ms: Some(0) }
}

fn log_key(claim: &Claim) -> LogKey {
    let model::InstanceKey { run, node, map_index } = claim.token.instance;
    LogKey { scope: claim.run.scope, run, node, map_index, try_number: claim.token.try_number }
}
