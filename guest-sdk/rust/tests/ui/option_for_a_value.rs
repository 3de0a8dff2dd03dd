use waft::prelude::*;

#[task]
fn find() -> Option<u64> {
    None
}

#[task]
fn square(number: u64) -> u64 {
    number * number
}

#[dag]
fn wrong() -> Output<u64> {
    square(find())
}

fn main() {}
