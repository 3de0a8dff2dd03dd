//! A runner that runs task bodies: takes assignments, keeps at most `slots` going, sends on what they say.
//!
//! An attempt is reported as started, and the report is with the kernel, before its guest runs: when this process dies, the
//! worker knows which attempts may have been the cause.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use model::limits::log::{ATTEMPT_MAX_BYTES, PIECE_EVERY_MS};
use model::limits::worker::SLOTS_MAX;
use model::outcome::End;
use tokio::sync::Notify;

use super::attempt::Attempt;
use super::components::{Components, Violation};
use super::host_calls::{HostAccess, HostCalls};
use super::log::Log;
use super::outbox::Outbox;
use super::runner::{Inbox, RunnerError};
use super::sandbox::Sandbox;
use super::task;
use crate::completion::LogPiece;
use crate::protocol::{FromChild, ToChild};
use crate::{Assignment, Completion};

struct Tasks {
    sandbox: Sandbox,
    outbox: Outbox,
    host: Arc<HostCalls>,
    slots: usize,
    state: Mutex<State>,
    /// Something began to run.
    busy: Notify,
    /// A log has much to send on.
    full: Arc<Notify>,
    /// The last attempt has ended after a stop.
    stopped: Notify,
}

#[derive(Default)]
struct State {
    components: Components,
    waiting: VecDeque<Assignment>,
    running: HashMap<u64, Arc<Attempt>>,
    /// Slots that are taken; one of them may be between two attempts.
    lanes: usize,
    stopping: bool,
}

/// Serves the worker until it says stop or is gone.
pub(super) async fn serve(sandbox: Sandbox, mut inbox: Inbox, outbox: Outbox, slots: u32) -> Result<(), RunnerError> {
    let slots = slots.clamp(1, SLOTS_MAX) as usize;
    let tasks = Arc::new(Tasks {
        sandbox,
        host: Arc::new(HostCalls::new(outbox.clone(), slots)),
        outbox,
        slots,
        state: Mutex::default(),
        busy: Notify::new(),
        full: Arc::default(),
        stopped: Notify::new(),
    });
    tokio::spawn(Arc::clone(&tasks).send_on_while_running());
    loop {
        let batch = tokio::select! {
            batch = inbox.batch() => batch?,
            () = tasks.stopped.notified() => break,
        };
        let Some(batch) = batch else { return Ok(()) };
        for message in batch {
            tasks.take(message).await?;
        }
        tasks.fill_slots().await;
    }
    tasks.outbox.deliver(FromChild::Beat).await;
    Ok(())
}

impl Tasks {
    async fn take(&self, message: ToChild) -> Result<(), RunnerError> {
        match message {
            ToChild::Assign(assignment) => self.state().waiting.push_back(*assignment),
            ToChild::Cancel { id } => self.cancel(id).await,
            ToChild::HostReply { call, reply } => self.host.answer(call, reply),
            ToChild::Beat => self.outbox.send(FromChild::Beat).await,
            ToChild::Load { component, bytes } => self.state().components.announce(component, bytes)?,
            ToChild::LoadPiece(piece) => {
                let loaded = self.state().components.receive(&piece, &self.sandbox)?;
                if let Some(arrived) = loaded {
                    self.outbox.send(arrived.into()).await;
                }
            }
            ToChild::Unload { component } => self.state().components.forget(&component),
            ToChild::Stop => self.stop().await,
            ToChild::Open(_) | ToChild::Describe { .. } | ToChild::Bench { .. } => {
                return Err(Violation("a message of another mode").into());
            }
        }
        Ok(())
    }

    async fn cancel(&self, id: u64) {
        let waiting = {
            let mut state = self.state();
            if let Some(running) = state.running.get(&id) {
                running.cancelled.notify_one();
                return;
            }
            let position = state.waiting.iter().position(|assignment| assignment.id == id);
            position.and_then(|position| state.waiting.remove(position))
        };
        if let Some(assignment) = waiting {
            let end = End::Cancelled { message: "cancelled before it began".into() };
            self.outbox.send(FromChild::Done(Box::new(Completion::without_running(assignment.id, end)))).await;
        }
    }

