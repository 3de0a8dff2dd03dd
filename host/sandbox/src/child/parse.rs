//! A runner that asks a component for its DAGs, twice, in worlds that differ in time and randomness.

use std::sync::Arc;
use std::time::Duration;

use model::Digest;
use model::json::{self, Limits};
use model::limits::dag::{DAGS_PER_BUNDLE_MAX, DOCUMENT_MAX_BYTES};
use model::limits::hostcall::PARSE_FUEL_BYTES;
use model::limits::log::LINE_MAX_BYTES;
use model::limits::parse::{CPU_MAX_MS, LOG_MAX_BYTES, MEMORY_MAX_BYTES, WALL_MAX_MS};

use super::attempt::Attempt;
use super::components::{Components, Violation};
use super::fault::Fault;
use super::host_calls::HostAccess;
use super::log::Log;
use super::outbox::Outbox;
use super::runner::{Inbox, RunnerError};
use super::sandbox::{Bounds, Loaded, Sandbox};
use super::world::World;
use crate::completion::LogLine;
use crate::parent::DescribeFault;
use crate::protocol::{FromChild, ToChild};

const BOUNDS: Bounds = Bounds {
    wall: Duration::from_millis(WALL_MAX_MS),
    cpu: Some(Duration::from_millis(CPU_MAX_MS)),
    memory_bytes: MEMORY_MAX_BYTES,
    hostcall_bytes: PARSE_FUEL_BYTES,
};

/// 2020-01-01 and 2031-07-09, with different times of day.
const WORLDS: [World; 2] = [
    World::Frozen { wall: Duration::from_millis(1_577_836_800_000), seed: 0x5eed_0001 },
    World::Frozen { wall: Duration::from_millis(1_941_349_565_123), seed: 0x5eed_0002 },
];

/// Takes one component, describes it and ends.
pub(super) async fn serve(sandbox: &Sandbox, mut inbox: Inbox, outbox: &Outbox) -> Result<(), RunnerError> {
    let mut components = Components::default();
    while let Some(message) = inbox.next().await? {
        match message {
            ToChild::Load { component, bytes } => components.announce(component, bytes)?,
            ToChild::LoadPiece(piece) => {
                if let Some(arrived) = components.receive(&piece, sandbox)? {
                    outbox.send(arrived.into()).await;
                }
            }
            ToChild::Describe { component } => {
                let (outcome, log) = describe(sandbox, &components, &component).await;
                outbox.deliver(FromChild::Described { outcome, log }).await;
                return Ok(());
            }
            _ => return Err(Violation("a message of another mode").into()),
        }
    }
    Ok(())
}

async fn describe(
    sandbox: &Sandbox,
    components: &Components,
    component: &Digest,
) -> (Result<Vec<String>, DescribeFault>, Vec<LogLine>) {
    let Some(loaded) = components.get(component) else {
        return (Err(DescribeFault::Process(format!("component {component} is not loaded"))), Vec::new());
    };
    let (first, log) = dags(sandbox, &loaded, &WORLDS[0]).await;
    let first = match first {
        Ok(documents) => documents,
        Err(fault) => return (Err(fault), log),
    };
    let (second, second_log) = dags(sandbox, &loaded, &WORLDS[1]).await;
    match second {
        Ok(second) => match difference(&first, &second) {
            None => (check(&first).map(|()| first), log),
            Some(difference) => (Err(DescribeFault::Nondeterministic(difference)), log),
        },
        Err(fault) => {
            (Err(DescribeFault::Nondeterministic(format!("only the second call failed: {fault}"))), second_log)
        }
    }
}

