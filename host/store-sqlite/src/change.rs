//! Changes that are a few statements: the first says whether anything is to be done, the others follow it.

use async_trait::async_trait;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, Encode, Sqlite, Type};
use store::StoreError;

use crate::error::failed;
use crate::writer::{Transaction, Write};

/// Statements with what is bound to them.
pub(crate) struct Change {
    statements: Vec<(&'static str, Bound)>,
    /// How many rows the first must change for the others to follow; any number where it is `None`.
    expected: Option<u64>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Rows that the first statement changed.
    pub(crate) rows: u64,
    /// The number of the row that was inserted last into a table that numbers its rows.
    pub(crate) id: i64,
}

/// Parameters in their order.
pub(crate) struct Bound(Result<SqliteArguments, String>);

/// No parameters.
pub(crate) fn bound() -> Bound {
    Bound(Ok(SqliteArguments::default()))
}

impl Bound {
    pub(crate) fn and<'t, T: Encode<'t, Sqlite> + Type<Sqlite> + 't>(mut self, value: T) -> Self {
        if let Ok(arguments) = &mut self.0
            && let Err(error) = arguments.add(value)
        {
            self.0 = Err(error.to_string());
        }
        self
    }
}

impl Change {
    /// Begins with a statement. Nothing follows it, and it is undone, when it does not change `expected` rows.
    pub(crate) fn of(sql: &'static str, bound: Bound, expected: Option<u64>) -> Self {
        Self { statements: vec![(sql, bound)], expected }
    }

    /// Goes on with another one.
    pub(crate) fn then(mut self, sql: &'static str, bound: Bound) -> Self {
        self.statements.push((sql, bound));
        self
    }
}

#[async_trait]
impl Write for Change {
    type Done = Changed;
    type Error = StoreError;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<Changed, StoreError> {
        let mut changed: Option<Changed> = None;
        for (sql, bound) in std::mem::take(&mut self.statements) {
            let arguments = bound.0.map_err(|detail| StoreError::Unavailable { detail })?;
            let done = sqlx::query_with(sql, arguments).execute(tx.conn().await?).await.map_err(failed)?;
            let rows = changed.map_or(done.rows_affected(), |changed| changed.rows);
            let so_far = Changed { rows, id: done.last_insert_rowid() };
            if changed.is_none() && self.expected.is_some_and(|expected| expected != rows) {
                tx.restart().await?;
                return Ok(so_far);
            }
            changed = Some(so_far);
        }
        changed.ok_or_else(|| StoreError::Unavailable { detail: "a change without statements".to_owned() })
    }
}
