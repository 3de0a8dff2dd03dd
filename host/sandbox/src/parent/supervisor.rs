//! Watches over one runner process: carries messages both ways, keeps deadlines, and ends the process when it breaks a rule.
//!
//! Nothing that the child says is believed beyond its own attempts: a message about an attempt that it was not given is a violation.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use clock::{Clock, Real};
use model::limits::worker::{BEAT_MS, SILENCE_MAX_MS};
use model::outcome::End;
use model::{Digest, TenantId};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use super::assigned::Assigned;
use super::backlog::Backlog;
use super::completion_check;
use super::link::Link;
use super::runner::RunnerEvent;
use crate::frame::{FrameError, FrameReader, FrameWriter};
use crate::protocol::{FromChild, ToChild};
use crate::{Assignment, Completion, HostError, HostPort, HostReply, metric_names};

/// Events that wait for the worker.
pub(super) const EVENTS_QUEUE: usize = 256;
/// Messages are gathered into one write up to about so many bytes.
const WRITE_BYTES: usize = 1 << 20;
/// How often deadlines are looked at.
const SWEEP: Duration = Duration::from_millis(500);
/// How long a process may take to end, and what it had still said is read.
const GRACE: Duration = Duration::from_secs(2);

/// What the worker wants of the process.
pub(super) enum Command {
    Tell(ToChild),
    Assign(Vec<Assignment>),
    /// Tell me when this component is loaded.
    AwaitLoaded {
        component: Digest,
        answer: oneshot::Sender<Result<(), String>>,
    },
    Stop,
}

/// The one who watches.
pub(super) struct Supervisor {
    pub(super) tenant: TenantId,
    pub(super) slots: u32,
    pub(super) host: Arc<dyn HostPort>,
    pub(super) events: mpsc::Sender<RunnerEvent>,
    pub(super) kill: Arc<Notify>,
}

/// What reader and writer both know.
struct Ledger {
    attempts: Assigned,
    loading: Option<(Digest, oneshot::Sender<Result<(), String>>)>,
    stopping: bool,
}

type Shared = Arc<Mutex<Ledger>>;

impl Supervisor {
    /// Runs until the process has ended; the last event tells why.
    pub(super) async fn run(self, link: Link, commands: mpsc::Receiver<Command>, replies: mpsc::WeakSender<Command>) {
        let Link { mut child, mut words, reader, writer, arrived } = link;
        let gauge = metrics::gauge!(metric_names::RUNNERS, "tenant" => self.tenant.to_string());
        gauge.increment(1);
        let attempts = Assigned::new(self.slots);
        let ledger: Shared = Arc::new(Mutex::new(Ledger { attempts, loading: None, stopping: false }));
        let writing = tokio::spawn(write(writer, commands, Arc::clone(&ledger), self.events.clone()));
        let mut reading = Reading {
            supervisor: &self,
            reader,
            replies,
            ledger: Arc::clone(&ledger),
            calls: Arc::new(Semaphore::new(self.slots as usize)),
            heard: Real.monotonic(),
            backlog: Backlog::default(),
        };
        let verdict = reading.watch(arrived.into()).await;
        let status = if verdict.is_some() {
            // Already dead is as good.
            let _ = child.start_kill();
            let _ = tokio::time::timeout(GRACE, reading.drain()).await;
            child.wait().await.ok()
        } else if let Ok(status) = tokio::time::timeout(GRACE, child.wait()).await {
            status.ok()
        } else {
            // It closed its socket and stayed: an honest one would not.
            let _ = child.start_kill();
            child.wait().await.ok()
        };
        writing.abort();
        // Once it is gone no command is taken any more: whoever gave one before is told of the death after it.
        let _ = writing.await;
        gauge.decrement(1);
        let reason = match verdict {
            Some(reason) => reason,
            None => format!("the process ended: {}", words.obituary(status).await),
        };
        let backlog = reading.backlog;
        self.bury(&ledger, backlog, reason, status.is_some_and(|status| status.success())).await;
    }

    async fn bury(&self, ledger: &Shared, mut backlog: Backlog, reason: String, orderly: bool) {
        let ((started, waiting), told) = {
            let mut ledger = lock(ledger);
            ledger.loading = None;
            (ledger.attempts.numbers(), ledger.stopping)
        };
        let how = if told && orderly { "stopped" } else { "died" };
        metrics::counter!(metric_names::RUNNER_ENDS, "how" => how).increment(1);
        tracing::info!(tenant = %self.tenant, %reason, how, started = started.len(), waiting = waiting.len(), "runner ended");
        backlog.push(RunnerEvent::Died { reason, started, waiting });
        while let Some(event) = backlog.take() {
            // A worker that has dropped its receiver does not want to know.
            let _ = self.events.send(event).await;
        }
    }
}

