//! Hostile bodies: each ends as what it is, and its neighbours do not notice.

use std::sync::Arc;

use model::limits::log::ATTEMPT_MAX_BYTES;
use model::outcome::End;
use sandbox::{LogSource, SequenceRef, Work};

use crate::harness::{SilentHost, Worker, compiled, probe_that, succeeded};

async fn end_of(entrypoint: &str) -> End {
    let mut worker = Worker::start(2).await;
    let end = worker.run(entrypoint, "{}").await.end;
    assert_eq!(worker.run("noop", "{}").await.end, End::Success, "the runner goes on after {entrypoint}");
    end
}

async fn end_within(entrypoint: &str, timeout_ms: u64) -> End {
    let mut worker = Worker::start(2).await;
    let mut assignment = worker.assignment(entrypoint, "{}");
    assignment.timeout_ms = timeout_ms;
    let end = worker.finish(assignment).await.end;
    assert_eq!(worker.run("noop", "{}").await.end, End::Success, "the runner goes on after {entrypoint}");
    end
}

#[track_caller]
fn says(end: &End, kind: model::EndKind, words: &str) {
    assert_eq!(end.kind(), kind, "{end:?}");
    let message = end.message().unwrap_or_default();
    assert!(message.contains(words), "{message:?} does not say {words:?}");
}

#[tokio::test]
async fn an_endless_loop_times_out() {
    says(&end_within("loop", 200).await, model::EndKind::TimedOut, "timeout of 200 ms");
}

#[tokio::test]
async fn an_endless_sleep_times_out() {
    says(&end_within("sleep", 200).await, model::EndKind::TimedOut, "timeout of 200 ms");
}

#[tokio::test]
async fn an_endless_loop_while_instantiating_times_out() {
    let mut worker = Worker::start(2).await;
    let artefact = compiled(&probe_that("start-loop")).await;
    worker.runner.load(&artefact).await.expect("loading runs nothing");
    let mut assignment = worker.assignment("noop", "{}");
    assignment.component = artefact.component();
    assignment.timeout_ms = 200;
    says(&worker.finish(assignment).await.end, model::EndKind::TimedOut, "timeout of 200 ms");
}

#[tokio::test]
async fn a_host_that_does_not_answer_times_the_guest_out_and_frees_nothing_twice() {
    let mut worker = Worker::with_host(2, Arc::new(SilentHost)).await;
    for _ in 0..2 {
        let mut assignment = worker.assignment("capabilities", "{}");
        assignment.timeout_ms = 200;
        says(&worker.finish(assignment).await.end, model::EndKind::TimedOut, "timeout of 200 ms");
    }
    // Both places for requests are still taken by the silent host; the third waits for one until its time is up.
    let mut assignment = worker.assignment("capabilities", "{}");
    assignment.timeout_ms = 200;
    says(&worker.finish(assignment).await.end, model::EndKind::TimedOut, "timeout of 200 ms");
    assert_eq!(worker.run("noop", "{}").await.end, End::Success);
}

#[tokio::test]
async fn traps_are_told_with_their_cause() {
    says(&end_of("unreachable").await, model::EndKind::Trapped, "unreachable");
    says(&end_of("panic").await, model::EndKind::Trapped, "the probe panics on purpose");
    says(&end_of("exit").await, model::EndKind::Trapped, "exit");
}

#[tokio::test]
async fn deep_recursion_is_a_trap() {
    says(&end_of("recurse").await, model::EndKind::Trapped, "call stack exhausted");
    says(&end_of("recurse_wide").await, model::EndKind::Trapped, "out of bounds memory access");
}

#[tokio::test]
async fn memory_is_limited() {
    says(&end_of("memory").await, model::EndKind::OverLimit, "memory limit of 67108864 bytes reached");
    let mut worker = Worker::start(1).await;
    let mut assignment = worker.assignment("touch", "10000000");
    assignment.memory_bytes = 8 << 20;
    says(&worker.finish(assignment).await.end, model::EndKind::OverLimit, "memory limit of 8388608 bytes");
    let fits = worker.run("touch", "10000000").await;
    assert_eq!(fits.end, End::Success);
    assert!((10_000_000..64 << 20).contains(&fits.used.memory_bytes));
}

