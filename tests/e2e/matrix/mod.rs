//! Every step × side × fault: the server dies, stands still or fails there, and perhaps once more while it recovers; then all that
//! was asked for comes to its end, and the database holds what it must.
//!
//! A seed is a cell of the matrix and the passage at which it strikes. The first seeds play each cell once;
//! `WAFT_CRASH_SEEDS=100..200` plays those instead.

mod cell;
mod place;
mod story;

use cell::Cell;
use place::Place;

/// Plays one of four parts of the seeds.
async fn play(part: u64, place: fn() -> Place) {
    let seeds = match std::env::var("WAFT_CRASH_SEEDS") {
        Err(_) => 0..Cell::count(),
        Ok(asked) => {
            let (from, to) = asked.split_once("..").expect("WAFT_CRASH_SEEDS=0..100");
            from.parse().expect("a number")..to.parse().expect("a number")
        }
    };
    for seed in seeds.filter(|seed| seed % 4 == part) {
        story::play(seed, place()).await;
    }
}

#[tokio::test]
async fn one_quarter_of_the_cells_on_sqlite() {
    play(0, Place::sqlite).await;
}

#[tokio::test]
async fn another_quarter_of_the_cells_on_sqlite() {
    play(1, Place::sqlite).await;
}

#[tokio::test]
async fn a_third_quarter_of_the_cells_on_sqlite() {
    play(2, Place::sqlite).await;
}

#[tokio::test]
async fn the_last_quarter_of_the_cells_on_sqlite() {
    play(3, Place::sqlite).await;
}

#[tokio::test]
async fn one_quarter_of_the_cells_on_postgres() {
    play(0, Place::postgres).await;
}

#[tokio::test]
async fn another_quarter_of_the_cells_on_postgres() {
    play(1, Place::postgres).await;
}

#[tokio::test]
async fn a_third_quarter_of_the_cells_on_postgres() {
    play(2, Place::postgres).await;
}

#[tokio::test]
async fn the_last_quarter_of_the_cells_on_postgres() {
    play(3, Place::postgres).await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_survived() {
    story::play_on_a_full_disk().await;
}
