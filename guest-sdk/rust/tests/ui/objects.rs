use waft::prelude::*;

#[task]
fn numbers() -> Vec<u64> {
    Vec::new()
}

#[task]
fn square(number: u64) -> u64 {
    number * number
}

#[dag]
fn each_of_numbers() {
    square.expand(each(numbers()));
}

#[dag]
fn approval_of_a_number() {
    square(approval::<u64>("ask"));
}

fn main() {}