#[tokio::test]
async fn handles_are_limited() {
    let mut worker = Worker::start(1).await;
    let mut assignment = worker.assignment("handles", "{}");
    assignment.sequences = vec![SequenceRef { id: 1, len: 1 }];
    says(&worker.finish(assignment).await.end, model::EndKind::OverLimit, "handles");
}

#[tokio::test]
async fn answers_are_limited() {
    says(&end_of("huge_string").await, model::EndKind::OverLimit, "limit");
    says(&end_of("many_items").await, model::EndKind::OverLimit, "limit");
    says(&end_of("long_string").await, model::EndKind::Failed, "1048576");
}

#[tokio::test]
async fn an_answer_that_is_no_json_fails_the_attempt() {
    says(&end_of("bad_json").await, model::EndKind::Failed, "cannot be taken");
    says(&end_of("deep_json").await, model::EndKind::Failed, "nested deeper than 32");
}

#[tokio::test]
async fn floods_of_the_log_are_dropped_with_a_marker_and_do_not_fail_the_body() {
    let mut worker = Worker::start(2).await;
    for flood in ["log_flood", "print_flood", "long_line"] {
        let completion = worker.run(flood, "{}").await;
        assert_eq!(completion.end, End::Success, "{flood}");
        let lines = &worker.log[&completion.id];
        let bytes: usize = lines.iter().map(|line| line.text.len()).sum();
        assert!(bytes as u64 <= ATTEMPT_MAX_BYTES, "{flood} kept {bytes} bytes");
        let last = lines.last().expect("a marker");
        assert_eq!(last.source, LogSource::Waft);
        assert!(last.text.contains("bytes of this log were dropped"), "{}", last.text);
        assert_eq!(lines.iter().filter(|line| line.source == LogSource::Waft).count(), 1);
    }
}

#[tokio::test]
async fn xcom_keys_are_limited() {
    let mut worker = Worker::start(1).await;
    let completion = worker.run("xcom_flood", "{}").await;
    assert_eq!(succeeded(&completion), "50", "150 keys, 100 allowed");
    assert_eq!(completion.xcoms.len(), 100);
}

#[tokio::test]
async fn nothing_of_an_earlier_guest_is_left() {
    let mut worker = Worker::start(1).await;
    for ending in ["hide_secret", "unreachable", "hide_secret", "memory", "hide_secret"] {
        worker.run(ending, "{}").await;
        assert_eq!(succeeded(&worker.run("find_secret", "{}").await), "0", "after {ending}");
    }
}

#[tokio::test]
async fn the_world_outside_is_empty() {
    let mut worker = Worker::start(1).await;
    assert_eq!(succeeded(&worker.run("ambient", "{}").await), r#"{"env":0,"args":0,"input":"Ok(0)","input_bytes":0}"#);
    assert_eq!(succeeded(&worker.run("sockets", "{}").await), "[5,5]");
    assert_eq!(succeeded(&worker.run("files", "{}").await), "[6,6]");
}

#[tokio::test]
async fn each_guest_has_its_own_randomness() {
    let mut worker = Worker::start(1).await;
    let first = worker.run("random", "{}").await;
    let second = worker.run("random", "{}").await;
    assert_ne!(succeeded(&first), succeeded(&second));
}

#[tokio::test]
async fn neighbours_of_attackers_do_not_notice() {
    let mut worker = Worker::start(16).await;
    let attacks =
        ["loop", "sleep", "unreachable", "panic", "recurse", "memory", "log_flood", "huge_string", "bad_json"];
    let mut assignments = Vec::new();
    for attack in attacks {
        let mut assignment = worker.assignment(attack, "{}");
        assignment.timeout_ms = 2_000;
        assignments.push(assignment);
        assignments.extend((0..10).map(|number| worker.assignment("echo", &number.to_string())));
    }
    let count = assignments.len();
    let honest: Vec<(u64, String)> = assignments
        .iter()
        .filter_map(|assignment| match &assignment.work {
            Work::Body { entrypoint, args } if entrypoint.as_str() == "echo" => Some((assignment.id, args.clone())),
            _ => None,
        })
        .collect();
    worker.assign(assignments).await;
    worker.until(|worker| worker.done.len() == count).await;
    for (id, args) in honest {
        assert_eq!(succeeded(&worker.done[&id]), args);
    }
}
