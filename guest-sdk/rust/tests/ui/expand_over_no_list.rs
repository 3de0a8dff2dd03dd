use waft::prelude::*;

#[task]
fn number() -> u64 {
    7
}

#[task]
fn square(number: u64) -> u64 {
    number * number
}

#[dag]
fn wrong() -> Mapped<u64> {
    square.expand(number())
}

fn main() {}
