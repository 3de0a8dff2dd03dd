use model::outcome::{End, ResourcesUsed};
use model::{AttemptToken, Key};

use super::*;
use crate::doubles::{OWN, Surroundings, claim};

const TWO: &str = "
    first -> second
    second: args(first)
";
/// A process that no test has.
const PID: u32 = 7;

fn lost(end: &End) -> Option<(&str, bool)> {
    match end {
        End::HostLost { message, suspect } => Some((message, *suspect)),
        _ => None,
    }
}

#[tokio::test]
async fn what_a_dying_runner_had_not_begun_is_given_out_again_and_the_rest_is_suspect() {
    let mut around = Surroundings::new().await;
    around.values.gate.shut();
    let run = around.run(TWO, b"component").await;
    let (attempts, worker) = (around.worker.0.attempts.clone(), around.worker.clone());
    let [running, unheard] = [claim(&run, 0, -1, false), claim(&run, 1, -1, false)];
    let (started, _) = attempts.insert(running.clone());
    let (waiting, _) = attempts.insert(unheard.clone());
    attempts.give(&[started, waiting], PID);
    worker.died(PID, "gone", &[started]);
    let report = around.report().await;
    assert_eq!(report.token, running.token);
    assert_eq!(lost(&report.execution.end), Some(("the runner died while it ran: gone", true)));
    // Its arguments are being read again.
    around.values.gate.arrival().await;
    assert_eq!((attempts.preparing(), attempts.of_runner(PID)), (vec![waiting], vec![]));
    around.values.gate.open();
    let report = around.report().await;
    assert_eq!(report.token, unheard.token);
    assert!(
        lost(&report.execution.end).is_some_and(|(why, suspect)| why.starts_with("cannot start a runner") && !suspect)
    );
    assert!(around.other_reports().is_empty());
}

#[tokio::test]
async fn what_was_cancelled_before_its_runner_died_is_not_given_out_again() {
    let mut around = Surroundings::new().await;
    let run = around.run(TWO, b"component").await;
    let unheard = claim(&run, 0, -1, false);
    let attempts = around.worker.0.attempts.clone();
    let (waiting, _) = attempts.insert(unheard.clone());
    attempts.give(&[waiting], PID);
    assert_eq!(attempts.cancel(&[unheard.token]), (vec![], vec![(PID, waiting)]));
    around.worker.died(PID, "gone", &[]);
    assert_eq!(around.report().await.execution.end.kind().as_str(), "cancelled");
    assert_eq!(attempts.len(), 0);
}

#[tokio::test]
async fn an_attempt_has_one_runner_whoever_hears_first_of_a_death() {
    let around = Surroundings::new().await;
    let run = around.run(TWO, b"component").await;
    let attempts = around.worker.0.attempts.clone();
    let (id, _) = attempts.insert(claim(&run, 0, -1, false));
    attempts.give(&[id], PID);
    assert_eq!(around.worker.take_back(&[id], PID), [id]);
    assert_eq!(around.worker.take_back(&[id], PID), [0_u64; 0]);
    attempts.give(&[id], PID + 1);
    assert_eq!(around.worker.take_back(&[id], PID), [0_u64; 0]);
    assert_eq!(attempts.of_runner(PID + 1), [id]);
}

/// The ends of two attempts of a runner whose events are these, by token.
async fn ends_after(
    around: &mut Surroundings,
    node: u32,
    event: impl FnOnce(u64) -> Option<RunnerEvent>,
) -> Vec<(AttemptToken, End)> {
    let run = around.run(TWO, b"component").await;
    let attempts = around.worker.0.attempts.clone();
    let (first, _) = attempts.insert(claim(&run, node, 0, false));
    let (second, _) = attempts.insert(claim(&run, node, 1, false));
    attempts.give(&[first, second], PID);
    let (events, received) = mpsc::channel(1);
    let following = around.worker.clone().follow(around.worker.lane(OWN.tenant()), PID, received);
    let telling = async move {
        if let Some(event) = event(first) {
            events.send(event).await.expect("somebody follows");
        }
    };
    tokio::join!(following, telling);
    assert_eq!(attempts.len(), 0);
    let mut ends = Vec::new();
    for _ in 0..2 {
        let report = around.report().await;
        ends.push((report.token, report.execution.end));
    }
    ends.sort_by_key(|(token, _)| token.instance.map_index);
    ends
}

#[tokio::test]
async fn attempts_of_a_runner_whose_follower_panics_are_lost() {
    let mut around = Surroundings::new().await;
    // No DAG of these tests has such a node: whoever checks its result panics.
    let ends = ends_after(&mut around, 99, |id| {
        let completion = Completion::of(id, End::Success, ResourcesUsed::default(), Vec::new());
        Some(RunnerEvent::Done(vec![completion]))
    });
    let ends = ends.await;
    assert_eq!(lost(&ends[0].1), Some(("the worker failed while it took the attempt's end", false)));
    assert!(lost(&ends[1].1).is_some_and(|(why, suspect)| why.contains("panicked") && suspect), "{ends:?}");
}

#[tokio::test]
async fn attempts_of_a_runner_that_nobody_watches_over_are_lost() {
    let mut around = Surroundings::new().await;
    for (_, end) in ends_after(&mut around, 0, |_| None).await {
        assert_eq!(lost(&end), Some(("nobody watches over the runner any more", true)));
    }
}

#[tokio::test]
async fn figures_that_nobody_can_have_measured_are_cut_off() {
    let mut around = Surroundings::new().await;
    let run = around.run(TWO, b"component").await;
    let (id, _) = around.worker.0.attempts.insert(claim(&run, 0, -1, false));
    let used = ResourcesUsed { wall_us: u64::MAX, cpu_us: u64::MAX, memory_bytes: u64::MAX };
    let completion = Completion::of(id, End::Success, used, Vec::new());
    around.worker.complete(vec![completion]).await;
    let used = around.report().await.execution.used;
    for figure in [used.wall_us, used.cpu_us, used.memory_bytes] {
        assert!(figure <= 1 << 40, "{used:?}");
    }
}

#[tokio::test]
async fn a_sensor_that_is_not_done_leaves_nothing_and_is_asked_again() {
    let mut around = Surroundings::new().await;
    let run = around.run("wait: kind=sensor", b"component").await;
    let mut ends = Vec::new();
    for result in ["false", "true"] {
        let (id, _) = around.worker.0.attempts.insert(claim(&run, 0, -1, false));
        let (xcoms, result) = (vec![(Key::new("seen").expect("a name"), "1".to_owned())], Some(result.to_owned()));
        let used = ResourcesUsed::default();
        let completion = Completion { result, xcoms, ..Completion::of(id, End::Success, used, Vec::new()) };
        around.worker.complete(vec![completion]).await;
        let report = around.report().await;
        ends.push((report.execution.end, report.has_value, report.xcoms.len()));
    }
    assert_eq!(ends, [(End::Rescheduled, false, 0), (End::Success, true, 2)]);
}
