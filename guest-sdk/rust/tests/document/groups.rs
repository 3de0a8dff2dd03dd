//! Groups: what they hold, how they are mapped, and what others see of them.

use waft::prelude::*;
use waft::testing::{self, Outcome};

#[task]
fn parse(file: String, strict: bool) -> Vec<u64> {
    vec![file.len() as u64, u64::from(strict)]
}

#[task]
fn double(number: u64) -> u64 {
    number * 2
}

#[task]
fn sum(numbers: Vec<u64>) -> u64 {
    numbers.iter().sum()
}

#[task]
fn total(sums: Sequence<u64>, numbers: Vec<u64>) -> Result<u64, TaskError> {
    Ok(sums.to_vec()?.len() as u64 + numbers.len() as u64)
}

/// One file, number by number.
#[group(group_id = "file", display_name = "A file", max_map_length = 20)]
fn each_file(file: Item<String>, strict: Item<bool>) -> (Output<u64>, Mapped<u64>) {
    let numbers = double.expand(parse(file, strict));
    (sum(numbers), numbers)
}

#[group]
fn each_folder(files: Item<Vec<String>>) -> Output<u64> {
    let inner = each_file.expand((files, fixed(true)));
    total(inner.0, inner.1)
}

#[dag]
fn files(folders: Param<Vec<Vec<String>>>, names: Param<Vec<String>>) {
    let once = each_file("a.txt", false).group_id("once");
    let mapped = each_file.expand((names, [true, false]));
    total(mapped.0, mapped.1).after(once);
    let nested = each_folder.expand(folders).max_map_length(3);
    sum(nested);
    each_file.expand(zip((names, [true, false])));
}

#[test]
fn mapped_groups_and_groups_in_them() {
    insta::assert_snapshot!(super::document(files::DAG));
}

#[dag]
fn plain() -> Output<u64> {
    let outer = group("outer", || {
        let first = double(1);
        let inner = group("inner", || double(first));
        double(inner).task_id("last")
    });
    let again = group("outer", || double(2));
    empty("start").before((outer, again));
    let end = sum([outer.into_arg(), again.into_arg()]);
    outer.then_labelled("twice", end)
}

#[test]
fn groups_for_order_and_names() {
    insta::assert_snapshot!(super::document(plain::DAG));
}

#[test]
fn bodies_in_groups_are_found() {
    let outcome = testing::run(files::DAG, "double", r#"{"number":4}"#);
    assert_eq!(outcome, Outcome::Success(Some("8".to_owned())));
}
