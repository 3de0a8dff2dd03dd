//! How executions end in a test.

use model::outcome::End;
use model::{MapIndex, NodeIdx};

use crate::dice::Dice;

/// The end of an execution, as far as it decides what comes next.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub end: End,
    pub has_value: bool,
    pub list_length: Option<u32>,
}

impl Outcome {
    fn ended(end: End) -> Self {
        Self { end, has_value: false, list_length: None }
    }

    pub fn success(list_length: Option<u32>) -> Self {
        Self { end: End::Success, has_value: true, list_length }
    }

    /// Reads a word: `ok`, `none` (no value), `list=3`, `skip`, `fail`, `fail=500` (with a delay), `fatal` (not to be tried again),
    /// `timeout`, `trap`, `limit`, `cancel`, `lost`, `suspect` (lost, and perhaps to blame).
    ///
    /// # Panics
    /// When it is no such word.
    pub fn of_word(word: &str) -> Self {
        let message = || word.to_owned();
        let (word, number) = word.split_once('=').map_or((word, None), |(word, number)| (word, number.parse().ok()));
        match word {
            "ok" => Self::success(None),
            "list" => Self::success(number),
            "none" => Self::ended(End::Success),
            "skip" => Self::ended(End::Skipped { reason: message() }),
            "fail" => Self::ended(End::Failed { message: message(), retry: true, delay_ms: number.map(u64::from) }),
            "fatal" => Self::ended(End::Failed { message: message(), retry: false, delay_ms: None }),
            "timeout" => Self::ended(End::TimedOut { message: message() }),
            "trap" => Self::ended(End::Trapped { message: message() }),
            "limit" => Self::ended(End::OverLimit { message: message() }),
            "cancel" => Self::ended(End::Cancelled { message: message() }),
            "lost" => Self::ended(End::HostLost { message: message(), suspect: false }),
            "suspect" => Self::ended(End::HostLost { message: message(), suspect: true }),
            _ => panic!("{word:?} is no outcome"),
        }
    }

    /// How a try of an instance ends: always the same for the same seed, whoever runs it and when.
    pub fn of_try(seed: u64, node: NodeIdx, map_index: MapIndex, try_number: u32) -> Self {
        let index = u64::from(map_index.number().cast_unsigned());
        let key = (u64::from(node.0) << 40) ^ (index << 8) ^ u64::from(try_number);
        let mut dice = Dice::new(seed.wrapping_mul(31).wrapping_add(key));
        dice.roll(2);
        match dice.roll(100) {
            0..70 => Self::success(Some(dice.roll(5))),
            70..74 => Self::success(None),
            74..80 => Self::of_word("none"),
            80..84 => Self::of_word("skip"),
            84..94 => Self::of_word("fail"),
            94..97 => Self::of_word("trap"),
            _ => Self::of_word("fatal"),
        }
    }
}
