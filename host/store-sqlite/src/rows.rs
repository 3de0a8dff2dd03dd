//! Rows to types, and types to bound parameters. A row that fits no type is [`StoreError::CorruptRow`].

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use model::limits::http::TOTAL_ENTRIES_MAX;
use model::{Digest, MapIndex, NodeIdx, TenantScope};
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, QueryBuilder, Row, Sqlite, SqliteConnection, Type};
use store::{Page, PageRequest, StoreError, storable};
use uuid::Uuid;

use crate::error::failed;

/// The cells of one row, by column name.
pub(crate) struct Cells<'r> {
    row: &'r SqliteRow,
    table: &'static str,
}

impl<'r> Cells<'r> {
    /// Reads `row`; errors name `table`.
    pub(crate) fn of(row: &'r SqliteRow, table: &'static str) -> Self {
        Self { row, table }
    }

    /// An error that names this row's table.
    pub(crate) fn corrupt(&self, column: &str, detail: impl Display) -> StoreError {
        StoreError::CorruptRow { table: self.table, detail: format!("{column}: {detail}") }
    }

    fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(&self, column: &str) -> Result<T, StoreError> {
        self.row.try_get(column).map_err(|error| self.corrupt(column, error))
    }

    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError> {
        let number: i64 = self.get(column)?;
        T::try_from(number).map_err(|_| self.corrupt(column, format_args!("{number} is out of range")))
    }

    pub(crate) fn number_opt<T: TryFrom<i64>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let number: Option<i64> = self.get(column)?;
        number
            .map(|number| {
                T::try_from(number).map_err(|_| self.corrupt(column, format_args!("{number} is out of range")))
            })
            .transpose()
    }

    pub(crate) fn flag(&self, column: &str) -> Result<bool, StoreError> {
        match self.get::<i64>(column)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.corrupt(column, format_args!("{other} is no flag"))),
        }
    }

    pub(crate) fn text(&self, column: &str) -> Result<&'r str, StoreError> {
        self.get(column)
    }

    pub(crate) fn text_opt(&self, column: &str) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    pub(crate) fn shared(&self, column: &str) -> Result<Arc<str>, StoreError> {
        self.text(column).map(Arc::from)
    }

    /// A name or a state: anything that is parsed from its text.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|error| self.corrupt(column, error))
    }

    pub(crate) fn parsed_opt<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let text: Option<&str> = self.get(column)?;
        text.map(|text| text.parse().map_err(|error| self.corrupt(column, error))).transpose()
    }

    pub(crate) fn uuid(&self, column: &str) -> Result<Uuid, StoreError> {
        Uuid::from_slice(self.get(column)?).map_err(|error| self.corrupt(column, error))
    }

    pub(crate) fn uuid_opt(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        let bytes: Option<&[u8]> = self.get(column)?;
        bytes.map(|bytes| Uuid::from_slice(bytes).map_err(|error| self.corrupt(column, error))).transpose()
    }

    pub(crate) fn digest(&self, column: &str) -> Result<Digest, StoreError> {
        self.digest_opt(column)?.ok_or_else(|| self.corrupt(column, "it is missing"))
    }

    pub(crate) fn digest_opt(&self, column: &str) -> Result<Option<Digest>, StoreError> {
        let bytes: Option<&[u8]> = self.get(column)?;
        bytes
            .map(|bytes| {
                <[u8; 32]>::try_from(bytes).map(Digest::from_bytes).map_err(|error| self.corrupt(column, error))
            })
            .transpose()
    }

    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.time_opt(column)?.ok_or_else(|| self.corrupt(column, "it is missing"))
    }

    pub(crate) fn time_opt(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        let micros: Option<i64> = self.get(column)?;
        micros
            .map(|micros| Timestamp::from_microsecond(micros).map_err(|error| self.corrupt(column, error)))
            .transpose()
    }

    pub(crate) fn node(&self) -> Result<NodeIdx, StoreError> {
        self.number("node").map(NodeIdx)
    }

    pub(crate) fn map_index(&self) -> Result<MapIndex, StoreError> {
        let number: i32 = self.number("map_index")?;
        MapIndex::from_number(number).ok_or_else(|| self.corrupt("map_index", format_args!("{number} is below -1")))
    }

    pub(crate) fn map_index_opt(&self) -> Result<Option<MapIndex>, StoreError> {
        let number: Option<i64> = self.get("map_index")?;
        number.map(|_| self.map_index()).transpose()
    }
}

