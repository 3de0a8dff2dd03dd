use waft::prelude::*;

#[task]
fn names() -> Vec<String> {
    Vec::new()
}

#[task]
fn square(number: u64) -> u64 {
    number * number
}

#[dag]
fn wrong() -> Mapped<u64> {
    square.expand(names())
}

fn main() {}
