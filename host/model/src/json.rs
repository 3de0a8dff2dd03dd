//! JSON texts of strangers: bounded and checked before anything is built of them.
//!
//! [`check`] is what each value of a guest and each body of a caller passes first. It walks the bytes once, builds nothing, and
//! refuses what the two ends of a value could read differently: duplicate keys, U+0000, lone surrogates, numbers past the range of
//! a double. What passed is kept as received; [`kind`], [`list_length`] and [`items`] read such a text without building a tree.
//! [`parse_document`] reads a DAG document. Markers (`$waft`) are in [`marker`].

mod document;
mod items;
pub mod marker;
mod scan;

use std::fmt;

use serde_json::Value;

pub use document::parse_document;
pub use items::{find_wide_integer, items, kind, list_length};
pub use marker::{BlobRef, blob_markers, find_marker};

use crate::limits;
use crate::problem::Problem;

/// How much a text may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest text.
    pub bytes: usize,
    /// Deepest nesting; a scalar is 0 deep, `[]` is 1 deep.
    pub depth: usize,
    /// Members of all objects together.
    pub keys: usize,
    /// Values, those inside others too.
    pub values: usize,
}

impl Limits {
    /// A value: result, argument set, conf, XCom, state.
    pub const VALUE: Limits = Limits {
        bytes: limits::json::TEXT_MAX_BYTES,
        depth: limits::json::DEPTH_MAX,
        keys: limits::json::KEYS_MAX,
        values: limits::json::VALUES_MAX,
    };
    /// A DAG document.
    pub const DOCUMENT: Limits = Limits {
        bytes: limits::dag::DOCUMENT_MAX_BYTES,
        depth: limits::dag::DOCUMENT_DEPTH_MAX,
        keys: limits::dag::DOCUMENT_KEYS_MAX,
        values: limits::dag::DOCUMENT_VALUES_MAX,
    };
}

/// What stands at the top of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Null,
    Boolean,
    Number,
    String,
    /// With the number of its items.
    List(u32),
    /// With the number of its members.
    Object(u32),
    /// An object that stands for a blob: one with the key `$waft`, which [`find_marker`] lets users have for nothing else.
    Blob,
}

impl Kind {
    /// How many instances a task mapped over it has; nothing where it cannot be mapped over.
    pub const fn length(self) -> Option<u32> {
        match self {
            Self::List(length) | Self::Object(length) => Some(length),
            Self::Null | Self::Boolean | Self::Number | Self::String | Self::Blob => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
            Self::Blob => "a blob",
        })
    }
}

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the text has {bytes} bytes, more than the {limit} that are allowed; send a big value as a blob")]
    TooLarge { bytes: usize, limit: usize },
    #[error("nested deeper than {limit} levels; flatten it, or send it as a blob")]
    TooDeep { limit: usize },
    #[error("more than {limit} members in all objects together; use lists, or send it as a blob")]
    TooManyKeys { limit: usize },
    #[error("more than {limit} values; send it as a blob")]
    TooManyValues { limit: usize },
    #[error("the key {key:?} stands twice in one object; remove one")]
    DuplicateKey { key: String },
    #[error("U+0000 cannot be stored; leave it out or encode the bytes, for example as base64")]
    Nul,
    #[error("half of a surrogate pair; write the whole pair, or encode the bytes, for example as base64")]
    LoneSurrogate,
    #[error("the number does not fit a 64-bit float; write it as a string")]
    NumberRange,
    #[error("the integer does not fit 64 bits; write it as a string")]
    IntegerRange,
    #[error("this is not JSON: {0}")]
    Syntax(&'static str),
    #[error("{0}")]
    Marker(&'static str),
}

impl Fault {
    /// A stable slug.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "json-too-large",
            Self::TooDeep { .. } => "json-too-deep",
            Self::TooManyKeys { .. } => "json-too-many-keys",
            Self::TooManyValues { .. } => "json-too-many-values",
            Self::DuplicateKey { .. } => "json-duplicate-key",
            Self::Nul => "json-nul",
            Self::LoneSurrogate => "json-lone-surrogate",
            Self::NumberRange => "json-number-range",
            Self::IntegerRange => "json-integer-range",
            Self::Syntax(_) => "json-syntax",
            Self::Marker(_) => "reserved-key",
        }
    }
}

/// A text that is refused, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault} (line {line}, column {column}{})", Place(pointer))]
pub struct JsonError {
    pub fault: Fault,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// RFC 6901 pointer to the innermost value that was begun.
    pub pointer: String,
}

struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ", at {}", self.0) }
    }
}

impl JsonError {
    fn at(fault: Fault, text: &str, offset: usize, pointer: String) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        let is_first_of_char = |b: &&u8| **b & 0xc0 != 0x80;
        let column = 1 + before[line_start..].iter().filter(is_first_of_char).count();
        Self { fault, line, column, pointer }
    }
}

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        let message = format!("{} (line {}, column {})", error.fault, error.line, error.column);
        Problem::error(error.fault.code(), error.pointer, message)
    }
}

/// Checks a value, which may be as large as [`Limits::VALUE`] says, and tells what it is.
pub fn check(text: &str) -> Result<Kind, JsonError> {
    check_within(text, Limits::VALUE)
}

/// Checks a text and tells what it is.
pub fn check_within(text: &str, limits: Limits) -> Result<Kind, JsonError> {
    scan::scan(text, limits)
}

/// Checks a text and builds its tree; objects keep the order of their members.
pub fn parse(text: &str, limits: Limits) -> Result<Value, JsonError> {
    check_within(text, limits)?;
    serde_json::from_str(text).map_err(|_| {
        JsonError::at(Fault::Syntax("it cannot be read; check its numbers and escapes"), text, 0, String::new())
    })
}

#[cfg(test)]
mod tests;
