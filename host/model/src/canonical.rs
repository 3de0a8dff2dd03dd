//! Canonical JSON (RFC 8785): one text for each value, so that a digest of it names the value.
//!
//! Members are sorted by UTF-16 code units, numbers stand as ECMAScript writes them, strings carry no needless escapes. A number
//! that would stand as an integer past ±(2^53 − 1) is refused, because readers differ on it; so is one that is not finite.

use std::fmt;

use serde::Serialize;
use serde::ser;

mod number;
mod writer;

/// A value without a canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    #[error("the integer {0} is outside ±9007199254740991, where readers of JSON differ; write it as a string")]
    Integer(String),
    #[error("a number is not finite; JSON has no such number")]
    NotFinite,
    #[error("a key of an object is not a string")]
    Key,
    #[error("the key {0:?} stands twice in one object")]
    DuplicateKey(String),
    #[error("{0}")]
    Custom(String),
}

impl ser::Error for CanonicalError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// The canonical bytes of a value; they are UTF-8.
pub fn canonical(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::new();
    value.serialize(writer::Writer(&mut out))?;
    Ok(out)
}

#[cfg(test)]
mod tests;
