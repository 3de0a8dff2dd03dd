use waft::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Order {
    id: u64,
}

#[task]
fn price(order: Order) -> u64 {
    order.id
}

fn main() {}