    async fn stop(&self) {
        let (waiting, idle) = {
            let mut state = self.state();
            state.stopping = true;
            (std::mem::take(&mut state.waiting), state.lanes == 0)
        };
        for assignment in waiting {
            let end = End::HostLost { message: "the runner stops".into(), suspect: false };
            self.outbox.send(FromChild::Done(Box::new(Completion::without_running(assignment.id, end)))).await;
        }
        if idle {
            self.stopped.notify_one();
        }
    }

    /// Starts as many waiting attempts as there are free slots.
    async fn fill_slots(self: &Arc<Self>) {
        let next: Vec<_> = {
            let mut state = self.state();
            let count = (self.slots - state.lanes).min(state.waiting.len());
            state.lanes += count;
            (0..count).map_while(|_| self.begin_next(&mut state)).collect()
        };
        if next.is_empty() {
            return;
        }
        let ids = next.iter().map(|(assignment, _)| assignment.id).collect();
        self.outbox.deliver(FromChild::Started { ids }).await;
        self.busy.notify_one();
        for (assignment, attempt) in next {
            tokio::spawn(Arc::clone(self).lane(assignment, attempt));
        }
    }

    /// Runs one attempt after another as long as some wait.
    async fn lane(self: Arc<Self>, mut assignment: Assignment, mut attempt: Arc<Attempt>) {
        loop {
            self.run(assignment, attempt).await;
            let next = {
                let mut state = self.state();
                let next = self.begin_next(&mut state);
                if next.is_none() {
                    state.lanes -= 1;
                    if state.stopping && state.lanes == 0 {
                        self.stopped.notify_one();
                    }
                }
                next
            };
            (assignment, attempt) = match next {
                Some(next) => next,
                None => return,
            };
            self.outbox.deliver(FromChild::Started { ids: vec![assignment.id] }).await;
        }
    }

    /// Makes the next waiting attempt a running one in one step, so that a cancellation finds it here or there.
    fn begin_next(&self, state: &mut State) -> Option<(Assignment, Arc<Attempt>)> {
        let assignment = state.waiting.pop_front()?;
        let log = Log::new(ATTEMPT_MAX_BYTES);
        let attempt = Arc::new(Attempt::new(assignment.id, log, Arc::clone(&self.full)));
        state.running.insert(assignment.id, Arc::clone(&attempt));
        Some((assignment, attempt))
    }

    async fn run(&self, assignment: Assignment, attempt: Arc<Attempt>) {
        let id = assignment.id;
        let loaded = self.state().components.get(&assignment.component);
        let host = HostAccess::Parent(Arc::clone(&self.host));
        let attempted = task::attempt(&self.sandbox, loaded.as_deref(), &attempt, host, assignment).await;
        self.state().running.remove(&id);
        if attempted.panicked {
            self.outbox.deliver(FromChild::Done(Box::new(attempted.completion))).await;
            // What panicked may have left shared state half changed: the other attempts run again elsewhere.
            std::process::exit(1);
        }
        self.outbox.send(FromChild::Done(Box::new(attempted.completion))).await;
    }

    async fn send_on_while_running(self: Arc<Self>) {
        loop {
            if self.state().running.is_empty() {
                self.busy.notified().await;
            }
            let pause = tokio::time::sleep(Duration::from_millis(PIECE_EVERY_MS));
            tokio::select! {
                () = pause => {}
                () = self.full.notified() => {}
            }
            let running: Vec<_> = self.state().running.values().cloned().collect();
            for attempt in running {
                self.send_on(&attempt);
            }
        }
    }

    fn send_on(&self, attempt: &Attempt) {
        // Without a place the lines wait in their log, which is bounded.
        if let Some(place) = self.outbox.place() {
            let piece = |lines| FromChild::Log(LogPiece { assignment: attempt.id, lines });
            attempt.log.send_on(|lines| place.send(piece(lines)));
        }
        if let Some(place) = self.outbox.place()
            && let Some(progress) = attempt.take_progress()
        {
            place.send(FromChild::Progress(progress));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }
}
