//! How executions end in a test.

use model::outcome::{Answer, Choice, End, Wake, WakeOn};
use model::{MapIndex, MemberId, NodeIdx};

use crate::dice::Dice;

/// The end of an execution, as far as it decides what comes next.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub end: End,
    pub has_value: bool,
    pub answer: Answer,
}

impl Outcome {
    fn ended(end: End) -> Self {
        Self { end, has_value: false, answer: Answer::default() }
    }

    pub fn success(list_length: Option<u32>) -> Self {
        Self { end: End::Success, has_value: true, answer: Answer { list_length, ..Answer::default() } }
    }

    /// A success that chooses what goes on downstream.
    pub fn choosing(choice: Choice) -> Self {
        Self { answer: Answer { choice: Some(choice), ..Answer::default() }, ..Self::success(None) }
    }

    /// A list of lists of these lengths.
    pub fn nested(lengths: &[u32]) -> Self {
        let mut outcome = Self::success(Some(lengths.len() as u32));
        outcome.answer.item_lengths = Some(lengths.iter().copied().map(Some).collect());
        outcome
    }

    /// Reads a word: `ok`, `none` (no value), `list=3`, `skip`, `fail`, `fail=500` (with a delay), `fatal` (not to be tried again),
    /// `timeout`, `trap`, `limit`, `cancel`, `lost`, `suspect` (lost, and perhaps to blame), `choose=a+b` (of a branch), `true` and
    /// `false` (of a short circuit), `poke` (a sensor that is not done), `defer`, `defer=500` (with a timeout), `until=500` (deferred to
    /// that time after 1970), `nested=2+0` (a list of lists).
    ///
    /// # Panics
    /// When it is no such word.
    pub fn of_word(word: &str) -> Self {
        let message = || word.to_owned();
        let text = word.split_once('=').map_or("", |(_, text)| text);
        let (word, number) =
            word.split_once('=').map_or((word, None), |(word, number)| (word, number.parse::<u32>().ok()));
        let words = || text.split('+').filter(|text| !text.is_empty());
        let defer = |on, timeout_ms| Self::ended(End::Deferred { wake: Wake { on, timeout_ms } });
        match word {
            "choose" => {
                let ids = words().map(|id| MemberId::new(id).expect("a choice names tasks"));
                Self::choosing(Choice::Only(ids.collect()))
            }
            "true" => Self::choosing(Choice::All),
            "false" => Self::choosing(Choice::Only(Vec::new())),
            "nested" => Self::nested(&words().map(|length| length.parse().expect("a length")).collect::<Vec<_>>()),
            "poke" => Self::ended(End::Rescheduled),
            "defer" => defer(WakeOn::Signal("signal".to_owned()), number.map(u64::from)),
            "until" => defer(WakeOn::Until { at_us: i64::from(number.unwrap_or(0)) * 1_000 }, None),
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
