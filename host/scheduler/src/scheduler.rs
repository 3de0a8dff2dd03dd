//! The handle that callers hold, and how the loop is started.

use std::sync::Arc;

use clock::Clock;
use model::{RunKey, TenantScope};
use plan::{MachineLimits, lengths_at_start};
use serde_json::Value;
use store::{Cleared, RunStore, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::board::{Board, RunWatch};
use crate::command::{ClearError, Command, NewTrigger, TriggerError};
use crate::local_queue::LocalQueue;
use crate::recovery;
use crate::run_loop::RunLoop;
use crate::version::Versions;

/// Commands that wait for the loop; more make their callers wait.
const INBOX: usize = 4096;

/// Limits that an operator sets.
#[derive(Debug, Clone, Copy)]
pub struct SchedulerLimits {
    /// Unfinished runs in this process.
    pub runs: usize,
    /// Limits of each run.
    pub machine: MachineLimits,
}

impl Default for SchedulerLimits {
    fn default() -> Self {
        use model::limits::run::{INSTANCES_MAX, MAP_LENGTH_DEFAULT};
        let ceiling = u32::try_from(INSTANCES_MAX).unwrap_or(u32::MAX);
        let machine =
            MachineLimits { map_length: MAP_LENGTH_DEFAULT, map_length_ceiling: ceiling, instances: INSTANCES_MAX };
        Self { runs: 20_000, machine }
    }
}

/// What the loop works with.
pub struct SchedulerParts {
    pub runs: Arc<dyn RunStore>,
    pub versions: Arc<Versions>,
    pub clock: Arc<dyn Clock>,
    pub limits: SchedulerLimits,
}

/// The scheduler of this process.
#[derive(Clone)]
pub struct Scheduler {
    inbox: mpsc::Sender<Command>,
    board: Board,
}

impl Scheduler {
    /// Takes over from whoever ran before (their fences become stale) and starts the loop. Unfinished runs are read
    /// while new ones are taken already. The join handle ends when the loop does.
    pub async fn start(parts: SchedulerParts) -> Result<(Self, Arc<LocalQueue>, JoinHandle<()>), StoreError> {
        let epoch = parts.runs.epoch_advance().await?;
        let (inbox, commands) = mpsc::channel(INBOX);
        let board = Board::default();
        tokio::spawn(recovery::read_unfinished(
            parts.runs.clone(),
            parts.versions.clone(),
            parts.clock.clone(),
            inbox.clone(),
        ));
        let run_loop = tokio::spawn(RunLoop::new(parts, board.clone(), epoch, commands).run());
        Ok((Self { inbox: inbox.clone(), board }, Arc::new(LocalQueue::new(inbox)), run_loop))
    }

    /// Starts a run; returns when it is durable.
    pub async fn trigger(&self, trigger: NewTrigger) -> Result<(), TriggerError> {
        let json = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        let lengths = lengths_at_start(&trigger.version.dag, &json(&trigger.conf), &json(&trigger.params))?;
        let (reply, answer) = oneshot::channel();
        let command = Command::Trigger { trigger: Box::new(trigger), lengths, reply };
        self.inbox.send(command).await.map_err(|_| TriggerError::Stopping)?;
        answer.await.map_err(|_| TriggerError::Stopping)?
    }

    /// Clears a run; returns when it is durable.
    pub async fn clear(&self, scope: TenantScope, run: RunKey, only_failed: bool) -> Result<Cleared, ClearError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Clear { scope, run, only_failed, reply };
        self.inbox.send(command).await.map_err(|_| ClearError::Stopping)?;
        answer.await.map_err(|_| ClearError::Stopping)?
    }

    /// Follows a run. The key may be that of a run that is about to be triggered.
    pub fn watch(&self, run: RunKey) -> RunWatch {
        self.board.watch(run)
    }

    /// Gives out no more work and tells the workers to finish.
    pub async fn drain(&self) {
        // A loop that has ended gives out nothing either.
        let _ = self.inbox.send(Command::Drain).await;
    }

    /// Ends the loop after what has arrived is durable.
    pub async fn stop(&self) {
        let (reply, answer) = oneshot::channel();
        if self.inbox.send(Command::Stop { reply }).await.is_ok() {
            // The loop drops the sender when it ends without an answer.
            let _ = answer.await;
        }
    }
}
