use waft::prelude::*;

#[task]
fn square(number: u64) -> u64 {
    number * number
}

#[group]
fn squares(number: Item<u64>) -> Output<u64> {
    square(square(number))
}

#[group]
fn no_item(number: u64) -> Output<u64> {
    square(number)
}

#[dag]
fn item_of_another_type() {
    squares.expand(vec!["a".to_owned()]);
}

#[dag]
fn mapped_group_for_one_value() {
    square(squares.expand(vec![1]));
}

#[dag]
fn group_of_another_type() {
    squares("a");
}

fn main() {}
