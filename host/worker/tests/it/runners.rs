//! What happens to attempts whose runners die, or that are not wanted any more.

use std::sync::Arc;
use std::time::Duration;

use clock::Real;
use model::Digest;
use model::outcome::End;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::RunnerCommand;
use store::{ClaimedRun, WorkOrder};

use crate::doubles::{OWN, Surroundings, claim, until};

/// Tasks of the probe: one that never ends, one that ends at once, one that writes a blob.
const TASKS: &str = "loop -> noop -> blob";
const LOOP: u32 = 0;
const NOOP: u32 = 1;
const BLOB: u32 = 2;

async fn surroundings() -> (Surroundings, Arc<ClaimedRun>) {
    let command = RunnerCommand { program: env!("CARGO_BIN_EXE_worker-child").into() };
    let around = Surroundings::with(Some(command), Arc::new(Real)).await;
    let probe = std::fs::read(testkit::guest::component("probe-guest")).expect("the component was built");
    let run = around.run(TASKS, &probe).await;
    (around, run)
}

/// The runner processes of this test, which is a process of its own.
fn runners() -> Vec<Pid> {
    let me = std::process::id().to_string();
    let entries = std::fs::read_dir("/proc").expect("/proc is there");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_runner = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        // The name of the program stands in parentheses and may hold anything.
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1));
        parent == Some(me.as_str()) && command.contains("runner")
    };
    pids.filter(is_runner).map(Pid::from_raw).collect()
}

/// How much processor time a process has used: a guest that loops uses more and more.
fn ticks(pid: Pid) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect::<Vec<_>>()).unwrap_or_default();
    fields.get(11).and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
}

/// Waits until the only runner there is runs its guest.
async fn running(not: Option<Pid>) -> Pid {
    let mut found = None;
    until(|| {
        found = runners().into_iter().find(|pid| Some(*pid) != not);
        found.is_some_and(|pid| ticks(pid) > 20)
    })
    .await;
    found.expect("it was just found")
}

#[tokio::test]
async fn what_a_killed_runner_had_not_begun_runs_in_another_one() {
    let (mut around, run) = surroundings().await;
    // Two slots: the last one waits in the runner.
    let claims = [claim(&run, LOOP, 0, false), claim(&run, LOOP, 1, false), claim(&run, NOOP, -1, false)];
    let waiting = claims[2].token;
    around.order(WorkOrder::Run(claims[..2].to_vec()));
    let first = running(None).await;
    around.order(WorkOrder::Run(claims[2..].to_vec()));
    kill(first, Signal::SIGKILL).expect("it lives");
    let mut suspects = 0;
    let mut done = None;
    for _ in 0..3 {
        let report = around.report().await;
        match report.execution.end {
            End::HostLost { suspect: true, .. } => suspects += 1,
            End::Success => done = Some(report.token),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((suspects, done), (2, Some(waiting)));
}

#[tokio::test]
async fn what_a_guest_writes_is_kept() {
    let (mut around, run) = surroundings().await;
    around.order(WorkOrder::Run(vec![claim(&run, BLOB, -1, false)]));
    assert_eq!(around.report().await.execution.end, End::Success);
    let written = Digest::of(b"hello world");
    assert_eq!(around.blobs.get(OWN, written).await.expect("it was kept"), "hello world");
}

#[tokio::test]
async fn a_suspect_that_runs_hears_of_its_cancellation() {
    let (mut around, run) = surroundings().await;
    let suspects = [claim(&run, LOOP, 0, true), claim(&run, NOOP, -1, true)];
    around.order(WorkOrder::Run(suspects.to_vec()));
    running(None).await;
    around.order(WorkOrder::Cancel(vec![suspects[0].token]));
    let report = around.report().await;
    assert_eq!(report.token, suspects[0].token);
    assert_eq!(report.execution.end, End::Cancelled { message: "cancelled while it ran".into() });
    let report = around.report().await;
    assert_eq!((report.token, report.execution.end), (suspects[1].token, End::Success));
}

#[tokio::test]
async fn stopping_ends_a_suspect_and_those_behind_it() {
    let (mut around, run) = surroundings().await;
    around.order(WorkOrder::Run(vec![claim(&run, LOOP, 0, true), claim(&run, LOOP, 1, true)]));
    running(None).await;
    around.worker.stop(Duration::ZERO).await;
    for _ in 0..2 {
        let end = around.report().await.execution.end;
        assert_eq!(end, End::HostLost { message: "the worker stopped".into(), suspect: false });
    }
}

#[tokio::test]
async fn stopping_waits_for_what_ends_in_time() {
    let (mut around, run) = surroundings().await;
    around.order(WorkOrder::Run(vec![claim(&run, NOOP, -1, false)]));
    until(|| !runners().is_empty()).await;
    around.worker.stop(Duration::from_secs(60)).await;
    assert_eq!(around.report().await.execution.end, End::Success);
}
