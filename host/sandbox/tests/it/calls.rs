//! What is called besides a body with its arguments: bodies for items, callbacks; and what else an assignment brings with it.

use std::sync::Arc;

use model::outcome::{EmittedEvent, End, WakeOn, Woken};
use model::{AssetName, Entrypoint};
use sandbox::{Artefact, ItemAnswer, ItemCall, Work};
use tokio::sync::OnceCell;

use crate::harness::{Worker, compiled, succeeded};

/// A guest whose bodies do what their arguments say.
async fn document() -> Artefact {
    static DOCUMENT: OnceCell<Artefact> = OnceCell::const_new();
    let bytes = || std::fs::read(testkit::guest::component("document-guest")).expect("the component was built");
    DOCUMENT.get_or_init(async || compiled(&bytes()).await).await.clone()
}

async fn worker() -> Worker {
    let mut worker = Worker::start(4).await;
    let artefact = document().await;
    worker.runner.load(&artefact).await.expect("the runner takes it");
    worker.component = artefact.component();
    worker
}

fn calls(calls: &[(&str, &str)]) -> Work {
    let call = |(entrypoint, item): &(&str, &str)| ItemCall {
        entrypoint: Entrypoint::new(entrypoint).expect("a name"),
        item: (*item).into(),
    };
    Work::Items(calls.iter().map(call).collect())
}

#[tokio::test]
async fn bodies_make_something_of_items_in_their_order() {
    let mut worker = worker().await;
    let mut assignment = worker.assignment("echo", "");
    assignment.work = calls(&[("times_ten", "7"), ("odd_skips", "3"), ("odd_none", "5"), ("is_even", "4")]);
    let completion = worker.finish(assignment).await;
    assert_eq!(completion.end, End::Success);
    let value = |text: &str| ItemAnswer::Value(Some(text.into()));
    let skipped = ItemAnswer::Skipped("3 is odd".to_owned());
    assert_eq!(completion.items, [value("70"), skipped, ItemAnswer::Value(None), value("true")]);
}

#[tokio::test]
async fn the_first_item_that_fails_ends_the_attempt() {
    let mut worker = worker().await;
    let mut assignment = worker.assignment("echo", "");
    assignment.work = calls(&[("odd_fails", "2"), ("odd_fails", "3"), ("times_ten", "1")]);
    let completion = worker.finish(assignment).await;
    let failed = "body odd_fails of an item: 3 is odd".to_owned();
    assert_eq!(completion.end, End::Failed { message: failed, retry: true, delay_ms: None });
    assert_eq!(completion.items, []);
}

#[tokio::test]
async fn items_share_the_time_of_the_attempt() {
    let mut worker = worker().await;
    let mut assignment = worker.assignment("echo", "");
    assignment.work = calls(&[("times_ten", "1"), ("loop", "2")]);
    assignment.timeout_ms = 300;
    let completion = worker.finish(assignment).await;
    assert!(matches!(completion.end, End::TimedOut { .. }), "{completion:?}");
}

#[tokio::test]
async fn a_callback_hears_of_an_event_and_may_refuse_it() {
    let mut worker = worker().await;
    for (event, end) in [
        (r#"{"callback":"tell"}"#, End::Success),
        (
            r#"{"callback":"broken"}"#,
            End::Failed { message: "this callback is broken".to_owned(), retry: true, delay_ms: None },
        ),
    ] {
        let mut assignment = worker.assignment("echo", "");
        assignment.work = Work::Notify { event: event.into() };
        let completion = worker.finish(assignment).await;
        assert_eq!(completion.end, end);
        assert_eq!(completion.log[0].text, format!("notified {event}"));
    }
}

#[tokio::test]
async fn a_component_without_callbacks_hears_of_none() {
    let mut worker = Worker::start(4).await;
    let mut assignment = worker.assignment("echo", "");
    assignment.work = Work::Notify { event: "{}".into() };
    let end = worker.finish(assignment).await.end;
    assert!(matches!(&end, End::Failed { message, retry: false, .. } if message.contains("callbacks")), "{end:?}");
}

#[tokio::test]
async fn events_come_with_a_success() {
    let mut worker = worker().await;
    let tells = r#"{"do": {"emit": [{"asset": "orders", "extra": {"rows": 1}}, {"asset": "orders"}], "none": true}}"#;
    let completion = worker.run("act", tells).await;
    assert_eq!(completion.end, End::Success);
    let event = |extra: &str| EmittedEvent { asset: AssetName::new("orders").expect("a name"), extra: extra.into() };
    assert_eq!(completion.asset_events, [event(r#"{"rows":1}"#), event("{}")]);
    let completion = worker.run("act", &tells.replace("\"none\": true", "\"fail\": \"no\"")).await;
    assert_eq!(completion.asset_events, []);
    let completion = worker.run("act", &tells.replace("orders", "prices")).await;
    let denied = |end: &End| matches!(end, End::Failed { message, .. } if message.contains("no outlet of this task"));
    assert!(denied(&completion.end), "{completion:?}");
}

#[tokio::test]
async fn an_attempt_that_waited_learns_what_woke_it() {
    let mut worker = worker().await;
    let waits = r#"{"do": {"wait": {"signal": "go", "times": 0}}}"#;
    assert_eq!(succeeded(&worker.run("act", waits).await), "null");
    let mut assignment = worker.assignment("act", waits);
    let payload = Some(r#"{"by":"Ada"}"#.into());
    assignment.context.woken = Some(Arc::new(Woken { on: WakeOn::Signal("go".to_owned()), payload }));
    assert_eq!(succeeded(&worker.finish(assignment).await), r#"{"by":"Ada"}"#);
}

#[tokio::test]
async fn variables_connections_and_runs_are_asked_for() {
    let mut worker = worker().await;
    for (what, expect) in [
        ("variable:region", r#""eu""#),
        ("variable:nothing", "null"),
        ("connection:nothing", "null"),
        ("run:d/r", r#"{"state":"success","results":{"t":1}}"#),
        ("run:d/other", "null"),
    ] {
        let completion = worker.run("act", &format!(r#"{{"do": {{"show": "{what}"}}}}"#)).await;
        assert_eq!(succeeded(&completion), expect, "{what}");
    }
    let completion = worker.run("act", r#"{"do": {"show": "connection:db"}}"#).await;
    assert!(succeeded(&completion).contains(r#""password":"hunter2""#), "{completion:?}");
    let completion = worker.run("act", r#"{"do": {"trigger": {"dag": "d"}}}"#).await;
    assert_eq!(succeeded(&completion), r#""made_1""#);
    for (wrong, why) in [(r#"{"dag": "no id"}"#, "is not valid"), (r#"{"dag": "d", "run_id": "?"}"#, "is not valid")] {
        let completion = worker.run("act", &format!(r#"{{"do": {{"trigger": {wrong}}}}}"#)).await;
        assert!(completion.end.message().is_some_and(|message| message.contains(why)), "{completion:?}");
    }
}
