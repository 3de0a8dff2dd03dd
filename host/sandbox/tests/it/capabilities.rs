//! What guests may import, through all processes.

use std::sync::Arc;

use model::outcome::End;
use sandbox::{LogLevel, LogSource, SequenceRef};

use crate::harness::{Host, Worker, key, succeeded};

#[tokio::test]
async fn every_simple_function_answers_or_refuses_with_a_reason() {
    let mut worker = Worker::start(4).await;
    let completion = worker.run("capabilities", "{}").await;
    let answers: Vec<String> = serde_json::from_str(succeeded(&completion)).expect("a list of texts");
    let starts = [
        "Ok(())",
        "Err(Error::Invalid(\"return_value is the task's result",
        "Err(Error::Invalid(\"key \\\"bad key\\\" is not valid",
        "Err(Error::Invalid(\"",
        "Ok(Some(\"\\\"upstream/return_value\\\"\"))",
        "Err(Error::Invalid(\"map-index -7",
        "Ok(())",
        "Ok(Some(\"41\"))",
        "Ok([\"cursor\"])",
        "Ok(true)",
        "Ok(false)",
        "Err(Error::QuotaExceeded(\"a state value has at most 65536 bytes; this one has 70002",
        "Some(Error::Denied(\"the arguments hold no sequence 99\"))",
    ];
    assert_eq!(answers.len(), starts.len());
    for (answer, start) in answers.iter().zip(starts) {
        assert!(answer.starts_with(start), "{answer} does not start with {start}");
    }
    assert_eq!(completion.xcoms, [(key("rows"), "[1,2]".to_owned())]);
}

#[tokio::test]
async fn a_sequence_is_read_in_pages() {
    let host = Arc::new(Host::default());
    let mut worker = Worker::with_host(4, host.clone()).await;
    let mut assignment = worker.assignment("sequence", "30");
    assignment.sequences = vec![SequenceRef { id: 1, len: 100 }];
    let completion = worker.finish(assignment).await;
    assert_eq!(succeeded(&completion), r#"["4950","4950","100","2","Ok(None)"]"#);
    assert_eq!(
        host.requests.lock().expect("no panic").len(),
        2 * 4 + 1,
        "four pages twice, one value, nothing past the end"
    );

    let denied = worker.run("sequence", "30").await;
    assert!(matches!(denied.end, End::Failed { message, .. } if message.contains("no sequence 1")));
}

#[tokio::test]
async fn a_blob_is_written_and_read_in_pieces() {
    let mut worker = Worker::start(4).await;
    let completion = worker.run("blob", "{}").await;
    let digest = model::Digest::of(b"hello world");
    let answers: Vec<String> = serde_json::from_str(succeeded(&completion)).expect("a list of texts");
    let denied = "Some(Error::Denied(\"not yours\"))";
    assert_eq!(answers, ["Ok(())", "Ok(())", "true", &digest.to_string(), "11", "Ok(\"world\")", denied]);
}

#[tokio::test]
async fn the_log_tells_where_each_line_comes_from() {
    let mut worker = Worker::start(4).await;
    let completion = worker.run("log", "{}").await;
    let lines: Vec<_> = completion.log.iter().map(|line| (line.source, line.text.as_str())).collect();
    let info = LogSource::Log(LogLevel::Info);
    let expected =
        [(info, "first"), (info, "second"), (LogSource::Stdout, "printed"), (LogSource::Stderr, "complained")];
    assert_eq!(lines, expected);
    assert!(completion.log.is_sorted_by_key(|line| line.at_us));
}

#[tokio::test]
async fn lines_and_progress_arrive_while_the_body_runs() {
    let mut worker = Worker::start(4).await;
    let mut assignment = worker.assignment("progress_flood", "{}");
    assignment.timeout_ms = 60_000;
    let flood = worker.finish(assignment).await;
    assert_eq!(flood.end, End::Success);
    let mut slow = worker.assignment("say_and_sleep", "{}");
    slow.timeout_ms = 60_000;
    let id = slow.id;
    worker.assign(vec![slow]).await;
    worker.until(|worker| worker.log.get(&id).is_some_and(|lines| !lines.is_empty())).await;
    worker.until(|worker| worker.progress.iter().any(|report| report.assignment == id && report.done == 1)).await;
    assert!(!worker.done.contains_key(&id));
    worker.runner.cancel(vec![id]).await.expect("the runner lives");
    worker.until(|worker| worker.done.contains_key(&id)).await;
    assert!(matches!(worker.done[&id].end, End::Cancelled { .. }));
}
