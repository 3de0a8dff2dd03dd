//! Bodies that do nothing: what a run of these DAGs takes is the host's own time.

use waft::prelude::*;

#[task]
fn noop() -> u64 {
    1
}

#[task]
fn pass(number: u64) -> u64 {
    number
}

#[task]
fn list(n: u64) -> Vec<u64> {
    (0..n).collect()
}

#[task(max_map_length = 200_000)]
fn noop_item(item: u64) -> u64 {
    item
}

#[task]
fn count(values: Sequence<u64>) -> u64 {
    values.len()
}

/// One task.
#[dag]
fn noop_one() -> Output<u64> {
    noop()
}

/// Three tasks, one after another.
#[dag]
fn noop_chain() -> Output<u64> {
    pass(pass(noop()))
}

/// A list, one task for each of its items, and a reduction.
#[dag]
fn noop_map(#[param(default = 1_000, description = "How many items")] n: Param<u64>) -> Output<u64> {
    count(noop_item.expand(list(n)))
}

waft::bundle!(noop_one, noop_chain, noop_map);
