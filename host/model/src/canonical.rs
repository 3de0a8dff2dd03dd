//! Canonical JSON (RFC 8785): one text for each value, so that a digest of it names the value.
//!
//! Members are sorted by UTF-16 code units, numbers stand as ECMAScript writes them, strings carry no needless escapes. A number
//! that would stand as an integer past ±(2^53 − 1) is refused, because readers differ on it; so is one that is not finite.

use std::fmt;

use serde::Serialize;
use serde::ser;

use crate::pointer::Pointer;

mod number;
mod writer;

/// A value without a canonical form, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{obstacle}")]
pub struct CanonicalError {
    pub obstacle: Obstacle,
    /// RFC 6901 pointer into the value.
    pub pointer: String,
}

/// Why a value has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
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

impl From<Obstacle> for CanonicalError {
    fn from(obstacle: Obstacle) -> Self {
        Self { obstacle, pointer: String::new() }
    }
}

impl CanonicalError {
    /// The same, seen from one level further out.
    fn inside(self, step: impl FnOnce(&mut Pointer)) -> Self {
        let mut pointer = Pointer::default();
        step(&mut pointer);
        Self { pointer: String::from(pointer) + &self.pointer, ..self }
    }
}

impl ser::Error for CanonicalError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Obstacle::Custom(message.to_string()).into()
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
