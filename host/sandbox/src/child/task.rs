//! One attempt: from an assignment to its completion.

use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, Real};
use jiff::Timestamp;
use model::json;
use model::limits::hostcall::TASK_FUEL_BYTES;
use model::limits::task::{MEMORY_MAX_BYTES, MESSAGE_MAX_BYTES};
use model::outcome::{End, ResourcesUsed, Wake, WakeOn};

use super::attempt::Attempt;
use super::fault::Fault;
use super::host_calls::HostAccess;
use super::sandbox::{Bounds, Ended, Loaded, Sandbox};
use super::world::World;
use crate::bindings::waft::task::types;
use crate::{Assignment, Completion, TaskContext};

/// What came of an attempt. `panicked` when this process must not go on.
pub(super) struct Attempted {
    pub(super) completion: Completion,
    pub(super) panicked: bool,
}

/// Calls the body that the assignment names.
pub(super) async fn attempt(
    sandbox: &Sandbox,
    loaded: Option<&Loaded>,
    attempt: &Arc<Attempt>,
    host: HostAccess,
    assignment: Assignment,
) -> Attempted {
    let id = assignment.id;
    let Some(loaded) = loaded else {
        let message = format!("component {} is not loaded", assignment.component);
        return ended(id, End::HostLost { message, suspect: false }, ResourcesUsed::default(), attempt);
    };
    let Some(bodies) = &loaded.bodies else {
        let message = "the component does not export waft:task/task-bodies".to_owned();
        return ended(id, End::Failed { message, retry: false, delay_ms: None }, ResourcesUsed::default(), attempt);
    };
    let Ended { outcome, used } = run_body(sandbox, loaded, bodies, attempt, host, assignment).await;
    let (outcome, guest) = match outcome {
        Ok(answer) => answer,
        Err(fault) => {
            let panicked = matches!(fault, Fault::Panicked(_));
            return Attempted { panicked, ..ended(id, end_of_fault(fault), used, attempt) };
        }
    };
    let (end, result) = end_of_outcome(outcome);
    let mut attempted = ended(id, end, used, attempt);
    if attempted.completion.end == End::Success {
        attempted.completion.result = result;
        attempted.completion.xcoms = guest.xcoms.into_values();
    }
    attempted
}

async fn run_body(
    sandbox: &Sandbox,
    loaded: &Loaded,
    bodies: &crate::bindings::exports::waft::task::task_bodies::GuestIndices,
    attempt: &Arc<Attempt>,
    host: HostAccess,
    assignment: Assignment,
) -> Ended<types::Outcome> {
    let Assignment { entrypoint, args, context, timeout_ms, memory_bytes, sequences, .. } = assignment;
    let bounds = Bounds {
        wall: Duration::from_millis(timeout_ms),
        cpu: None,
        memory_bytes: memory_bytes.min(MEMORY_MAX_BYTES),
        hostcall_bytes: TASK_FUEL_BYTES,
    };
    let context = guest_context(&context, timeout_ms);
    let bodies = bodies.clone();
    sandbox
        .run(loaded, attempt, (host, &World::Real), bounds, move |store, instance| {
            Box::pin(async move {
                store.data_mut().sequences = sequences;
                let bodies = bodies.load(&mut *store, instance)?;
                bodies.call_run(store, entrypoint.as_str(), &args, &context).await
            })
        })
        .await
}

fn ended(id: u64, end: End, used: ResourcesUsed, attempt: &Attempt) -> Attempted {
    let log = attempt.log.finish();
    Attempted { completion: Completion { id, end, result: None, xcoms: Vec::new(), used, log }, panicked: false }
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
