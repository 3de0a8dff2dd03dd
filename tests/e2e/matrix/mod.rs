//! Every step × side × fault: the server dies, stands still or fails there, and perhaps once more while it recovers; then all that
//! was asked for comes to its end, and the database holds what it must.
//!
//! A seed is a cell of the matrix and the passage at which it strikes. `WAFT_CRASH_SEEDS=100..200` plays those, one after the
//! other; without it each cell is played once.

mod cell;
mod story;

use cell::Cell;

/// Plays every n-th of all cells once, from one on.
async fn play(first: u64) {
    for seed in (first..Cell::count()).step_by(4) {
        story::play(seed).await;
    }
}

#[tokio::test]
async fn one_quarter_of_the_cells() {
    play(0).await;
}

#[tokio::test]
async fn another_quarter_of_the_cells() {
    play(1).await;
}

#[tokio::test]
async fn a_third_quarter_of_the_cells() {
    play(2).await;
}

#[tokio::test]
async fn the_last_quarter_of_the_cells() {
    play(3).await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_survived() {
    story::play_on_a_full_disk().await;
}

#[tokio::test]
#[ignore = "as long as is asked for: cargo xtask crash --seeds N"]
async fn seeds() {
    let asked = std::env::var("WAFT_CRASH_SEEDS").expect("WAFT_CRASH_SEEDS=0..100");
    let (from, to) = asked.split_once("..").expect("WAFT_CRASH_SEEDS=0..100");
    for seed in from.parse().expect("a number")..to.parse().expect("a number") {
        story::play(seed).await;
    }
}