struct Reading<'a> {
    supervisor: &'a Supervisor,
    reader: FrameReader<OwnedReadHalf>,
    replies: mpsc::WeakSender<Command>,
    ledger: Shared,
    calls: Arc<Semaphore>,
    heard: Duration,
    backlog: Backlog,
}

impl Reading<'_> {
    /// Returns when the process has ended by itself (nothing) or must be ended (why).
    async fn watch(&mut self, arrived: Vec<FromChild>) -> Option<String> {
        if let Err(why) = self.take(arrived) {
            return Some(format!("it broke the protocol: {why}"));
        }
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beat = tokio::time::interval(Duration::from_millis(BEAT_MS));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut messages = Vec::new();
        let Supervisor { kill, events, .. } = self.supervisor;
        loop {
            let full = self.backlog.is_full();
            if full {
                // What is not read cannot be heard.
                self.heard = Real.monotonic();
                lock(&self.ledger).attempts.excuse(self.heard);
            }
            tokio::select! {
                biased;
                () = kill.notified() => return Some("killed by its worker".into()),
                place = events.reserve(), if !self.backlog.is_empty() => match place {
                    Ok(place) => {
                        if let Some(event) = self.backlog.take() {
                            place.send(event);
                        }
                    }
                    Err(_) => return Some("its worker is gone".into()),
                },
                read = self.reader.read(&mut messages), if !full => match read {
                    Ok(true) => {
                        self.heard = Real.monotonic();
                        if let Err(why) = self.take(mem::take(&mut messages)) {
                            return Some(format!("it broke the protocol: {why}"));
                        }
                    }
                    Ok(false) | Err(FrameError::Io(_) | FrameError::Truncated) => return None,
                    Err(error) => return Some(format!("it broke the protocol: {error}")),
                },
                _ = sweep.tick() => {
                    if let Some(why) = self.overdue() {
                        return Some(why);
                    }
                }
                _ = beat.tick() => self.reply(Command::Tell(ToChild::Beat)),
            }
        }
    }

    /// Takes what the process had said before it was killed.
    async fn drain(&mut self) {
        let mut messages = Vec::new();
        while let Ok(true) = self.reader.read(&mut messages).await {
            if self.take(mem::take(&mut messages)).is_err() {
                return;
            }
        }
    }

    fn overdue(&self) -> Option<String> {
        let now = Real.monotonic();
        if now.saturating_sub(self.heard) > Duration::from_millis(SILENCE_MAX_MS) {
            return Some(format!("it said nothing for {SILENCE_MAX_MS} ms"));
        }
        lock(&self.ledger).attempts.overdue(now)
    }

    /// Checks messages against the ledger and turns them into events.
    fn take(&mut self, messages: Vec<FromChild>) -> Result<(), &'static str> {
        for message in messages {
            match message {
                FromChild::Started { ids } => {
                    self.start(&ids)?;
                    self.backlog.push(RunnerEvent::Started(ids));
                }
                FromChild::Done(completion) => {
                    lock(&self.ledger).attempts.end(completion.id, Real.monotonic())?;
                    if let Err(why) = completion_check::check(&completion) {
                        self.backlog.push(RunnerEvent::Done(vec![refused(completion.id, &why)]));
                        return Err("the end of an attempt that breaks a rule");
                    }
                    self.backlog.push(RunnerEvent::Done(vec![*completion]));
                }
                FromChild::Log(piece) => {
                    self.know(piece.assignment)?;
                    self.backlog.push(RunnerEvent::Log(vec![piece]));
                }
                // A report may have been overtaken by the end of its attempt.
                FromChild::Progress(report) if self.know(report.assignment).is_ok() => {
                    self.backlog.push(RunnerEvent::Progress(vec![report]));
                }
                FromChild::Progress(_) | FromChild::Beat => {}
                FromChild::HostCall { call, assignment, request } => self.answer(call, assignment, request)?,
                FromChild::Loaded { component, outcome } => match lock(&self.ledger).loading.take() {
                    Some((expected, answer)) if expected == component => drop(answer.send(outcome)),
                    _ => return Err("a component that it was not given"),
                },
                FromChild::Ready | FromChild::Described { .. } | FromChild::Benched(_) => {
                    return Err("a message of another mode");
                }
            }
        }
        Ok(())
    }

    fn start(&self, ids: &[u64]) -> Result<(), &'static str> {
        let now = Real.monotonic();
        let mut ledger = lock(&self.ledger);
        ids.iter().try_for_each(|id| ledger.attempts.start(*id, now))
    }

    fn know(&self, assignment: u64) -> Result<(), &'static str> {
        lock(&self.ledger).attempts.has(assignment).then_some(()).ok_or("word of an attempt it was not given")
    }

    fn answer(&self, call: u64, assignment: u64, request: crate::HostRequest) -> Result<(), &'static str> {
        let permit =
            Arc::clone(&self.calls).try_acquire_owned().map_err(|_| "more requests at a time than it has slots")?;
        if self.know(assignment).is_err() {
            // The attempt has just ended: nobody waits for the answer, but the child's count of open requests does.
            drop(permit);
            self.reply(reply(call, Err(HostError::Fenced)));
            return Ok(());
        }
        let host = Arc::clone(&self.supervisor.host);
        let replies = self.replies.clone();
        tokio::spawn(async move {
            let answer = host.call(assignment, request).await;
            let kind = if answer.is_ok() { "answered" } else { "refused" };
            metrics::counter!(metric_names::HOST_CALLS, "outcome" => kind).increment(1);
            // The child may ask again as soon as it has the answer.
            drop(permit);
            if let Some(replies) = replies.upgrade() {
                let _ = replies.send(reply(call, answer)).await;
            }
        });
        Ok(())
    }

    /// Queues a message without waiting: reading must never wait for writing.
    fn reply(&self, command: Command) {
        if let Some(replies) = self.replies.upgrade() {
            tokio::spawn(async move { drop(replies.send(command).await) });
        }
    }
}

