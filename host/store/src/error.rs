//! Why a store could not do it, by what a caller can do about it.

/// An error of the database.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Something with this name exists already, or belongs to something else.
    #[error("{what} {name:?} {why}")]
    Conflict { what: &'static str, name: String, why: &'static str },
    /// The write carried a fence that another claim has overtaken.
    #[error("this attempt has lost its lease; another one may be running")]
    StaleFence,
    /// A limit is reached.
    #[error("{limit} is reached: {used} of {max}")]
    LimitReached { limit: &'static str, used: u64, max: u64 },
    /// A row fits none of our types: written by something else, or damaged.
    #[error("corrupt row in {table}: {detail}")]
    CorruptRow { table: &'static str, detail: String },
    /// The database cannot be written now; nothing was done.
    #[error("the database is not writable: {detail}")]
    NotWritable { detail: String },
    /// The database does not take what it was given: too large, or out of range. Nothing was done, and the same again is refused again.
    #[error("the database refuses what it was given: {detail}")]
    Refused { detail: String },
    /// The database did not answer, or answered with an error. Nothing was done; when the connection was lost while a write was
    /// under way, nobody knows, and what was written must be read again.
    #[error("the database failed: {detail}")]
    Unavailable { detail: String },
    /// The database cannot be used as it is; the detail says who has to change what.
    #[error("the database cannot be used: {detail}")]
    Unusable { detail: String },
    /// The database is of a newer version than this program.
    #[error("the database has schema {found}, this program knows schemas up to {known}; start a newer program")]
    NewerSchema { found: i64, known: i64 },
    /// The database lacks migrations that this program needs, and whoever opened it did not ask for them.
    #[error("the database has schema {found}, this program needs schema {known}; run \"waft db migrate\"")]
    OlderSchema { found: i64, known: i64 },
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::NotWritable { .. } | Self::Unusable { .. } => true,
            Self::Conflict { .. }
            | Self::StaleFence
            | Self::LimitReached { .. }
            | Self::CorruptRow { .. }
            | Self::Refused { .. }
            | Self::NewerSchema { .. }
            | Self::OlderSchema { .. } => false,
        }
    }
}
