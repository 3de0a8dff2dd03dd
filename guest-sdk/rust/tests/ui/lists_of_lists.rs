use waft::prelude::*;

#[task]
fn names() -> Vec<String> {
    Vec::new()
}

#[task]
fn square(number: u64) -> u64 {
    number * number
}

#[task]
fn shorten(name: String) -> String {
    name
}

#[task]
fn add(x: u64, y: u64) -> u64 {
    x + y
}

#[dag]
fn wrong_map() {
    square.expand(names().map(square));
}

#[dag]
fn map_to_another_type() {
    square.expand(names().map(shorten));
}

#[dag]
fn wrong_filter() {
    shorten.expand(names().filter(shorten));
}

#[dag]
fn wrong_concat() {
    shorten.expand(names().concat(vec![1_u64]));
}

#[dag]
fn wrong_zip() {
    add.expand(zip((vec![1, 2], names())));
}

#[dag]
fn wrong_fill() {
    add.expand(zip_longest((vec![1, 2], vec![3]), "none"));
}

#[dag]
fn zip_of_three_for_two() {
    add.expand(zip((vec![1], vec![2], vec![3])));
}

fn main() {}
