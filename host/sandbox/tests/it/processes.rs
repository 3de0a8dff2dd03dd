//! Life and death of runner processes.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use model::outcome::End;
use model::{Digest, TenantId};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::{Runner, RunnerCommand, RunnerEvent, RunnerGone};
use tokio::sync::mpsc;

use crate::harness::{Host, Worker, assignment, command};

#[tokio::test]
async fn a_runner_that_is_killed_tells_who_was_running_and_who_was_not() {
    let mut worker = Worker::start(2).await;
    let assignments: Vec<_> = (0..5).map(|_| worker.assignment("loop", "{}")).collect();
    worker.assign(assignments).await;
    worker.until(|worker| worker.started.len() == 2).await;
    let pid = Pid::from_raw(worker.runner.pid() as i32);
    kill(pid, Signal::SIGKILL).expect("it lives");
    let (reason, started, waiting) = worker.until_death().await;
    assert!(reason.contains("signal: 9"), "{reason}");
    assert_eq!((started.len(), waiting.len()), (2, 3));
    assert_eq!(worker.runner.assign(Vec::new()).await, Err(RunnerGone));
}

#[tokio::test]
async fn a_stopped_runner_lets_what_runs_end_and_gives_back_the_rest() {
    let mut worker = Worker::start(1).await;
    let assignments = vec![worker.assignment("nap", "{}"), worker.assignment("nap", "{}")];
    worker.assign(assignments).await;
    worker.until(|worker| worker.started.contains(&1)).await;
    worker.runner.stop().await;
    let (_, started, waiting) = worker.until_death().await;
    assert!(started.is_empty() && waiting.is_empty());
    assert_eq!(worker.done[&1].end, End::Success);
    assert!(matches!(worker.done[&2].end, End::HostLost { suspect: false, .. }));
}

#[tokio::test]
async fn an_idle_runner_stops_at_once() {
    let mut worker = Worker::start(1).await;
    worker.runner.stop().await;
    worker.until_death().await;
}

#[tokio::test]
async fn a_runner_can_be_killed_by_its_worker() {
    let mut worker = Worker::start(1).await;
    let assignment = worker.assignment("loop", "{}");
    worker.assign(vec![assignment]).await;
    worker.until(|worker| !worker.started.is_empty()).await;
    worker.runner.kill();
    let (reason, started, _) = worker.until_death().await;
    assert_eq!(reason, "killed by its worker");
    assert_eq!(started, [1]);
}

#[tokio::test]
async fn a_runner_that_hangs_is_killed_past_the_deadline_of_an_attempt() {
    let mut worker = Worker::start(1).await;
    let mut assignment = worker.assignment("loop", "{}");
    assignment.timeout_ms = 100;
    let pid = Pid::from_raw(worker.runner.pid() as i32);
    // Stopped, the process can neither end its guest nor answer.
    worker.assign(vec![assignment]).await;
    worker.until(|worker| !worker.started.is_empty()).await;
    kill(pid, Signal::SIGSTOP).expect("it lives");
    worker.until(|worker| worker.died.is_some() || worker.done.contains_key(&1)).await;
    // The guest may have ended just before the signal came.
    if let Some((reason, started, _)) = &worker.died {
        assert!(reason.contains("past its deadline"), "{reason}");
        assert_eq!(started, &[1]);
    } else {
        kill(pid, Signal::SIGCONT).expect("it lives");
    }
}

#[tokio::test]
async fn attempts_can_be_cancelled_while_they_run_and_while_they_wait() {
    let mut worker = Worker::start(1).await;
    let assignments = vec![worker.assignment("loop", "{}"), worker.assignment("noop", "{}")];
    worker.assign(assignments).await;
    worker.until(|worker| worker.started.contains(&1)).await;
    worker.runner.cancel(vec![2, 1, 77]).await.expect("it lives");
    worker.until(|worker| worker.done.len() == 2).await;
    assert_eq!(worker.done[&1].end, End::Cancelled { message: "cancelled while it ran".into() });
    assert_eq!(worker.done[&2].end, End::Cancelled { message: "cancelled before it began".into() });
    assert!(!worker.started.contains(&2));
}

