use std::sync::atomic::Ordering;

use clock::Sim;
use model::limits::worker::HEARTBEAT_MS;
use model::outcome::End;
use store::WorkOrder;

use super::*;
use crate::doubles::{OWN, Surroundings, claim, until};

/// `second` takes what `first` left, so that preparing it reads a value.
const TWO: &str = "
    first -> second
    second: args(first)
";
/// A node that no DAG of these tests has: whoever looks at its task panics.
const NOWHERE: u32 = 99;

#[tokio::test]
async fn an_attempt_that_is_cancelled_while_it_is_prepared_ends_at_once_and_never_begins() {
    let mut around = Surroundings::new().await;
    around.values.gate.shut();
    let run = around.run(TWO, b"component").await;
    let second = claim(&run, 1, -1, false);
    around.order(WorkOrder::Run(vec![second.clone()]));
    around.values.gate.arrival().await;
    around.order(WorkOrder::Cancel(vec![second.token]));
    let report = around.report().await;
    assert_eq!((report.token, report.execution.end.kind().as_str()), (second.token, "cancelled"));
    around.values.gate.open();
    around.worker.stop(Duration::from_secs(60)).await;
    // It would have been lost: the program is no runner.
    assert!(around.other_reports().is_empty());
}

#[tokio::test]
async fn a_suspect_that_is_cancelled_while_it_waits_ends_at_once_and_never_begins() {
    let mut around = Surroundings::new().await;
    let run = around.run(TWO, b"component").await;
    let suspects = [claim(&run, 0, -1, true), claim(&run, 1, -1, true)];
    let lane = around.worker.lane(OWN.tenant());
    let before = lane.enter_quarantine().await;
    around.order(WorkOrder::Run(suspects.to_vec()));
    until(|| lane.suspects() == 3).await;
    around.order(WorkOrder::Cancel(vec![suspects[0].token]));
    let report = around.report().await;
    assert_eq!((report.token, report.execution.end.kind().as_str()), (suspects[0].token, "cancelled"));
    drop(before);
    let report = around.report().await;
    assert!(matches!(&report.execution.end, End::HostLost { .. }), "no runner can be started: {report:?}");
    assert_eq!(report.token, suspects[1].token);
    around.worker.stop(Duration::from_secs(60)).await;
    assert!(around.other_reports().is_empty());
}

#[tokio::test]
async fn stopping_ends_what_is_still_prepared_and_what_comes_later() {
    let mut around = Surroundings::new().await;
    around.values.gate.shut();
    let run = around.run(TWO, b"component").await;
    around.order(WorkOrder::Run(vec![claim(&run, 1, -1, false)]));
    around.values.gate.arrival().await;
    around.worker.stop(Duration::ZERO).await;
    let stopped = || End::HostLost { message: "the worker stopped".into(), suspect: false };
    assert_eq!(around.report().await.execution.end, stopped());
    around.order(WorkOrder::Run(vec![claim(&run, 0, -1, false)]));
    assert_eq!(around.report().await.execution.end, stopped());
    around.values.gate.open();
}

#[tokio::test]
async fn attempts_whose_preparation_panics_are_lost() {
    let mut around = Surroundings::new().await;
    let run = around.run(TWO, b"component").await;
    let claims = vec![claim(&run, NOWHERE, 0, false), claim(&run, NOWHERE, 1, false), claim(&run, NOWHERE, 2, true)];
    around.order(WorkOrder::Run(claims));
    for _ in 0..3 {
        let end = around.report().await.execution.end;
        assert!(matches!(&end, End::HostLost { message, suspect: false } if message.contains("panicked")), "{end:?}");
    }
    until(|| around.worker.0.attempts.len() == 0).await;
}

#[tokio::test]
async fn the_end_of_the_orders_is_a_failure() {
    let mut around = Surroundings::new().await;
    around.end_orders();
    let why = around.worker.failed().await;
    assert_eq!(why, "the worker's loop take_orders has ended: it ended before the worker was stopped");
}

#[tokio::test]
async fn a_panic_while_reports_are_sent_is_a_failure() {
    let around = Surroundings::new().await;
    around.queue.is_broken.store(true, Ordering::SeqCst);
    let run = around.run(TWO, b"component").await;
    around.order(WorkOrder::Run(vec![claim(&run, NOWHERE, 0, false)]));
    let why = around.worker.failed().await;
    assert_eq!(why, "the worker's loop send_reports has ended: it panicked: the queue is broken");
    assert_eq!(around.worker.failed().await, why, "whoever asks later hears it too");
}

#[tokio::test]
async fn a_panic_of_the_heartbeat_is_a_failure() {
    let sim = Sim::new(1);
    let around = Surroundings::with(None, Arc::new(sim.clone())).await;
    around.queue.is_broken.store(true, Ordering::SeqCst);
    let beats = async {
        loop {
            sim.advance(Duration::from_millis(HEARTBEAT_MS));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        why = around.worker.failed() => assert!(why.contains("loop beat has ended"), "{why}"),
        () = beats => {}
    }
}

#[tokio::test]
async fn an_instance_whose_item_is_missing_is_skipped() {
    let mut around = Surroundings::new().await;
    let run = around.run("a: expand(2)\nb: expand(a)", b"component").await;
    around.values.lengths.lock().expect("no panic").insert(model::NodeIdx(0), 2);
    around.order(WorkOrder::Run(vec![claim(&run, 1, 1, false)]));
    let reason = "no-item: what this instance is mapped over left no value".to_owned();
    assert_eq!(around.report().await.execution.end, End::Skipped { reason });
}
