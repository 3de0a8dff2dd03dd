//! How rows become the arrays that a statement reads, one array for each column.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};
use sqlx::postgres::{PgArguments, PgBindIterExt, PgHasArrayType};
use sqlx::{Arguments, Encode, Postgres, Type};
use store::StoreError;

/// Columns that are bound one after the other.
#[derive(Default)]
pub(crate) struct Columns {
    arguments: PgArguments,
    failed: Option<String>,
}

impl Columns {
    /// Adds a column with a cell for each row.
    pub(crate) fn push<'t, T>(&mut self, cells: impl Iterator<Item = T> + 't)
    where
        T: Encode<'t, Postgres> + Type<Postgres> + PgHasArrayType + 't,
    {
        if let Err(error) = self.arguments.add(cells.bind_iter()) {
            self.failed = Some(error.to_string());
        }
    }

    /// Adds a value that is no column.
    pub(crate) fn add<'t, T: Encode<'t, Postgres> + Type<Postgres> + 't>(&mut self, value: T) {
        if let Err(error) = self.arguments.add(value) {
            self.failed = Some(error.to_string());
        }
    }

    /// All columns.
    pub(crate) fn finish(self) -> Result<PgArguments, StoreError> {
        match self.failed {
            None => Ok(self.arguments),
            Some(detail) => Err(StoreError::Unavailable { detail: format!("rows cannot be sent: {detail}") }),
        }
    }
}

/// The rows of rare steps, by the name of the step: objects with a member for each column.
#[derive(Default)]
pub(crate) struct Document(Map<String, Value>);

impl Document {
    /// Adds the rows of a step.
    pub(crate) fn push(&mut self, name: &str, rows: impl Iterator<Item = Value>) {
        let rows: Vec<_> = rows.collect();
        if !rows.is_empty() {
            self.0.insert(name.to_owned(), Value::Array(rows));
        }
    }

    /// Adds rows that a statement may write once only: of those with the same key the last one.
    pub(crate) fn push_last<K: Ord>(&mut self, name: &str, rows: impl Iterator<Item = (K, Value)>) {
        let last: BTreeMap<K, Value> = rows.collect();
        self.push(name, last.into_values());
    }

    /// The text; none where there is nothing rare.
    pub(crate) fn finish(self) -> Option<String> {
        (!self.0.is_empty()).then(|| Value::Object(self.0).to_string())
    }
}

pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}
