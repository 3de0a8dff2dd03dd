//! Every kind of source and option, with the types of arguments and results.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waft::prelude::*;

#[derive(Clone, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
struct Order {
    order_id: u64,
    #[serde(default)]
    notes: Vec<String>,
    region: Option<Region>,
    #[serde(skip)]
    #[expect(dead_code, reason = "shows that it is not in the type")]
    cached: u8,
    attachment: Blob,
}

#[derive(Clone, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
enum Region {
    NorthEast,
    #[serde(rename = "elsewhere")]
    Other,
}

/// Reads the orders
/// of one region.
#[task(
    retries = 3,
    retry_delay = "10s",
    retry_multiplier = 1.5,
    retry_delay_max = "5m",
    timeout = "1h30m",
    max_active_per_run = 4,
    memory = "64MiB",
    trigger_rule = "all_success",
    entrypoint = "orders.read"
)]
fn read_orders(region: Region, limit: Option<u64>) -> Result<Vec<Order>, TaskError> {
    let _ = (region, limit);
    Ok(Vec::new())
}

#[task(max_map_length = 500)]
fn price(order: Order, factor: f64, rates: BTreeMap<String, f64>) -> Option<f64> {
    (order.order_id > 0).then_some(factor * rates.len() as f64)
}

#[task]
fn total(prices: Sequence<f64>, also: Vec<f64>, raw: serde_json::Value) -> Result<f64, TaskError> {
    let _ = raw;
    Ok(prices.to_vec()?.iter().chain(&also).sum())
}

#[task]
fn tell(text: String) {
    let _ = text;
}

#[task]
fn tell_pair(pair: (String, u64), suffix: Option<String>) {
    let _ = (pair, suffix);
}

/// All orders of a day.
#[dag(
    dag_id = "daily-orders",
    display_name = "Orders",
    description = "Prices and sums",
    tags = ["sales", "daily"],
    owners = ["ann"],
    label = "1.4",
    run_timeout = "2h",
    max_active_tasks = 16
)]
fn daily_orders(
    #[param(default = Region::Other, description = "Where")] region: Param<Region>,
    #[param(default = 100)] limit: Param<Option<u64>>,
    /// The rate of each currency.
    rates: Param<BTreeMap<String, f64>>,
    until: Param<Option<serde_json::Value>>,
) -> (Output<f64>, Mapped<f64>) {
    let _ = until;
    let orders = read_orders(region, limit);
    let prices = price.expand((orders, [1.0, 1.5], fixed(rates)));
    let first = total(prices, vec![0.5], serde_json::json!({ "z": 1, "a": 2 }));
    (first, prices)
}

#[dag]
fn sources(weights: Param<BTreeMap<String, u64>>) {
    let note = tell("literal").key::<String>("note");
    tell(note);
    tell.expand(["literal", "list"]);
    tell.expand([note.into_arg(), "mixed".into_arg()]);
    tell.expand(vec![note]);
    tell_pair.expand((weights, fixed(waft::conf("/suffix"))));
    tell_pair.expand((BTreeMap::from([("b".to_owned(), 2_u64), ("a".to_owned(), 1)]), [None, Some("!".to_owned())]));
    price
        .partial(read_orders(Region::NorthEast, None).key::<Order>("first"))
        .partial(2.0)
        .expand([BTreeMap::from([("EUR".to_owned(), 1.0)])]);
}

#[dag]
fn order() {
    let a = tell("a").task_id("tell__1");
    let b = tell("b");
    let c = tell("c");
    a.then(b).then([c, tell("d")]).after(a);
    b.after((a, tell.expand(["e"])));
}

#[track_caller]
fn check(name: &str, dag: waft::Dag) {
    let document = super::checked(dag);
    insta::assert_snapshot!(name, serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn every_option_stands_in_the_document() {
    check("daily_orders", daily_orders::DAG);
}

#[test]
fn every_kind_of_source_stands_in_the_document() {
    check("sources", sources::DAG);
}

#[test]
fn names_and_order() {
    check("order", order::DAG);
}

#[test]
fn a_document_is_the_same_each_time() {
    assert_eq!(daily_orders::DAG.document(), daily_orders::DAG.document());
}

mod other {
    use waft::prelude::*;

    #[task]
    pub(crate) fn tell(text: String) -> u64 {
        text.len() as u64
    }
}

#[dag]
fn clashing() {
    tell("a").task_id("same");
    other::tell("b").task_id("same");
}

#[test]
fn clashes_are_told_together() {
    let problems = clashing::DAG.document().unwrap_err();
    insta::assert_snapshot!(problems, @r#"
    DAG "clashing": two tasks or groups are named "same"
    DAG "clashing": two tasks have the entrypoint "tell": give one of them `#[task(entrypoint = "…")]`
    "#);
}

#[dag]
fn computed_default(#[param(default = tell_later())] text: Param<String>) {
    tell(text);
}

#[task]
fn tell_later() -> String {
    String::new()
}

#[test]
fn a_default_is_a_literal() {
    let problems = computed_default::DAG.document().unwrap_err();
    insta::assert_snapshot!(problems, @r#"DAG "computed_default": a default of a parameter is no literal"#);
}

#[test]
#[should_panic(expected = "`tell(…)` adds to a DAG")]
fn a_task_outside_of_a_dag_says_what_to_call() {
    tell("a");
}
