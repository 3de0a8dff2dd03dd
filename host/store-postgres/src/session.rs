//! A connection whose statements end in time, and which is given back only when it is fit for the next caller.

use std::time::Duration;

use futures::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row};
use store::StoreError;
use tokio::time::timeout;

use crate::error::{Failure, is_fatal};

/// Longest wait for an answer. The server ends the statement earlier, see [`crate::connect`]; this is for one that has gone
/// silent.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A statement with what is bound to it.
pub(crate) type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// A connection in use. One that is dropped in the middle of a statement or a transaction is closed.
#[derive(Debug)]
pub(crate) struct Session {
    link: Link,
    /// Longest wait for an answer.
    patience: Duration,
    is_idle: bool,
    is_in_transaction: bool,
}

#[derive(Debug)]
enum Link {
    Pooled(PoolConnection<Postgres>),
    Own(PgConnection),
}

impl Session {
    pub(crate) fn pooled(conn: PoolConnection<Postgres>) -> Self {
        Self { link: Link::Pooled(conn), patience: ANSWER_TIMEOUT, is_idle: true, is_in_transaction: false }
    }

    pub(crate) fn own(conn: PgConnection) -> Self {
        Self { link: Link::Own(conn), patience: ANSWER_TIMEOUT, is_idle: true, is_in_transaction: false }
    }

    /// Waits longer for answers from now on.
    pub(crate) fn be_patient(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// No statement and no transaction is under way, and the connection has not failed.
    pub(crate) fn is_fit(&self) -> bool {
        self.is_idle && !self.is_in_transaction
    }

    /// All rows.
    pub(crate) async fn all(&mut self, query: Query<'_>) -> Result<Vec<PgRow>, Failure> {
        let (conn, patience) = self.begin_statement();
        let answer = in_time(patience, query.fetch_all(conn)).await;
        self.end_statement(answer)
    }

    /// The first row, if there is one.
    pub(crate) async fn optional(&mut self, query: Query<'_>) -> Result<Option<PgRow>, Failure> {
        let (conn, patience) = self.begin_statement();
        let answer = in_time(patience, query.fetch_optional(conn)).await;
        self.end_statement(answer)
    }

    /// The one row of a statement that always has one.
    pub(crate) async fn one(&mut self, query: Query<'_>) -> Result<PgRow, Failure> {
        let (conn, patience) = self.begin_statement();
        let answer = in_time(patience, query.fetch_one(conn)).await;
        self.end_statement(answer)
    }

    /// The number that a count gives.
    pub(crate) async fn count(&mut self, query: Query<'_>) -> Result<u64, Failure> {
        let number: i64 = self.one(query).await?.try_get(0)?;
        Ok(number.unsigned_abs())
    }

    /// How many rows it changed.
    pub(crate) async fn execute(&mut self, query: Query<'_>) -> Result<u64, Failure> {
        let (conn, patience) = self.begin_statement();
        let answer = in_time(patience, query.execute(conn)).await;
        self.end_statement(answer).map(|done| done.rows_affected())
    }

    /// Hands over one row after the other, where there may be so many that all of them would be a burden.
    pub(crate) async fn each(
        &mut self,
        query: Query<'_>,
        mut take: impl FnMut(&PgRow) -> Result<(), StoreError>,
    ) -> Result<(), Failure> {
        let (conn, patience) = self.begin_statement();
        let mut rows = query.fetch(conn);
        let answer = loop {
            match in_time(patience, rows.try_next()).await {
                // The rest of the rows is on its way, so the session is not fit.
                Ok(Some(row)) => take(&row)?,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        drop(rows);
        self.end_statement(answer)
    }

    /// Runs statements without parameters, one after the other.
    pub(crate) async fn batch(&mut self, sql: String) -> Result<(), Failure> {
        let (conn, patience) = self.begin_statement();
        // The texts are constants of this crate and numbers.
        let answer = in_time(patience, sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn)).await;
        self.end_statement(answer).map(drop)
    }

    /// Begins a transaction in the words of `sql`.
    pub(crate) async fn begin(&mut self, sql: &str) -> Result<(), Failure> {
        self.is_in_transaction = true;
        self.batch(sql.to_owned()).await
    }

    /// Makes the transaction durable.
    pub(crate) async fn commit(&mut self) -> Result<(), Failure> {
        self.batch("COMMIT".to_owned()).await?;
        self.is_in_transaction = false;
        Ok(())
    }

    /// Undoes the transaction.
    pub(crate) async fn rollback(&mut self) -> Result<(), Failure> {
        self.batch("ROLLBACK".to_owned()).await?;
        self.is_in_transaction = false;
        Ok(())
    }

    fn begin_statement(&mut self) -> (&mut PgConnection, Duration) {
        self.is_idle = false;
        let conn = match &mut self.link {
            Link::Pooled(conn) => &mut **conn,
            Link::Own(conn) => conn,
        };
        (conn, self.patience)
    }

    fn end_statement<T>(&mut self, answer: Result<T, sqlx::Error>) -> Result<T, Failure> {
        self.is_idle = answer.as_ref().err().is_none_or(|error| !is_fatal(error));
        Ok(answer?)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.is_fit()
            && let Link::Pooled(conn) = &mut self.link
        {
            conn.close_on_drop();
        }
    }
}

/// An answer, or an error of the connection when there is none for too long.
async fn in_time<T>(patience: Duration, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(patience, work).await.unwrap_or_else(|_| {
        let silence = format!("no answer within {} s", patience.as_secs());
        Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, silence)))
    })
}
