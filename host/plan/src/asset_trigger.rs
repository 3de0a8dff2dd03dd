//! Which run events of assets start. Pure: an expression and the events that wait for a DAG come in; the events that one run
//! consumes come out.
//!
//! A run begins when the expression is met by the events that wait, and consumes all of them that the expression names, so that two
//! events of one asset make one run. What is left over, because a run takes no more than
//! `limits::schedule::EVENTS_PER_RUN_MAX`, waits for the next. Called by the scheduler's asset loop.

use std::collections::HashSet;

use jiff::Timestamp;
use model::asset::AssetExpression;
use model::limits::schedule::EVENTS_PER_RUN_MAX;
use model::{AssetEventId, AssetName};

/// An event that a DAG has not consumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEvent {
    pub id: AssetEventId,
    pub asset: AssetName,
    pub at: Timestamp,
}

/// A run that events start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Triggered {
    /// What it consumes, in the order in which they came.
    pub events: Vec<AssetEventId>,
    /// From its first event to its last.
    pub data_interval: (Timestamp, Timestamp),
}

/// The run that these events start, which stand in the order in which they came.
pub fn triggered(expression: &AssetExpression, pending: &[PendingEvent]) -> Option<Triggered> {
    let names: HashSet<_> = expression.names().into_iter().collect();
    let named: Vec<_> = pending.iter().filter(|event| names.contains(&event.asset)).collect();
    // The first event of each asset comes along whatever the others are, so that the rest alone cannot be too many.
    let mut seen = HashSet::new();
    let (firsts, mut others): (Vec<_>, Vec<_>) = named.into_iter().partition(|event| seen.insert(&event.asset));
    others.truncate(EVENTS_PER_RUN_MAX.saturating_sub(firsts.len()));
    if !expression.is_met(&|name| seen.contains(name)) {
        return None;
    }
    let mut consumed: Vec<_> = firsts.into_iter().chain(others).collect();
    consumed.sort_by_key(|event| (event.at, event.id));
    let (first, last) = (consumed.first()?.at, consumed.last()?.at);
    Some(Triggered { events: consumed.iter().map(|event| event.id).collect(), data_interval: (first, last) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(name: &str) -> AssetName {
        AssetName::new(name).unwrap()
    }

    fn event(number: i64, asset: &str) -> PendingEvent {
        let at = Timestamp::from_second(number).unwrap();
        PendingEvent { id: AssetEventId::from_number(number), asset: name(asset), at }
    }

    fn expression(text: &str) -> AssetExpression {
        serde_json::from_str(text).unwrap()
    }

    #[track_caller]
    fn check(text: &str, assets: &str, expect: Option<&[i64]>) {
        let pending: Vec<_> = assets.chars().zip(1..).map(|(asset, at)| event(at, &asset.to_string())).collect();
        let triggered = triggered(&expression(text), &pending);
        let events = triggered.as_ref().map(|it| it.events.iter().map(|id| id.number()).collect::<Vec<_>>());
        assert_eq!(events.as_deref(), expect, "{text} {assets}");
        if let (Some(triggered), Some(expect)) = (triggered, expect) {
            let second = |at: i64| Timestamp::from_second(at).unwrap();
            assert_eq!(triggered.data_interval, (second(expect[0]), second(*expect.last().unwrap())));
        }
    }

    #[test]
    fn a_run_consumes_all_that_its_expression_names() {
        let both = r#"{"all": [{"asset": "a"}, {"asset": "b"}]}"#;
        check(both, "", None);
        check(both, "aac", None);
        check(both, "acab", Some(&[1, 3, 4]));
        let either = r#"{"any": [{"asset": "a"}, {"all": [{"asset": "b"}, {"asset": "c"}]}]}"#;
        check(either, "b", None);
        check(either, "bc", Some(&[1, 2]));
        check(either, "dba", Some(&[2, 3]));
        check(r#"{"asset": "a"}"#, "ba", Some(&[2]));
    }

    #[test]
    fn one_run_takes_no_more_than_it_may_and_the_rest_waits() {
        let both = expression(r#"{"all": [{"asset": "a"}, {"asset": "b"}]}"#);
        let mut pending: Vec<_> = (0..2_000).map(|at| event(at, "a")).collect();
        pending.push(event(2_000, "b"));
        let triggered = triggered(&both, &pending).unwrap();
        assert_eq!(triggered.events.len(), EVENTS_PER_RUN_MAX);
        assert_eq!(triggered.events.last(), Some(&AssetEventId::from_number(2_000)));
    }

    fn expressions() -> impl Strategy<Value = AssetExpression> {
        let leaf = (0u8..4).prop_map(|at| AssetExpression::Asset(name(&format!("a{at}"))));
        leaf.prop_recursive(3, 12, 3, |inner| {
            let parts = proptest::collection::vec(inner, 1..4);
            prop_oneof![parts.clone().prop_map(AssetExpression::All), parts.prop_map(AssetExpression::Any)]
        })
    }

    proptest! {
        #[test]
        fn an_event_is_consumed_at_most_once_and_none_that_completes_an_expression_waits(
            expression in expressions(),
            assets in proptest::collection::vec(0u8..4, 0..30),
        ) {
            let mut pending = Vec::new();
            let mut consumed = HashSet::new();
            for (number, asset) in assets.into_iter().enumerate() {
                pending.push(event(number as i64, &format!("a{asset}")));
                while let Some(run) = triggered(&expression, &pending) {
                    prop_assert!(run.events.iter().all(|id| consumed.insert(*id)), "consumed twice");
                    pending.retain(|event| !run.events.contains(&event.id));
                }
                prop_assert!(!expression.is_met(&|name| pending.iter().any(|event| event.asset == *name)));
            }
        }
    }
}