async fn dags(sandbox: &Sandbox, loaded: &Loaded, world: &World) -> (Result<Vec<String>, DescribeFault>, Vec<LogLine>) {
    let Some(definition) = loaded.definition.clone() else {
        let why = "it does not export waft:task/definition".to_owned();
        return (Err(DescribeFault::Unlinkable(why)), Vec::new());
    };
    let attempt = Arc::new(Attempt::new(0, Log::new(LOG_MAX_BYTES), Arc::default()));
    let host = HostAccess::Refused("nothing but `log` answers while a bundle is parsed; ask in a task instead");
    let ended = sandbox
        .run(loaded, &attempt, (host, world), BOUNDS, move |store, instance| {
            Box::pin(async move {
                let definition = definition.load(&mut *store, instance)?;
                definition.call_dags(store).await
            })
        })
        .await;
    let outcome = match ended.outcome {
        Ok((Ok(documents), _)) => Ok(documents),
        Ok((Err(mut message), _)) => {
            message.truncate(message.floor_char_boundary(LINE_MAX_BYTES));
            Err(DescribeFault::Reported(message))
        }
        Err(Fault::TimedOut(message)) => Err(DescribeFault::TimedOut(message)),
        Err(Fault::OverLimit(message)) => Err(DescribeFault::OverLimit(message)),
        Err(Fault::Trapped(message)) => Err(DescribeFault::Trapped(message)),
        Err(Fault::NoRoom(message) | Fault::Panicked(message)) => Err(DescribeFault::Process(message)),
        Err(Fault::Cancelled) => Err(DescribeFault::Process("cancelled".into())),
    };
    (outcome, attempt.log.finish())
}

fn check(documents: &[String]) -> Result<(), DescribeFault> {
    if documents.len() > DAGS_PER_BUNDLE_MAX {
        let count = documents.len();
        return Err(DescribeFault::OverLimit(format!(
            "a bundle has at most {DAGS_PER_BUNDLE_MAX} DAGs; this one has {count}"
        )));
    }
    let bytes: usize = documents.iter().map(String::len).sum();
    if bytes > DOCUMENT_MAX_BYTES {
        return Err(DescribeFault::OverLimit(format!(
            "the DAG documents of a bundle have at most {DOCUMENT_MAX_BYTES} bytes together; these have {bytes}"
        )));
    }
    for (position, document) in documents.iter().enumerate() {
        json::check_within(document, Limits::DOCUMENT)
            .map_err(|error| DescribeFault::BadJson(format!("DAG {position} of {}: {error}", documents.len())))?;
    }
    Ok(())
}

/// The first difference of two answers, with what stands around it.
fn difference(first: &[String], second: &[String]) -> Option<String> {
    if first.len() != second.len() {
        return Some(format!("{} DAGs, then {}", first.len(), second.len()));
    }
    let (position, (a, b)) = first.iter().zip(second).enumerate().find(|(_, (a, b))| a != b)?;
    let at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    Some(format!(
        "DAG {position} differs at byte {at}: {:?}, then {:?}; time, randomness and order of hash maps must not reach the DAG",
        around(a, at),
        around(b, at)
    ))
}

fn around(text: &str, at: usize) -> &str {
    const BYTES: usize = 40;
    &text[text.floor_char_boundary(at.saturating_sub(BYTES))..text.ceil_char_boundary((at + BYTES).min(text.len()))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_first_difference_is_shown_with_its_surroundings() {
        assert_eq!(difference(&texts(&["a"]), &texts(&["a"])), None);
        assert_eq!(difference(&texts(&["a"]), &texts(&[])).as_deref(), Some("1 DAGs, then 0"));
        let shown = difference(&texts(&["x", r#"{"é":1}"#]), &texts(&["x", r#"{"é":2}"#])).expect("a difference");
        assert!(shown.starts_with(r#"DAG 1 differs at byte 6: "{\"é\":1}", then "{\"é\":2}""#), "{shown}");
        let shown = difference(&texts(&["é"]), &texts(&["è"])).expect("a difference within a character");
        assert!(shown.contains("\"é\", then \"è\""), "{shown}");
    }

    #[test]
    fn documents_are_bounded_and_json() {
        assert!(check(&texts(&["{}"])).is_ok());
        assert!(
            matches!(check(&texts(&["{}", "{"])), Err(DescribeFault::BadJson(why)) if why.starts_with("DAG 1 of 2"))
        );
        assert!(matches!(check(&vec!["1".into(); DAGS_PER_BUNDLE_MAX + 1]), Err(DescribeFault::OverLimit(_))));
    }
}
