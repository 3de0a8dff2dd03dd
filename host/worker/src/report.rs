//! From a completion to a report: values find their place, and a result is checked against what other tasks need of it.

use blobs::BlobStore;
use bytes::Bytes;
use jiff::Timestamp;
use model::Key;
use model::limits::task::{MEMORY_MAX_BYTES, MESSAGE_MAX_BYTES, TIMEOUT_MAX_MS};
use model::limits::value::INLINE_MAX_BYTES;
use model::limits::worker::KILL_AFTER_DEADLINE_MS;
use model::outcome::{Answer, End, ResourcesUsed};
use sandbox::Completion;
use store::{Execution, NamedValue, RETURN_VALUE, Report, StoreError, StoredValue};

use crate::answer;
use crate::attempt::Attempt;

/// The report of an attempt that ran.
pub(crate) async fn of_completion(
    blobs: &BlobStore,
    attempt: &Attempt,
    completion: Completion,
    now: Timestamp,
) -> Report {
    let Completion { end, result, xcoms, used, asset_events, .. } = completion;
    let (mut end, used) = (shown(attempt, end), attempt.used_with(used));
    let mut answer = Answer::default();
    if end == End::Success {
        match said(attempt, result.as_deref(), &xcoms) {
            Ok(said) => answer = said,
            Err(instead) => end = instead,
        }
    }
    let mut values = Vec::new();
    if end == End::Success {
        let result = result.map(|text| (return_value(), text));
        for (key, text) in result.into_iter().chain(xcoms) {
            match stored(blobs, attempt, text).await {
                Ok(value) => values.push(NamedValue { key, value }),
                Err(error) => {
                    let message = format!("value {key} could not be stored: {error}");
                    return lost(attempt, now, message, false);
                }
            }
        }
    }
    let asset_events = if end == End::Success { asset_events } else { Vec::new() };
    let has_value = values.iter().any(|value| value.key.as_str() == RETURN_VALUE);
    Report { asset_events, ..report(attempt, now, end, used, values, has_value, answer) }
}

/// What people read of an end does not tell what is hidden.
fn shown(attempt: &Attempt, mut end: End) -> End {
    if let Some(message) = message_of(&mut end) {
        *message = attempt.shown(std::mem::take(message));
    }
    end
}

/// The report of an attempt that did not come to its end here.
pub(crate) fn lost(attempt: &Attempt, now: Timestamp, message: String, suspect: bool) -> Report {
    let end = End::HostLost { message, suspect };
    report(attempt, now, end, ResourcesUsed::default(), Vec::new(), false, Answer::default())
}

/// The report of an attempt that was cancelled before it began.
pub(crate) fn cancelled(attempt: &Attempt, now: Timestamp) -> Report {
    let end = End::Cancelled { message: "cancelled before it began".to_owned() };
    report(attempt, now, end, ResourcesUsed::default(), Vec::new(), false, Answer::default())
}

/// The report of an attempt that could not begin because its arguments are not possible.
pub(crate) fn refused(attempt: &Attempt, now: Timestamp, message: String) -> Report {
    let end = End::Failed { message, retry: false, delay_ms: None };
    report(attempt, now, end, ResourcesUsed::default(), Vec::new(), false, Answer::default())
}

/// The report of an attempt that has nothing to run with.
pub(crate) fn skipped(attempt: &Attempt, now: Timestamp, reason: String) -> Report {
    report(attempt, now, End::Skipped { reason }, ResourcesUsed::default(), Vec::new(), false, Answer::default())
}

/// The report that an attempt failed because its own report cannot be taken.
pub(crate) fn instead_of(report: Report, error: &StoreError) -> Report {
    let message = format!("what the attempt left cannot be kept: {error}");
    let end = bounded(End::Failed { message, retry: true, delay_ms: None });
    let execution = Execution { end, used: ResourcesUsed::default(), ..report.execution };
    let (xcoms, asset_events) = (Vec::new(), Vec::new());
    Report { execution, xcoms, has_value: false, answer: Answer::default(), asset_events, ..report }
}

fn report(
    attempt: &Attempt,
    now: Timestamp,
    end: End,
    used: ResourcesUsed,
    xcoms: Vec<NamedValue>,
    has_value: bool,
    answer: Answer,
) -> Report {
    let execution =
        Execution { started_at: attempt.claim.claimed_at, ended_at: now, end: bounded(end), used: plausible(used) };
    let asset_events = Vec::new();
    Report { scope: attempt.scope(), token: attempt.token(), execution, xcoms, has_value, answer, asset_events }
}

/// What a success says; or how the attempt ended instead. Refuses markers that are not the guest's to give.
fn said(attempt: &Attempt, result: Option<&str>, xcoms: &[(Key, String)]) -> Result<Answer, End> {
    let named = xcoms.iter().map(|(key, text)| (key.as_str(), text.as_str()));
    for (name, text) in result.map(|text| ("the result", text)).into_iter().chain(named) {
        attempt.check_markers(text).map_err(|why| answer::failed(format!("{name} {why}"), true))?;
    }
    if attempt.claim.notify.is_some() {
        return Ok(Answer::default());
    }
    answer::of_success(&attempt.claim.run.dag, attempt.token().instance.node, result, xcoms)
}

async fn stored(blobs: &BlobStore, attempt: &Attempt, text: String) -> Result<StoredValue, blobs::BlobError> {
    if text.len() <= INLINE_MAX_BYTES {
        return Ok(StoredValue::Inline(text.into()));
    }
    let size_bytes = text.len() as u64;
    let unavailable = |error: failpoint::Injected| blobs::BlobError::Unavailable { detail: error.to_string() };
    failpoint::before("host::xcom_stage").map_err(unavailable)?;
    let digest = blobs.put(attempt.scope(), Bytes::from(text)).await?;
    failpoint::after("host::xcom_stage").map_err(unavailable)?;
    Ok(StoredValue::Blob { digest, size_bytes })
}

fn return_value() -> Key {
    Key::new(RETURN_VALUE).expect("the constant is a key")
}

/// Cuts off what no attempt can have used: the runner says it, and every database has to take it.
fn plausible(used: ResourcesUsed) -> ResourcesUsed {
    const TIME_MAX_US: u64 = (TIMEOUT_MAX_MS + KILL_AFTER_DEADLINE_MS) * 1_000;
    ResourcesUsed {
        wall_us: used.wall_us.min(TIME_MAX_US),
        cpu_us: used.cpu_us.min(TIME_MAX_US),
        memory_bytes: used.memory_bytes.min(MEMORY_MAX_BYTES),
    }
}

/// Cuts messages to what is kept; a guest may have written them.
fn bounded(mut end: End) -> End {
    if let Some(message) = message_of(&mut end) {
        if message.len() > MESSAGE_MAX_BYTES {
            message.truncate(message.floor_char_boundary(MESSAGE_MAX_BYTES));
            message.push('…');
        }
        // PostgreSQL's text holds no NUL, so that no database may.
        if message.contains('\0') {
            *message = message.replace('\0', "\u{fffd}");
        }
    }
    end
}

fn message_of(end: &mut End) -> Option<&mut String> {
    match end {
        End::Success | End::Rescheduled | End::Deferred { .. } => None,
        End::Skipped { reason: message }
        | End::Failed { message, .. }
        | End::TimedOut { message }
        | End::Trapped { message }
        | End::OverLimit { message }
        | End::Cancelled { message }
        | End::HostLost { message, .. } => Some(message),
    }
}
