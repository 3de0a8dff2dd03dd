//! Ways of mapping: product, zip, each; lists made of lists; items.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waft::prelude::*;
use waft::testing::{self, Outcome};

#[task]
fn add(x: u64, y: u64, scale: Option<f64>) -> u64 {
    let _ = scale;
    x + y
}

#[task]
fn plus(x: u64, y: u64) -> u64 {
    x + y
}

#[task]
fn maybe(x: Option<u64>, y: Option<u64>) {
    let _ = (x, y);
}

#[task]
fn list(folder: String) -> Vec<String> {
    vec![folder]
}

#[task]
fn is_text(name: String) -> bool {
    name.ends_with(".txt")
}

#[task]
fn length(name: String) -> Option<u64> {
    Some(name.len() as u64)
}

#[task]
fn double(number: u64) -> u64 {
    number * 2
}

#[task]
fn show(pair: (String, u64)) {
    let _ = pair;
}

#[task]
fn show_all(lengths: Sequence<u64>, pairs: Vec<(String, u64)>) {
    let _ = (lengths, pairs);
}

#[dag]
fn ways(xs: Param<Vec<u64>>, weights: Param<BTreeMap<String, u64>>) {
    let sums = add.expand((xs, vec![1, 2], fixed(0.5)));
    add.expand(zip((xs, sums, fixed(waft::conf("/scale")))));
    plus.expand(zip_longest((xs, vec![1]), 0));
    maybe.expand(zip_longest((vec![Some(1), None], waft::conf::<Vec<Option<u64>>>("/ys")), None::<u64>));
    add.partial(1).expand(zip((waft::conf::<Vec<u64>>("/ys"), waft::variable::<Vec<Option<f64>>>("scales"))));
    show.expand(weights);
    show.expand(zip((list("a"), xs)));
    double.expand(vec![3, 4]);
}

#[test]
fn every_way_to_expand() {
    insta::assert_snapshot!(super::document(ways::DAG));
}

#[dag]
fn transforms(extra: Param<Vec<String>>) {
    let names = list("a").concat(extra).filter(is_text);
    let lengths = names.map(length);
    double.expand(lengths);
    double.expand(lengths.map(double).concat(double.expand([1])));
    show_all(lengths, zip((names, lengths)));
}

#[test]
fn lists_made_of_lists() {
    insta::assert_snapshot!(super::document(transforms::DAG));
}

#[test]
fn a_body_that_items_pass_through_gets_the_item() {
    let check = |entrypoint, args, expect: &str| {
        assert_eq!(testing::run(transforms::DAG, entrypoint, args), Outcome::Success(Some(expect.to_owned())));
    };
    check("is_text", r#"{"item":"a.txt"}"#, "true");
    check("length", r#"{"item":"a.txt"}"#, "5");
    check("length", r#"{"name":"a"}"#, "1");
}

#[derive(Serialize, Deserialize, Type)]
struct Trial {
    x: u64,
    y: u64,
}

#[derive(Serialize, Deserialize, Type)]
struct Wrong {
    x: String,
    z: u64,
}

#[task]
fn trials() -> Vec<Trial> {
    vec![Trial { x: 1, y: 2 }]
}

#[task]
fn wrongs() -> Vec<Wrong> {
    Vec::new()
}

#[dag]
fn objects(rows: Param<Vec<BTreeMap<String, u64>>>) {
    add.expand(each(trials()));
    add.partial(1).expand(each(vec![Trial { x: 1, y: 2 }]).overriding());
    double.expand(each(rows));
}

#[test]
fn objects_of_arguments() {
    insta::assert_snapshot!(super::document(objects::DAG));
}

#[dag]
fn wrong_objects() {
    add.expand(each(wrongs()));
    add.partial(1).expand(each(trials()));
    add.expand((each(trials()), vec![1], fixed(0.5)));
}

#[dag]
fn wrong_lists(names: Param<Vec<String>>) {
    double.expand(names.map(|_| double(3)));
    show.expand(zip((fixed("a"), vec![1])));
}

#[test]
fn what_no_type_caught_is_told() {
    insta::assert_snapshot!(wrong_objects::DAG.document().unwrap_err(), @r#"
    DAG "wrong_objects": argument `x` of task "add" takes "integer", and `each` gives "string"
    DAG "wrong_objects": task "add" has no argument `z` for `each`
    DAG "wrong_objects": task "add" needs argument `y`, and the objects of `each` have none
    DAG "wrong_objects": argument `x` of task "add__1" is fixed, and `each` gives it too: say `each(…).overriding()`
    DAG "wrong_objects": `each` gives all arguments of task "add__2"; expand over it alone
    "#);
    insta::assert_snapshot!(wrong_lists::DAG.document().unwrap_err(), @r#"
    DAG "wrong_lists": `map` and `filter` take the function of a plain task with one argument, as it is: `names.map(shorten)`
    DAG "wrong_lists": lists of lists are made of lists, and not of `fixed(…)` or `each(…)`
    "#);
}

#[task]
fn row(line: String, index: u64, key: String, value: String) {
    let _ = (line, index, key, value);
}

#[dag]
fn items(lines: Param<BTreeMap<String, String>>) {
    row.expand((vec!["a"], fixed(waft::map_index()), fixed(waft::map_key()), fixed(waft::map_value())));
    show.expand(lines.map(measure));
}

#[task]
fn measure(line: (String, String)) -> (String, u64) {
    (line.0, line.1.len() as u64)
}

#[test]
fn items_and_objects() {
    insta::assert_snapshot!(super::document(items::DAG));
}
