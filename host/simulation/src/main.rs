//! `simulation --seed N` plays one history and prints it; `simulation --seeds N [--from M]` plays many and prints those that broke
//! a promise. `cargo xtask sim` calls it.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use simulation::{Figures, History, play};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    match (number("--seed"), number("--seeds")) {
        (Some(seed), None) => one(seed),
        (None, Some(count)) => many(number("--from").unwrap_or(0), count),
        _ => {
            eprintln!("usage: simulation --seed N | --seeds N [--from M]");
            ExitCode::FAILURE
        }
    }
}

fn one(seed: u64) -> ExitCode {
    let history = play(seed);
    print!("{}", history.trace);
    println!("{:?}", history.figures);
    tell(&history);
    if history.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(history: &History) {
    for broken in &history.broken {
        println!("seed {}: {broken}", history.seed);
    }
}

fn many(from: u64, count: u64) -> ExitCode {
    let next = AtomicU64::new(from);
    let sum = Mutex::new((Figures::default(), 0_u64));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count {
                        return;
                    }
                    let history = play(seed);
                    let mut sum = sum.lock().expect("no panic while the lock is held");
                    sum.0.add(history.figures);
                    sum.1 += u64::from(!history.broken.is_empty());
                    tell(&history);
                }
            });
        }
    });
    let (figures, broken) = sum.into_inner().expect("no panic while the lock is held");
    println!("{count} seeds from {from}, {broken} broke a promise: {figures:?}");
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
