use waft::prelude::*;

#[task]
fn square(number: u64) -> u64 {
    number * number
}

#[dag]
fn wrong() -> Output<u64> {
    square(square.expand(vec![1, 2, 3]))
}

fn main() {}
