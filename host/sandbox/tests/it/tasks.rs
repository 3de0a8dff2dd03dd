//! Honest bodies.

use model::outcome::End;

use crate::harness::{Worker, succeeded};

#[tokio::test]
async fn a_body_gets_its_arguments_and_answers() {
    let mut worker = Worker::start(4).await;
    let completion = worker.run("echo", r#"{"a":[1,2,"é"]}"#).await;
    assert_eq!(succeeded(&completion), r#"{"a":[1,2,"é"]}"#);
    assert!(completion.used.memory_bytes > 0);
    assert!(completion.used.wall_us > 0);
    assert_eq!(worker.run("noop", "{}").await.result, None);
}

#[tokio::test]
async fn each_outcome_is_reported_as_it_is() {
    let mut worker = Worker::start(4).await;
    assert_eq!(worker.run("skip", "{}").await.end, End::Skipped { reason: "not today".into() });
    let failed = End::Failed { message: "it did not work".into(), retry: true, delay_ms: Some(7) };
    assert_eq!(worker.run("fail", "{}").await.end, failed);
}

#[tokio::test]
async fn the_context_tells_who_and_where_the_instance_is() {
    let mut worker = Worker::start(4).await;
    let completion = worker.run("context", "{}").await;
    let told = succeeded(&completion);
    let (told, left) = told.split_once(",\"left_ms\":").expect("the time that is left");
    assert_eq!(
        told,
        r#"{"dag":"probe","run":"manual__1","task":"body","map_index":3,"map_path":[3],"map_key":"k","try":2,"logical_date":1767225600000000,"params":{"p":1}"#
    );
    let left: i64 = left.trim_end_matches('}').parse().expect("a number");
    assert!((0..=60_000).contains(&left), "{left} ms are left of 60 s");
}

#[tokio::test]
async fn more_assignments_than_slots_all_end_once() {
    let mut worker = Worker::start(8).await;
    let assignments: Vec<_> = (0..500).map(|number| worker.assignment("echo", &number.to_string())).collect();
    worker.assign(assignments).await;
    worker.until(|worker| worker.done.len() == 500).await;
    for number in 0..500_u64 {
        assert_eq!(succeeded(&worker.done[&(number + 1)]), number.to_string());
    }
    assert_eq!(worker.started.len(), 500);
}

#[tokio::test]
async fn an_unknown_component_is_the_hosts_fault() {
    let mut worker = Worker::start(1).await;
    let mut assignment = worker.assignment("noop", "{}");
    assignment.component = model::Digest::of(b"another");
    assert!(matches!(worker.finish(assignment).await.end, End::HostLost { suspect: false, .. }));
}

#[tokio::test]
async fn a_sandbox_can_be_measured() {
    let artefact = crate::harness::probe().await;
    let figures = sandbox::bench(&crate::harness::command(), &artefact, "noop", "{}", 200).await.expect("figures");
    assert_eq!(figures.calls, 200);
    assert!(figures.p50_ns > 0 && figures.p50_ns <= figures.p99_ns);
    let failed = sandbox::bench(&crate::harness::command(), &artefact, "fail", "{}", 1).await;
    assert!(failed.expect_err("the body fails").to_string().contains("it did not work"));
}
