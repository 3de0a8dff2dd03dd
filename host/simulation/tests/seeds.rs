//! A few hundred histories. More of them: `cargo xtask sim --seeds N`; one of them, line by line: `cargo xtask sim --seed N`.

use simulation::{Figures, play};

/// Seeds of one test; the tests run beside each other.
const SEEDS: u64 = 100;

#[track_caller]
fn check(from: u64) {
    let mut figures = Figures::default();
    for seed in from..from + SEEDS {
        let history = play(seed);
        assert!(history.broken.is_empty(), "cargo xtask sim --seed {seed}\n{}", history.broken.join("\n"));
        figures.add(history.figures);
    }
    assert!(figures.compared > 100 && figures.lost_executions > 100 && figures.crashes > 20, "{figures:?}");
}

#[test]
fn promises_hold_in_the_first_hundred() {
    check(0);
}

#[test]
fn promises_hold_in_the_second_hundred() {
    check(SEEDS);
}

#[test]
fn promises_hold_in_the_third_hundred() {
    check(2 * SEEDS);
}

#[test]
fn a_seed_gives_the_same_history_each_time() {
    for seed in 0..40 {
        assert!(play(seed) == play(seed), "cargo xtask sim --seed {seed} differs from time to time");
    }
}
