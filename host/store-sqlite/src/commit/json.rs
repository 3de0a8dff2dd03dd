//! How rows become the JSON that a statement reads: arrays, whose places the statement names.

use std::borrow::Cow;

use jiff::Timestamp;
use model::TenantScope;
use serde::{Serialize, Serializer};
use store::{StoreError, storable};
use uuid::Uuid;

/// A JSON array of rows.
pub(crate) fn json<T: Serialize>(rows: impl IntoIterator<Item = T>) -> Result<String, StoreError> {
    let mut text = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::new(&mut text);
    let written = serializer.collect_seq(rows).map_err(|error| error.to_string());
    let text = written.and_then(|()| String::from_utf8(text).map_err(|error| error.to_string()));
    text.map_err(|detail| StoreError::Unavailable { detail: format!("rows cannot be written as JSON: {detail}") })
}

/// One JSON text, which is a cell.
pub(crate) fn one<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Unavailable { detail: format!("a cell cannot be written as JSON: {error}") })
}

pub(crate) fn tenant(scope: TenantScope) -> i64 {
    scope.tenant().number()
}

/// A key for `unhex`.
pub(crate) struct Hex(Uuid);

pub(crate) fn hex(uuid: Uuid) -> Hex {
    Hex(uuid)
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.simple().encode_lower(&mut Uuid::encode_buffer()))
    }
}

pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A text as every database takes it.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    storable(text)
}
