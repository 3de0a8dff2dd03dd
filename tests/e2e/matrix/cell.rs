//! The cells of the matrix, and what a seed makes of one.

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Dies at once (F1).
    Kill,
    /// Stands still for a while (F2).
    Stop,
    /// Fails: before the step undone (F3), after it done but said to have failed (F4), so that whoever asked repeats it (F5).
    Error,
}

use Fault::{Error, Kill, Stop};

/// A step by its failpoint, the sides that it has, and how it may fail there.
const STEPS: &[(&str, &[&str], &[Fault])] = &[
    ("migrate::step", &["before", "after"], &[Kill]),
    ("upload::body_spooled", &["before"], &[Kill, Error]),
    ("upload::compiled", &["after"], &[Kill, Error]),
    ("upload::parsed", &["after"], &[Kill, Error]),
    ("upload::blob_put", &["before", "after"], &[Kill, Error]),
    ("upload::version_tx", &["before", "after"], &[Kill, Error]),
    ("sched::run_insert", &["before", "after"], &[Kill, Stop, Error]),
    ("sched::map_batch", &["before", "after"], &[Kill, Error]),
    ("sched::ready", &["before", "after"], &[Kill, Error]),
    ("claim::tx", &["before", "after"], &[Kill, Stop, Error]),
    ("broker::dispatch", &["before", "after"], &[Kill, Stop]),
    ("host::state_put", &["before", "after"], &[Kill]),
    ("host::xcom_stage", &["before", "after"], &[Kill, Error]),
    ("log::flush", &["before", "after"], &[Kill, Error]),
    ("complete::report", &["before", "after"], &[Kill, Error]),
    ("complete::tx", &["before", "after"], &[Kill, Stop, Error]),
    ("complete::notify", &["before"], &[Kill]),
    ("retry::schedule", &["before", "after"], &[Kill, Error]),
    ("sched::run_end", &["before", "after"], &[Kill, Error]),
    ("reap::expire", &["before", "after"], &[Kill, Error]),
    ("cancel::clear", &["before", "after"], &[Kill, Error]),
    ("drain::begin", &["before", "after"], &[Kill, Stop]),
];

/// Steps that a recovery takes, for the second death.
const RECOVERING: &[&str] =
    &["reap::expire.before", "reap::expire.after", "claim::tx.after", "complete::tx.before", "sched::ready.after"];

/// One cell, struck at one passage.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) step: &'static str,
    side: &'static str,
    fault: Fault,
    passage: u64,
    second: Option<&'static str>,
}

impl Cell {
    pub(super) fn count() -> u64 {
        all().count() as u64
    }

    /// The cell of a seed. Each cell is struck at its first passage before any is struck again.
    pub(super) fn of(seed: u64) -> Self {
        let count = Self::count();
        let (step, side, fault) = all().nth((seed % count) as usize).expect("it is one of them");
        let round = seed / count;
        let passage = if round == 0 { 1 } else { 1 + mixed(seed) % 12 };
        let second = mixed(seed + 1) as usize % (2 * RECOVERING.len());
        Self { step, side, fault, passage, second: RECOVERING.get(second).copied() }
    }

    /// What the starts of the server are armed with.
    pub(super) fn plans(&self) -> Vec<String> {
        let fault = match self.fault {
            Kill => "kill",
            Stop => "stop",
            Error => "error",
        };
        let first = format!("{}.{}={fault}@{}", self.step, self.side, self.passage);
        let second = self.second.map(|point| format!("{point}=kill")).unwrap_or_default();
        // Only a start that finds something running has anything to reap.
        if self.step == "reap::expire" { vec!["claim::tx.after=kill@2".to_owned(), first] } else { vec![first, second] }
    }

    /// Whether the story passes the point often enough for certain.
    pub(super) fn must_strike(&self) -> bool {
        self.passage == 1
    }
}

fn all() -> impl Iterator<Item = (&'static str, &'static str, Fault)> {
    STEPS.iter().flat_map(|(step, sides, faults)| {
        sides.iter().flat_map(move |side| faults.iter().map(move |fault| (*step, *side, *fault)))
    })
}

/// SplitMix64: a number that says nothing about the one it was made of.
fn mixed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
