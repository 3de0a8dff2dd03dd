use waft::prelude::*;

#[task]
fn square(number: u64) -> u64 {
    number * number
}

#[task]
fn join(texts: Sequence<String>) -> u64 {
    texts.len()
}

#[dag]
fn wrong() -> Output<u64> {
    join(square.expand(vec![1, 2, 3]))
}

fn main() {}