#[tokio::test]
async fn a_program_that_is_no_runner_cannot_be_spawned() {
    for program in ["/bin/true", "/nowhere/waft"] {
        let command = RunnerCommand { program: program.into() };
        let spawned = Runner::spawn(&command, TenantId::DEFAULT, 1, Arc::new(Host::default())).await;
        assert!(spawned.expect_err("no runner").to_string().starts_with("cannot start a runner: "));
    }
}

#[test]
fn a_runner_without_a_socket_says_so() {
    let output = std::process::Command::new(command().program).arg("runner").output().expect("it starts");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("not the socket of a worker"), "{said}");
}

/// A runner that its guest has taken over: a shell script says what it says on the socket.
async fn impostor(script: &str) -> (Runner, mpsc::Receiver<RunnerEvent>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = folder.path().join("impostor");
    // It takes what it is told first: whoever ends before that was never a runner.
    let script = format!("#!/bin/sh\nhead -c 1 <&3 >/dev/null\nprintf '\\001\\000\\000\\000\\000' >&3\n{script}\n");
    std::fs::write(&program, script).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).expect("it may be run");
    let host = Arc::new(Host::default());
    Runner::spawn(&RunnerCommand { program }, TenantId::DEFAULT, 1, host).await.expect("it says that it is ready")
}

/// How such a runner ends.
async fn end_of_impostor(script: &str) -> String {
    let (runner, mut events) = impostor(script).await;
    let died = events.recv().await;
    drop(runner);
    match died {
        Some(RunnerEvent::Died { reason, .. }) => reason,
        other => panic!("expected its end, got {other:?}"),
    }
}

#[tokio::test]
async fn a_runner_that_breaks_the_protocol_is_killed() {
    for (words, says) in [
        ("longer than the limit", r"printf '\377\377\377\377' >&3; sleep 1000"),
        ("no message", r"printf '\001\000\000\000\377' >&3; sleep 1000"),
        ("an attempt it was not given", r"printf '\003\000\000\000\002\001\005' >&3; sleep 1000"),
        ("a message of another mode", r"printf '\001\000\000\000\000' >&3; sleep 1000"),
    ] {
        let reason = end_of_impostor(says).await;
        assert!(reason.starts_with("it broke the protocol: ") && reason.contains(words), "{reason}");
    }
}

#[tokio::test]
async fn an_end_that_no_guest_can_have_fails_its_attempt_and_ends_the_runner() {
    // Once it has read so much it has its attempt: it ends attempt 1 with the result `{`.
    let done = r"printf '\015\000\000\000\003\001\000\001\001{\000\000\000\000\000\000\000' >&3";
    let (runner, mut events) = impostor(&format!("head -c 1000 <&3 >/dev/null; {done}; sleep 1000")).await;
    let args = format!("{{\"x\":{:?}}}", "x".repeat(2000));
    let assignments = [1, 2].map(|id| assignment(id, Digest::of(b"any"), "noop", &args));
    runner.assign(assignments.to_vec()).await.expect("it lives");
    let Some(RunnerEvent::Done(done)) = events.recv().await else { panic!("an end comes first") };
    assert_eq!((done.len(), done[0].id, &done[0].result), (1, 1, &None));
    assert!(matches!(&done[0].end, End::Failed { message, .. } if message.contains("the result cannot be taken")));
    let Some(RunnerEvent::Died { reason, started, waiting }) = events.recv().await else { panic!("it is killed") };
    assert_eq!(
        (reason.as_str(), started, waiting),
        ("it broke the protocol: the end of an attempt that breaks a rule", vec![], vec![2])
    );
}

#[tokio::test]
async fn a_runner_that_ends_by_itself_is_quoted() {
    let reason = end_of_impostor("echo 'out of luck' >&2; exit 9").await;
    assert_eq!(reason, "the process ended: exit status: 9: out of luck");
}

#[tokio::test]
async fn a_runner_that_closes_its_socket_and_stays_is_killed() {
    let reason = end_of_impostor("exec 3>&-; exec sleep 1000").await;
    assert!(reason.contains("signal: 9"), "{reason}");
}
