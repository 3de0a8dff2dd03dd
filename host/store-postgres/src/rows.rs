//! Rows to types, and types to bound parameters. A row that fits no type is [`StoreError::CorruptRow`].

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use model::limits::http::TOTAL_ENTRIES_MAX;
use model::{Digest, MapIndex, NodeIdx, TenantScope};
use sqlx::postgres::PgRow;
use sqlx::{Column, Decode, Postgres, QueryBuilder, Row, Type, TypeInfo};
use store::{Page, PageRequest, StoreError, storable};
use uuid::Uuid;

use crate::session::Session;

/// The cells of one row, by column name.
pub(crate) struct Cells<'r> {
    row: &'r PgRow,
    table: &'static str,
}

impl<'r> Cells<'r> {
    /// Reads `row`; errors name `table`.
    pub(crate) fn of(row: &'r PgRow, table: &'static str) -> Self {
        Self { row, table }
    }

    /// An error that names this row's table.
    pub(crate) fn corrupt(&self, column: &str, detail: impl Display) -> StoreError {
        StoreError::CorruptRow { table: self.table, detail: format!("{column}: {detail}") }
    }

    fn get<T: Decode<'r, Postgres> + Type<Postgres>>(&self, column: &str) -> Result<T, StoreError> {
        self.row.try_get(column).map_err(|error| self.corrupt(column, error))
    }

    /// A number of a narrow or a wide column.
    fn integer(&self, column: &str) -> Result<Option<i64>, StoreError> {
        let is_narrow = self.row.try_column(column).is_ok_and(|column| column.type_info().name() == "INT4");
        if is_narrow { Ok(self.get::<Option<i32>>(column)?.map(i64::from)) } else { self.get(column) }
    }

    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError> {
        self.number_opt(column)?.ok_or_else(|| self.corrupt(column, "it is missing"))
    }

    pub(crate) fn number_opt<T: TryFrom<i64>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let number = self.integer(column)?;
        number
            .map(|number| {
                T::try_from(number).map_err(|_| self.corrupt(column, format_args!("{number} is out of range")))
            })
            .transpose()
    }

    pub(crate) fn flag(&self, column: &str) -> Result<bool, StoreError> {
        self.get(column)
    }

    pub(crate) fn flag_opt(&self, column: &str) -> Result<Option<bool>, StoreError> {
        self.get(column)
    }

    /// An array of narrow numbers.
    pub(crate) fn numbers(&self, column: &str) -> Result<Vec<i32>, StoreError> {
        self.get(column)
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
        self.get(column)
    }

    pub(crate) fn uuid_opt(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        self.get(column)
    }

    pub(crate) fn uuids(&self, column: &str) -> Result<Vec<Uuid>, StoreError> {
        self.get(column)
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
        let micros = self.integer(column)?;
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
        let number: Option<i32> = self.get("map_index")?;
        number.map(|_| self.map_index()).transpose()
    }
}

/// The tenant as it is bound.
pub(crate) fn tenant(scope: TenantScope) -> i64 {
    scope.tenant().number()
}

/// Bytes as they stand in a text that is to become some.
pub(crate) fn bytea(digest: Digest) -> String {
    format!("\\x{}", digest.to_hex())
}

/// A number as a narrow column takes it; no limit of the model comes near the end of it.
pub(crate) fn narrow(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A count as it is bound.
pub(crate) fn count(count: u64) -> i64 {
    store::storable_count(count)
}

/// A text that may be missing, as it is bound.
pub(crate) fn text_opt(text: Option<&str>) -> Option<String> {
    text.map(|text| storable(text).into_owned())
}

/// A time that may be missing, as it is bound.
pub(crate) fn micros_opt(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_microsecond)
}

/// Reads a page of a list and its total, which is counted only where the page does not tell it.
pub(crate) async fn paged<T>(
    session: &mut Session,
    page: PageRequest,
    mut list: QueryBuilder<Postgres>,
    mut count: QueryBuilder<Postgres>,
    row: impl Fn(&PgRow) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let found = session.all(list.build()).await?;
    let total = match total_if_last(page, found.len()) {
        Some(total) => total,
        None => session.count(count.build()).await?,
    };
    Ok(Page { rows: found.iter().map(row).collect::<Result<_, StoreError>>()?, total })
}

/// The longest total of a list, as it is bound.
pub(crate) const TOTAL_MAX: i64 = TOTAL_ENTRIES_MAX as i64;

/// The length of a list whose last page has been read; `None` when it must be counted.
pub(crate) fn total_if_last(page: PageRequest, found: usize) -> Option<u64> {
    let is_last = found < page.limit as usize && (found > 0 || page.offset == 0);
    is_last.then_some((u64::from(page.offset) + found as u64).min(TOTAL_ENTRIES_MAX))
}

/// Counts rows up to the longest total, which bounds the walk: `push` adds what follows `SELECT 1`.
pub(crate) fn count_query(push: impl FnOnce(&mut QueryBuilder<Postgres>)) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("SELECT count(*) FROM (SELECT 1");
    push(&mut query);
    query.push(" LIMIT ").push_bind(TOTAL_MAX).push(") AS counted");
    query
}

/// Adds a condition that `column` matches a pattern as people write it: ASCII letters match in either case.
pub(crate) fn push_pattern(query: &mut QueryBuilder<Postgres>, column: &str, pattern: &str) {
    query.push(" AND ");
    match store::name_pattern(pattern) {
        Some(pattern) => {
            query.push(column).push(" ILIKE ").push_bind(pattern.to_owned()).push(r" ESCAPE '\'");
        }
        None => drop(query.push("false")),
    }
}

/// Adds a list of values, of which there is at least one, after `begin`, which opens the bracket.
pub(crate) fn push_list<T>(query: &mut QueryBuilder<Postgres>, begin: &str, values: impl Iterator<Item = T>)
where
    T: for<'q> sqlx::Encode<'q, Postgres> + Type<Postgres>,
{
    query.push(begin);
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    query.push(")");
}
