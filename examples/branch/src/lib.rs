//! A body that decides which of the tasks downstream run, a short circuit, and a place where the ways meet again.

use waft::prelude::*;

/// Where a delivery can go.
#[derive(Clone, Copy, Debug, PartialEq, Arms)]
enum Way {
    Letter,
    Parcel,
    Freight,
}

/// Nothing is sent on a Sunday.
#[task(kind = "short_circuit")]
fn is_open(weekday: String) -> bool {
    weekday != "Sunday"
}

/// By weight. Something heavy goes as freight, with a letter that tells about it.
#[task(kind = "branch")]
fn choose_way(grams: u64) -> Vec<Way> {
    match grams {
        0..1_000 => vec![Way::Letter],
        1_000..30_000 => vec![Way::Parcel],
        _ => vec![Way::Letter, Way::Freight],
    }
}

/// One way.
#[task]
fn send(by: String) -> String {
    log::info!("sent by {by}");
    by
}

/// Runs when at least one way was gone and none has failed.
#[task(trigger_rule = "none_failed_min_one_success")]
fn confirm(letter: Option<String>, freight: Option<String>) -> String {
    match (letter, freight) {
        (Some(_), Some(_)) => "sent, and a letter tells".into(),
        (None, Some(by)) | (Some(by), None) => format!("sent by {by}"),
        (None, None) => "sent".into(),
    }
}

/// Sends something by a way that fits its weight.
#[dag(tags = ["example"])]
fn delivery(
    #[param(default = 700)] grams: Param<u64>,
    #[param(default = "Monday")] weekday: Param<String>,
) -> Output<String> {
    let letter = send("letter").task_id("by_letter");
    let parcel = send("parcel").task_id("by_parcel");
    let freight = group("by_freight", || send("truck").then(send("ship")));
    let way = choose_way(grams).when(Way::Letter, letter).when(Way::Parcel, parcel).when(Way::Freight, freight);
    is_open(weekday).then(way);
    confirm(letter, freight).after(parcel)
}

waft::bundle!(delivery);

#[cfg(test)]
mod tests {
    use super::*;
    use waft::testing::{self, Outcome};

    #[test]
    fn ways_by_weight() {
        assert_eq!(choose_way::body(700), [Way::Letter]);
        assert_eq!(choose_way::body(50_000), [Way::Letter, Way::Freight]);
    }

    #[test]
    fn a_way_is_a_task_or_a_group() {
        let outcome = testing::run(delivery::DAG, "choose_way", r#"{"grams":50000}"#);
        assert_eq!(outcome, Outcome::Success(Some(r#"["by_letter","by_freight"]"#.into())));
    }
}