/// The end of an attempt that a runner ended as none can.
fn refused(id: u64, why: &str) -> Completion {
    let message = format!("the runner handed over what no task can leave: {why}");
    Completion::without_running(id, End::Failed { message, retry: true, delay_ms: None })
}

fn reply(call: u64, reply: HostReply) -> Command {
    Command::Tell(ToChild::HostReply { call, reply })
}

async fn write(
    mut frames: FrameWriter<OwnedWriteHalf>,
    mut commands: mpsc::Receiver<Command>,
    ledger: Shared,
    events: mpsc::Sender<RunnerEvent>,
) {
    let mut next = commands.recv().await;
    while let Some(command) = next {
        let refused = push(&mut frames, command, &ledger);
        if !refused.is_empty() {
            // A worker that has dropped its receiver does not want to know.
            let _ = events.send(RunnerEvent::Done(refused)).await;
        }
        next = if frames.pending() < WRITE_BYTES { commands.try_recv().ok() } else { None };
        if next.is_none() {
            if frames.flush().await.is_err() {
                return;
            }
            next = commands.recv().await;
        }
    }
}

/// Adds what a command says to the next write; gives the ends of attempts that cannot be sent.
fn push(frames: &mut FrameWriter<OwnedWriteHalf>, command: Command, ledger: &Shared) -> Vec<Completion> {
    let mut refused = Vec::new();
    match command {
        Command::AwaitLoaded { component, answer } => lock(ledger).loading = Some((component, answer)),
        Command::Stop => {
            lock(ledger).stopping = true;
            tell(frames, &ToChild::Stop);
        }
        Command::Tell(message) => tell(frames, &message),
        Command::Assign(assignments) => {
            let now = Real.monotonic();
            let mut ledger = lock(ledger);
            for assignment in assignments {
                let (id, timeout) = (assignment.id, Duration::from_millis(assignment.timeout_ms));
                match frames.push(&ToChild::Assign(Box::new(assignment))) {
                    Ok(()) => ledger.attempts.give(id, timeout, now),
                    Err(error) => {
                        let message = format!("the arguments cannot be handed to the runner: {error}");
                        refused.push(Completion::without_running(id, End::OverLimit { message }));
                    }
                }
            }
        }
    }
    refused
}

fn tell(frames: &mut FrameWriter<OwnedWriteHalf>, message: &ToChild) {
    let Err(error) = frames.push(message) else { return };
    tracing::error!(%error, "a message to a runner is too long");
    if let ToChild::HostReply { call, .. } = message {
        let why = HostError::Unavailable(format!("the answer cannot be sent: {error}"));
        // A short message always fits.
        let _ = frames.push(&ToChild::HostReply { call: *call, reply: Err(why) });
    }
}

fn lock(ledger: &Shared) -> MutexGuard<'_, Ledger> {
    ledger.lock().expect("no panic while the lock is held")
}
