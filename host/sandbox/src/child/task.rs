//! One attempt: from an assignment to its completion.

use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, Real};
use futures::future::BoxFuture;
use jiff::Timestamp;
use model::json;
use model::limits::hostcall::TASK_FUEL_BYTES;
use model::limits::json::TEXT_MAX_BYTES;
use model::limits::task::{MEMORY_MAX_BYTES, MESSAGE_MAX_BYTES};
use model::outcome::{End, ResourcesUsed, Wake, WakeOn};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::attempt::Attempt;
use super::fault::Fault;
use super::guest::Guest;
use super::host_calls::HostAccess;
use super::sandbox::{Bounds, Ended, Loaded, Sandbox};
use super::world::World;
use crate::bindings::waft::task::types;
use crate::capability::AssetEvents;
use crate::{Assignment, Completion, ItemAnswer, ItemCall, TaskContext, Work};

/// What came of an attempt. `panicked` when this process must not go on.
pub(super) struct Attempted {
    pub(super) completion: Completion,
    pub(super) panicked: bool,
}

/// Calls what the assignment names.
pub(super) async fn attempt(
    sandbox: &Sandbox,
    loaded: Option<&Loaded>,
    attempt: &Arc<Attempt>,
    host: HostAccess,
    mut assignment: Assignment,
) -> Attempted {
    let id = assignment.id;
    let Some(loaded) = loaded else {
        let message = format!("component {} is not loaded", assignment.component);
        return ended(id, End::HostLost { message, suspect: false }, ResourcesUsed::default(), attempt);
    };
    let work = std::mem::replace(&mut assignment.work, Work::Items(Vec::new()));
    let call = Call { sandbox, loaded, attempt, host, assignment };
    match work {
        Work::Body { entrypoint, args } => call.body(entrypoint.as_str(), args).await,
        Work::Items(calls) => call.items(calls).await,
        Work::Notify { event } => call.notify(&event).await,
    }
}

/// One attempt at work.
struct Call<'a> {
    sandbox: &'a Sandbox,
    loaded: &'a Loaded,
    attempt: &'a Arc<Attempt>,
    host: HostAccess,
    assignment: Assignment,
}

