use model::outcome::End;

use super::*;
use crate::doubles::{OWN, Surroundings, claim, until};

const ONE: &str = "only";
const CULPRIT: &str = "culprit";

fn is_culprit(report: &Report) -> bool {
    report.execution.end.message() == Some(CULPRIT)
}

fn too_much() -> StoreError {
    StoreError::LimitReached { limit: "bytes of a commit", used: 2, max: 1 }
}

/// A worker that owes the reports of five attempts, one of them the culprit's; their map indexes count from 0.
async fn owing(refusal: fn(&Report) -> Option<StoreError>) -> Surroundings {
    let around = Surroundings::new().await;
    *around.queue.refusal.lock().expect("no panic") = Some(refusal);
    let run = around.run(ONE, b"component").await;
    let claims = (0..5).map(|map_index| claim(&run, 0, map_index, false));
    let ids: Vec<_> = claims.map(|claim| around.worker.0.attempts.insert(claim).0).collect();
    around.worker.lose(&ids[..2], "honest", false);
    around.worker.lose(&ids[2..3], CULPRIT, false);
    around.worker.lose(&ids[3..], "honest", false);
    around
}

/// The next reports: their map indexes, sorted, with what they say.
async fn told(around: &mut Surroundings, count: usize) -> Vec<(i32, End)> {
    let mut told = Vec::new();
    for _ in 0..count {
        let report = around.report().await;
        assert_eq!(report.scope, OWN);
        told.push((report.token.instance.map_index.number(), report.execution.end));
    }
    told.sort_by_key(|(map_index, _)| *map_index);
    told
}

fn honest() -> End {
    End::HostLost { message: "honest".into(), suspect: false }
}

#[tokio::test]
async fn a_report_that_cannot_be_taken_fails_alone() {
    let mut around = owing(|report| is_culprit(report).then(too_much)).await;
    let told = told(&mut around, 5).await;
    for (map_index, end) in told {
        match map_index {
            2 => {
                let message = format!("what the attempt left cannot be kept: {}", too_much());
                assert_eq!(end, End::Failed { message, retry: true, delay_ms: None });
            }
            _ => assert_eq!(end, honest()),
        }
    }
    until(|| around.worker.0.unreported.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_report_that_cannot_be_taken_in_any_form_is_given_up() {
    let mut around = owing(|report| (report.token.instance.map_index.number() == 2).then(too_much)).await;
    let told = told(&mut around, 4).await;
    assert_eq!(told, [0, 1, 3, 4].map(|map_index| (map_index, honest())));
    until(|| around.worker.0.unreported.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_report_that_may_be_taken_later_stops_no_other() {
    let unavailable =
        |report: &Report| is_culprit(report).then(|| StoreError::Unavailable { detail: "no answer".into() });
    let mut around = owing(unavailable).await;
    assert_eq!(told(&mut around, 4).await, [0, 1, 3, 4].map(|map_index| (map_index, honest())));
    *around.queue.refusal.lock().expect("no panic") = None;
    let last = told(&mut around, 1).await;
    assert_eq!(last, [(2, End::HostLost { message: CULPRIT.into(), suspect: false })]);
}
