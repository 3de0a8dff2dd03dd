use waft::prelude::*;

#[task]
fn number() -> u64 {
    7
}

#[task]
fn greet(name: String) -> String {
    name
}

#[dag]
fn wrong() -> Output<String> {
    greet(number())
}

fn main() {}