impl Call<'_> {
    async fn body(self, entrypoint: &str, args: String) -> Attempted {
        let wall = Duration::from_millis(self.assignment.timeout_ms);
        let Ended { outcome, used } = match self.run(entrypoint, args, wall).await {
            Ok(ended) => ended,
            Err(end) => return self.ended(end, ResourcesUsed::default()),
        };
        let (outcome, guest) = match outcome {
            Ok(answer) => answer,
            Err(fault) => return self.faulted(fault, used),
        };
        let (end, result) = end_of_outcome(outcome);
        let mut attempted = self.ended(end, used);
        if attempted.completion.end == End::Success {
            attempted.completion.result = result;
            attempted.completion.xcoms = guest.xcoms.into_values();
            attempted.completion.asset_events = guest.asset_events.into_events();
        }
        attempted
    }

    /// One call after the other, all within the time of the attempt.
    async fn items(self, calls: Vec<ItemCall>) -> Attempted {
        let (began, timeout) = (Real.monotonic(), Duration::from_millis(self.assignment.timeout_ms));
        let (mut used, mut bytes) = (ResourcesUsed::default(), 0);
        let mut items = Vec::with_capacity(calls.len());
        for ItemCall { entrypoint, item } in calls {
            let left = timeout.saturating_sub(Real.monotonic() - began);
            let ended = match self.run(entrypoint.as_str(), format!("{{\"item\":{item}}}"), left).await {
                Ok(ended) => ended,
                Err(end) => return self.ended(end, used),
            };
            used = ResourcesUsed {
                wall_us: used.wall_us + ended.used.wall_us,
                cpu_us: used.cpu_us + ended.used.cpu_us,
                memory_bytes: used.memory_bytes.max(ended.used.memory_bytes),
            };
            let outcome = match ended.outcome {
                Ok((outcome, _)) => outcome,
                Err(Fault::TimedOut(_)) => return self.faulted(Fault::wall(timeout), used),
                Err(fault) => return self.faulted(fault, used),
            };
            let answer = match end_of_outcome(outcome) {
                (End::Success, value) => ItemAnswer::Value(value.map(Into::into)),
                (End::Skipped { reason }, _) => ItemAnswer::Skipped(reason),
                (End::Failed { message, retry, delay_ms }, _) => {
                    let message = shortened(format!("body {entrypoint} of an item: {message}"));
                    return self.ended(End::Failed { message, retry, delay_ms }, used);
                }
                (other, _) => {
                    let answer = other.kind().as_str();
                    let message = format!("body {entrypoint} of an item answered {answer}, and only tasks can");
                    return self.ended(End::Failed { message, retry: false, delay_ms: None }, used);
                }
            };
            bytes += match &answer {
                ItemAnswer::Value(value) => value.as_ref().map_or(0, |value| value.len()),
                ItemAnswer::Skipped(reason) => reason.len(),
            };
            if bytes > TEXT_MAX_BYTES {
                let message = format!(
                    "what bodies made of items has {bytes} bytes, at most {TEXT_MAX_BYTES} are possible; pass large values as blobs"
                );
                return self.ended(End::OverLimit { message }, used);
            }
            items.push(answer);
        }
        let mut attempted = self.ended(End::Success, used);
        attempted.completion.items = items;
        attempted
    }

    async fn notify(self, event: &str) -> Attempted {
        let Some(callbacks) = self.loaded.callbacks.clone() else {
            let message = "the component does not export waft:task/callbacks".to_owned();
            return self.ended(End::Failed { message, retry: false, delay_ms: None }, ResourcesUsed::default());
        };
        let wall = Duration::from_millis(self.assignment.timeout_ms);
        let event = event.to_owned();
        let Ended { outcome, used } = self
            .call(wall, move |store, instance| {
                Box::pin(async move {
                    let callbacks = callbacks.load(&mut *store, instance)?;
                    callbacks.call_notify(store, &event).await
                })
            })
            .await;
        match outcome {
            Ok((Ok(()), _)) => self.ended(End::Success, used),
            Ok((Err(message), _)) => {
                let message = shortened(message);
                self.ended(End::Failed { message, retry: true, delay_ms: None }, used)
            }
            Err(fault) => self.faulted(fault, used),
        }
    }

    async fn run(&self, entrypoint: &str, args: String, wall: Duration) -> Result<Ended<types::Outcome>, End> {
        let Some(bodies) = self.loaded.bodies.clone() else {
            let message = "the component does not export waft:task/task-bodies".to_owned();
            return Err(End::Failed { message, retry: false, delay_ms: None });
        };
        let context = guest_context(&self.assignment.context, self.assignment.timeout_ms);
        let entrypoint = entrypoint.to_owned();
        let ended = self.call(wall, move |store, instance| {
            Box::pin(async move {
                let bodies = bodies.load(&mut *store, instance)?;
                bodies.call_run(store, &entrypoint, &args, &context).await
            })
        });
        Ok(ended.await)
    }

    async fn call<T: Send>(
        &self,
        wall: Duration,
        call: impl for<'c> FnOnce(&'c mut Store<Guest>, &'c Instance) -> BoxFuture<'c, wasmtime::Result<T>> + Send,
    ) -> Ended<T> {
        let Assignment { memory_bytes, sequences, outlets, context, .. } = &self.assignment;
        let bounds = Bounds {
            wall,
            cpu: None,
            memory_bytes: (*memory_bytes).min(MEMORY_MAX_BYTES),
            hostcall_bytes: TASK_FUEL_BYTES,
        };
        let (sequences, outlets, woken) = (sequences.clone(), outlets.clone(), context.woken.clone());
        let world = (self.host.clone(), &World::Real);
        self.sandbox
            .run(self.loaded, self.attempt, world, bounds, move |store, instance| {
                let guest = store.data_mut();
                guest.sequences = sequences;
                guest.asset_events = AssetEvents::new(outlets);
                guest.woken = woken;
                call(store, instance)
            })
            .await
    }

    fn ended(&self, end: End, used: ResourcesUsed) -> Attempted {
        ended(self.assignment.id, end, used, self.attempt)
    }

    fn faulted(&self, fault: Fault, used: ResourcesUsed) -> Attempted {
        let panicked = matches!(fault, Fault::Panicked(_));
        Attempted { panicked, ..self.ended(end_of_fault(fault), used) }
    }
}

fn ended(id: u64, end: End, used: ResourcesUsed, attempt: &Attempt) -> Attempted {
    Attempted { completion: Completion::of(id, end, used, attempt.log.finish()), panicked: false }
}

