//! Statements that go to the database together: one message to the connection's thread and one answer, however many there are.

use futures::TryStreamExt;
use serde::Serialize;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Either, Executor};
use store::StoreError;

use super::json::json;
use crate::error::failed;
use crate::writer::Transaction;

/// Statements, the JSON that each reads, and how many rows each must change. Their one parameter is `?`, because parameters are
/// counted through.
#[derive(Default)]
pub(crate) struct Batch {
    sql: String,
    arguments: SqliteArguments,
    /// `None` where any number will do.
    expected: Vec<Option<u64>>,
}

impl Batch {
    /// Adds a statement over rows.
    pub(crate) fn push<T: Serialize>(
        &mut self,
        sql: &'static str,
        rows: impl IntoIterator<Item = T>,
        expected: Option<u64>,
    ) -> Result<(), StoreError> {
        self.arguments.add(json(rows)?).map_err(|error| failed(sqlx::Error::Encode(error)))?;
        self.sql.push_str(sql);
        self.sql.push(';');
        self.expected.push(expected);
        Ok(())
    }

    /// Runs all; false when one changed another number of rows than expected.
    pub(crate) async fn run(self, tx: &mut Transaction<'_>) -> Result<bool, StoreError> {
        let (begin, conn) = tx.take_begin();
        let Self { mut sql, arguments, mut expected } = self;
        if let Some(begin) = begin {
            sql = format!("{begin};{sql}");
            expected.insert(0, None);
        }
        // Only constants of this crate were joined.
        let mut answers = conn.fetch_many(sqlx::query_with(AssertSqlSafe(sql), arguments));
        let mut expected = expected.into_iter();
        let mut is_met = true;
        while let Some(answer) = answers.try_next().await.map_err(failed)? {
            if let Either::Left(done) = answer {
                is_met &= expected.next().flatten().is_none_or(|rows| rows == done.rows_affected());
            }
        }
        Ok(is_met)
    }
}
