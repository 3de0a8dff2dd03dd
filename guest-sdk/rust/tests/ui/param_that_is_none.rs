use waft::prelude::*;

#[task]
fn square(number: u64) -> u64 {
    number * number
}

#[dag]
fn wrong(number: u64) -> Output<u64> {
    square(number)
}

fn main() {}