fn end_of_fault(fault: Fault) -> End {
    match fault {
        Fault::TimedOut(message) => End::TimedOut { message },
        Fault::OverLimit(message) => End::OverLimit { message },
        Fault::Trapped(message) => End::Trapped { message },
        Fault::Cancelled => End::Cancelled { message: "cancelled while it ran".into() },
        Fault::NoRoom(message) => End::HostLost { message, suspect: false },
        Fault::Panicked(message) => End::HostLost { message, suspect: true },
    }
}

fn end_of_outcome(outcome: types::Outcome) -> (End, Option<String>) {
    match outcome {
        types::Outcome::Success(None) => (End::Success, None),
        types::Outcome::Success(Some(value)) => match json::check(&value) {
            Ok(_) => (End::Success, Some(value)),
            Err(error) => {
                let message = format!("the body returned a value that cannot be taken: {error}");
                (End::Failed { message, retry: true, delay_ms: None }, None)
            }
        },
        types::Outcome::Skipped(reason) => (End::Skipped { reason: shortened(reason) }, None),
        types::Outcome::Failed(types::Failure { message, retry, delay_ms }) => {
            (End::Failed { message: shortened(message), retry, delay_ms }, None)
        }
        types::Outcome::Deferred(types::Wake { on, timeout_ms }) => {
            let on = match on {
                types::WakeEvent::Until(at_us) => WakeOn::Until { at_us },
                types::WakeEvent::Asset(name) => WakeOn::Asset(name),
                types::WakeEvent::Signal(name) => WakeOn::Signal(name),
                types::WakeEvent::DagRun(run) => WakeOn::DagRun(run),
            };
            let wake = Wake { on, timeout_ms };
            match wake.check() {
                Ok(()) => (End::Deferred { wake }, None),
                Err(why) => {
                    let message = format!("the body answered `deferred`, which cannot be: {why}");
                    (End::Failed { message, retry: false, delay_ms: None }, None)
                }
            }
        }
    }
}

fn shortened(mut message: String) -> String {
    message.truncate(message.floor_char_boundary(MESSAGE_MAX_BYTES));
    message
}

fn guest_context(context: &TaskContext, timeout_ms: u64) -> types::TaskContext {
    let micros = |time: Option<Timestamp>| time.map(Timestamp::as_microsecond);
    let timeout_us = i64::try_from(timeout_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
    types::TaskContext {
        dag_id: context.dag_id.as_str().to_owned(),
        run_id: context.run_id.as_str().to_owned(),
        task_id: context.task_id.as_str().to_owned(),
        map_index: context.map_index.number(),
        map_path: context.map_path.clone(),
        map_key: context.map_key.as_deref().map(str::to_owned),
        try_number: context.try_number.0,
        logical_date: micros(context.logical_date),
        data_interval_start: micros(context.data_interval_start),
        data_interval_end: micros(context.data_interval_end),
        params: context.params.as_ref().to_owned(),
        deadline: Real.now().as_microsecond().saturating_add(timeout_us),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(outcome: types::Outcome, end: End, result: Option<&str>) {
        assert_eq!(end_of_outcome(outcome), (end, result.map(str::to_owned)));
    }

    #[test]
    fn outcomes_become_ends() {
        check(types::Outcome::Success(None), End::Success, None);
        check(types::Outcome::Success(Some("null".into())), End::Success, Some("null"));
        check(types::Outcome::Skipped("why".into()), End::Skipped { reason: "why".into() }, None);
        let failure = types::Failure { message: "no".into(), retry: false, delay_ms: Some(5) };
        let end = End::Failed { message: "no".into(), retry: false, delay_ms: Some(5) };
        check(types::Outcome::Failed(failure), end, None);
    }

    #[test]
    fn a_value_that_is_no_json_is_a_failure_that_may_be_retried() {
        for text in ["", "{", "[1,]", "nul", "\"\\u0000\"", "{\"a\":1,\"a\":2}"] {
            let (end, result) = end_of_outcome(types::Outcome::Success(Some(text.into())));
            assert!(matches!(end, End::Failed { retry: true, .. }), "{text:?} gave {end:?}");
            assert_eq!(result, None);
        }
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let (end, _) = end_of_outcome(types::Outcome::Skipped("é".repeat(MESSAGE_MAX_BYTES)));
        assert_eq!(end.message().map(str::len), Some(MESSAGE_MAX_BYTES));
    }
}
