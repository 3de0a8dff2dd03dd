//! How rows become the arrays that a statement reads, one array for each column.

use jiff::Timestamp;
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

pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}
