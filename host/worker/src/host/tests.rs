use clock::Real;
use model::json::BlobRef;

use super::*;
use crate::doubles::{Connections, NoRuns, NoStates, Surroundings, Variables, claim};

const ONE: &str = "only";

/// A host whose one attempt was shown a blob, and another blob of the same tenant that it was not shown.
async fn host() -> (Host, u64, BlobRef, BlobRef) {
    let around = Surroundings::new().await;
    let run = around.run(ONE, b"component").await;
    let attempts = around.worker.0.attempts.clone();
    let (id, attempt) = attempts.insert(claim(&run, 0, -1, false));
    let blob =
        |bytes: &[u8]| BlobRef { digest: Digest::of(bytes), size: bytes.len() as u64, media_type: String::new() };
    let (own, foreign) = (blob(b"own"), blob(b"foreign"));
    attempt.grant(own.digest);
    let (values, blobs) = (around.values.clone(), around.blobs.clone());
    let room = WritingRoom::new(&blobs);
    let host = Host {
        attempts,
        values,
        states: Arc::new(NoStates::default()),
        variables: Arc::new(Variables([(Key::new("api_token").expect("a name"), "t-456".to_owned())].into())),
        connections: Arc::new(Connections),
        runs: Arc::new(NoRuns),
        blobs,
        room,
        clock: Arc::new(Real),
    };
    (host, id, own, foreign)
}

fn set(value: String) -> HostRequest {
    HostRequest::StateSet { key: Key::new("key").expect("a name"), value, ttl_ms: None }
}

#[tokio::test]
async fn state_names_no_blob_that_the_attempt_may_not_read() {
    let (host, id, own, foreign) = host().await;
    let refused = host.call(id, set(format!("[{}]", foreign.to_value()))).await;
    assert!(matches!(&refused, Err(HostError::Denied(why)) if why.contains("was not given")), "{refused:?}");
    let reserved = host.call(id, set("{\"$waft\":\"sequence\"}".into())).await;
    assert!(matches!(&reserved, Err(HostError::Denied(why)) if why.contains("reserved")), "{reserved:?}");
    // It comes as far as the store, which keeps nothing here.
    assert_eq!(host.call(id, set(own.to_value().to_string())).await, Err(HostError::Fenced));
}

#[tokio::test]
async fn state_that_a_child_should_have_refused_is_refused() {
    let (host, id, ..) = host().await;
    assert!(matches!(host.call(id, set("{".into())).await, Err(HostError::Invalid(_))));
    let long = format!("{:?}", "x".repeat(STATE_VALUE_MAX_BYTES));
    assert!(matches!(host.call(id, set(long)).await, Err(HostError::QuotaExceeded(_))));
}

#[tokio::test]
async fn a_guest_waits_while_the_database_is_away() {
    let (mut host, id, ..) = host().await;
    let states = Arc::new(NoStates { away: 3.into() });
    host.states = states.clone();
    assert_eq!(host.call(id, set("1".into())).await, Err(HostError::Fenced), "the store's own answer");
    assert_eq!(states.away.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn secrets_are_read_and_do_not_show() {
    let (host, id, ..) = host().await;
    let variable = HostRequest::VariableGet { key: Key::new("api_token").expect("a name") };
    assert_eq!(host.call(id, variable).await, Ok(HostValue::Json(Some("\"t-456\"".to_owned()))));
    let connection =
        |name| HostRequest::ConnectionGet { connection_id: model::ConnectionId::new(name).expect("a name") };
    assert_eq!(host.call(id, connection("nothing")).await, Ok(HostValue::Connection(None)));
    let found = host.call(id, connection("db")).await;
    let Ok(HostValue::Connection(Some(found))) = found else { panic!("{found:?}") };
    assert_eq!((found.password.as_deref(), found.port), (Some("hunter2"), Some(5432)));
    let attempt = host.attempts.get(id).expect("it is held");
    let shown = attempt.shown("h t-456 hunter2 k-123".to_owned());
    assert_eq!(shown, "h *** *** ***");
}

#[tokio::test]
async fn a_run_that_an_attempt_starts_again_has_the_same_id() {
    let (host, id, ..) = host().await;
    let request = |number, conf: Option<&str>| {
        HostRequest::RunTrigger(Box::new(sandbox::RunRequest {
            dag_id: model::DagId::new("child").expect("a name"),
            conf: conf.map(str::to_owned),
            run_id: None,
            number,
            logical_date: None,
            note: None,
        }))
    };
    let first = host.call(id, request(1, Some("{}"))).await;
    assert!(matches!(&first, Ok(HostValue::Run(run)) if run.as_str().ends_with("_0_-1_1_1")), "{first:?}");
    assert_eq!(host.call(id, request(1, None)).await, first);
    assert_ne!(host.call(id, request(2, None)).await, first);
    let foreign =
        format!(r#"{{"file":{{"$waft":"blob","digest":"{}","size":7,"media_type":""}}}}"#, Digest::of(b"foreign"));
    let refused = host.call(id, request(3, Some(&foreign))).await;
    assert!(
        matches!(&refused, Err(HostError::Denied(why)) if why.contains("which this attempt was not given")),
        "{refused:?}"
    );
}