/// The tenant as it is bound.
pub(crate) fn tenant(scope: TenantScope) -> i64 {
    scope.tenant().number()
}

/// A key as it is bound.
pub(crate) fn bytes(uuid: Uuid) -> Vec<u8> {
    uuid.as_bytes().to_vec()
}

/// A digest as it is bound.
pub(crate) fn digest(digest: Digest) -> Vec<u8> {
    digest.bytes().to_vec()
}

/// A text that may be missing, as it is bound.
pub(crate) fn text_opt(text: Option<&str>) -> Option<String> {
    text.map(|text| storable(text).into_owned())
}

/// A time that may be missing, as it is bound.
pub(crate) fn micros_opt(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_microsecond)
}

/// A count as it is bound.
pub(crate) fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The longest total of a list, as it is bound.
pub(crate) const TOTAL_MAX: i64 = TOTAL_ENTRIES_MAX as i64;

/// The length of a list whose last page has been read; `None` when it must be counted.
pub(crate) fn total_if_last(page: PageRequest, found: usize) -> Option<u64> {
    let is_last = found < page.limit as usize && (found > 0 || page.offset == 0);
    is_last.then_some((u64::from(page.offset) + found as u64).min(TOTAL_ENTRIES_MAX))
}

/// Counts rows up to the longest total, which bounds the walk: `push` adds what follows `SELECT 1`.
pub(crate) fn count_query(push: impl FnOnce(&mut QueryBuilder<Sqlite>)) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT count(*) FROM (SELECT 1");
    push(&mut query);
    query.push(" LIMIT ").push_bind(TOTAL_MAX).push(")");
    query
}

/// Reads what [`count_query`] made.
pub(crate) async fn counted(mut query: QueryBuilder<Sqlite>, conn: &mut SqliteConnection) -> Result<u64, StoreError> {
    query.build_query_scalar().fetch_one(conn).await.map(i64::unsigned_abs).map_err(failed)
}

/// Reads a page of a list and its total, which is counted only where the page does not tell it.
pub(crate) async fn paged<T>(
    conn: &mut SqliteConnection,
    page: PageRequest,
    mut list: QueryBuilder<Sqlite>,
    count: QueryBuilder<Sqlite>,
    row: impl Fn(&SqliteRow) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let found = list.build().fetch_all(&mut *conn).await.map_err(failed)?;
    let total = match total_if_last(page, found.len()) {
        Some(total) => total,
        None => counted(count, conn).await?,
    };
    Ok(Page { rows: found.iter().map(row).collect::<Result<_, StoreError>>()?, total })
}

/// Adds a condition that `column` matches a pattern as people write it: ASCII letters match in either case.
pub(crate) fn push_pattern(query: &mut QueryBuilder<Sqlite>, column: &str, pattern: &str) {
    query.push(" AND ");
    match store::name_pattern(pattern) {
        Some(pattern) => {
            query.push(column).push(" LIKE ").push_bind(pattern.to_owned()).push(r" ESCAPE '\'");
        }
        None => drop(query.push("false")),
    }
}

/// Adds a list of values, of which there is at least one, after `begin`, which opens the bracket.
pub(crate) fn push_list<T>(query: &mut QueryBuilder<Sqlite>, begin: &str, values: impl Iterator<Item = T>)
where
    T: for<'q> sqlx::Encode<'q, Sqlite> + Type<Sqlite>,
{
    query.push(begin);
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    query.push(")");
}
