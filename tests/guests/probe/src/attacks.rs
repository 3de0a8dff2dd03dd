//! What a hostile body does.

use std::hint::black_box;
use std::time::Duration;

use crate::exports::waft::task::task_bodies::Outcome;
use crate::waft::task::{log, progress, values, xcom};

/// Bytes that no other guest may ever see.
pub(crate) const SECRET: &[u8; 32] = b"waft-probe-secret-0123456789abcd";

pub(crate) fn run(attack: &str, args: &str) -> Outcome {
    match attack {
        "loop" => spin(),
        "sleep" => std::thread::sleep(Duration::from_secs(3_600)),
        "nap" => std::thread::sleep(Duration::from_millis(50)),
        "say_and_sleep" => {
            log::write(log::Level::Info, "about to sleep");
            progress::report(1, Some(2), "half");
            std::thread::sleep(Duration::from_secs(3_600));
        }
        "unreachable" => std::arch::wasm32::unreachable(),
        "panic" => panic!("the probe panics on purpose"),
        "exit" => std::process::exit(3),
        "recurse" => {
            black_box(recurse(black_box(0)));
        }
        "recurse_wide" => {
            black_box(recurse_wide(black_box(0)));
        }
        "memory" => eat_memory(),
        "touch" => touch(args),
        "log_flood" => flood_log(),
        "long_line" => log::write(log::Level::Info, &"x".repeat(1 << 20)),
        "print_flood" => flood_stdout(),
        "progress_flood" => (0..100_000).for_each(|done| progress::report(done, None, "still going")),
        "xcom_flood" => return flood_xcoms(),
        "huge_string" => return Outcome::Success(Some(format!("\"{}\"", "x".repeat(100 << 20)))),
        "long_string" => return Outcome::Success(Some(format!("\"{}\"", "x".repeat((1 << 20) + 10)))),
        "many_items" => return Outcome::Success(Some(format!("[{}1]", "1,".repeat(10_000_000)))),
        "bad_json" => return Outcome::Success(Some("{\"a\":".into())),
        "deep_json" => return Outcome::Success(Some("[".repeat(1_000) + &"]".repeat(1_000))),
        "hide_secret" => hide_secret(),
        "find_secret" => return find_secret(),
        "handles" => return open_many(),
        unknown => return crate::failed(&format!("no entrypoint {unknown}")),
    }
    Outcome::Success(None)
}

pub(crate) fn spin() {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

/// Small frames: the engine's stack ends first.
fn recurse(depth: u64) -> u64 {
    if depth == u64::MAX { 0 } else { recurse(black_box(depth + 1)).wrapping_add(depth) }
}

/// Big frames: the stack in the guest's own memory ends first.
fn recurse_wide(depth: u64) -> u64 {
    let frame = [black_box(depth); 512];
    if depth == u64::MAX { 0 } else { recurse_wide(black_box(depth + 1)).wrapping_add(black_box(frame)[7]) }
}

fn eat_memory() {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn touch(args: &str) {
    let bytes = args.trim().parse::<usize>().unwrap_or(0);
    drop(black_box(vec![1_u8; bytes]));
}

fn flood_log() {
    let line = "flood ".repeat(20);
    for _ in 0..200_000 {
        log::write(log::Level::Warn, &line);
    }
}

fn flood_stdout() {
    for number in 0..200_000 {
        println!("line {number} of a flood that goes on and on and on and on and on");
    }
}

fn flood_xcoms() -> Outcome {
    let refusals = (0..150).filter(|number| xcom::push(&format!("key{number}"), "1").is_err()).count();
    Outcome::Success(Some(refusals.to_string()))
}

fn hide_secret() {
    let mut copies = SECRET.repeat(10_000);
    copies.iter_mut().for_each(|byte| *byte = black_box(*byte));
    std::mem::forget(copies);
}

/// Looks through fresh memory, which must be all zeros.
fn find_secret() -> Outcome {
    let pages = std::arch::wasm32::memory_grow::<0>(64);
    let start = (pages * 65_536) as *const u8;
    let dirty = (0..64 * 65_536)
        // SAFETY: these pages have just been added to the memory.
        .filter(|offset| unsafe { std::ptr::read_volatile(start.add(*offset)) } != 0)
        .count();
    Outcome::Success(Some(dirty.to_string()))
}

/// Holds many handles of the host at once.
fn open_many() -> Outcome {
    let mut held = Vec::new();
    for _ in 0..10_000 {
        match values::open(1) {
            Ok(sequence) => held.push(sequence),
            Err(error) => return crate::failed(&format!("{error:?}")),
        }
    }
    Outcome::Success(Some(held.len().to_string()))
}
