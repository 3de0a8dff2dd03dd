use waft::prelude::*;

#[task]
fn add(a: u64, b: u64) -> u64 {
    a + b
}

#[dag]
fn wrong() -> Mapped<u64> {
    add.expand(vec![1, 2, 3])
}

fn main() {}
