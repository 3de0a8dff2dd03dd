//! Files that are not taken, counted by reason.

use std::collections::BTreeMap;

use model::limits::demo::{FILE_MAX_BYTES, FILES_MAX, TOTAL_MAX_BYTES};
use model::limits::run::CONF_MAX_BYTES;
use serde::Serialize;

/// Why a file is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LeftOut {
    /// A link, socket or device.
    NotAFile,
    /// Its path is not UTF-8.
    Name,
    TooLarge,
    /// It holds NUL.
    Binary,
    NotUtf8,
    Unreadable,
    /// Enough files were taken before.
    Count,
    /// Enough bytes were taken before.
    Total,
    /// The list of the files before fills the conf.
    Conf,
}

impl LeftOut {
    fn reason(self) -> String {
        match self {
            Self::NotAFile => "no plain file".to_owned(),
            Self::Name => "path is not UTF-8".to_owned(),
            Self::TooLarge => format!("more than {} MiB", FILE_MAX_BYTES >> 20),
            Self::Binary => "binary".to_owned(),
            Self::NotUtf8 => "not UTF-8".to_owned(),
            Self::Unreadable => "cannot be read".to_owned(),
            Self::Count => format!("more than {FILES_MAX} files"),
            Self::Total => format!("more than {} MiB in all", TOTAL_MAX_BYTES >> 20),
            Self::Conf => format!("the list of files fills the conf of a run ({} MiB)", CONF_MAX_BYTES >> 20),
        }
    }
}

/// A reason and how many files it has kept out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Reason {
    pub(crate) reason: String,
    pub(crate) count: u64,
}

/// How many were left out for each reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LeftOuts(BTreeMap<LeftOut, u64>);

impl LeftOuts {
    pub(crate) fn add(&mut self, reason: LeftOut, count: u64) {
        if count > 0 {
            *self.0.entry(reason).or_default() += count;
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Reasons with their counts.
    pub(crate) fn reasons(&self) -> Vec<Reason> {
        self.0.iter().map(|(reason, count)| Reason { reason: reason.reason(), count: *count }).collect()
    }

    /// `3 left out (2 binary, 1 not UTF-8)`; nothing where none was.
    pub(crate) fn in_words(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let reasons: Vec<_> = self.reasons().into_iter().map(|it| format!("{} {}", it.count, it.reason)).collect();
        format!("{} left out ({})", self.total(), reasons.join(", "))
    }
}
