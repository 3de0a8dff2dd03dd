//! What PostgreSQL's errors mean to a caller.

use sqlx::postgres::{PgDatabaseError, PgSeverity};
use store::StoreError;

const INVALID_AUTHORIZATION: &str = "28000";
const INVALID_PASSWORD: &str = "28P01";
const NO_SUCH_DATABASE: &str = "3D000";
const READ_ONLY_TRANSACTION: &str = "25006";
const SERIALIZATION_FAILURE: &str = "40001";
const DEADLOCK: &str = "40P01";
const NO_PRIVILEGE: &str = "42501";
const DISK_FULL: &str = "53100";
const TOO_MANY_CONNECTIONS: &str = "53300";
const CANCELLED: &str = "57014";
/// Classes of codes: a value that does not fit, a constraint, more than the server can take.
const REFUSALS: [&str; 3] = ["22", "23", "54"];

/// A statement's error, with PostgreSQL's five characters for it when the server told it.
#[derive(Debug)]
pub(crate) struct Failure {
    state: Option<String>,
    error: StoreError,
}

impl Failure {
    /// The server's code for it.
    pub(crate) fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The server undid the statement because of another one that ran at the same time; again it may succeed.
    pub(crate) fn is_worth_repeating(&self) -> bool {
        matches!(self.state(), Some(DEADLOCK | SERIALIZATION_FAILURE))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let state = of_server(&error).map(|error| error.code().to_owned());
        Self { error: meaning(state.as_deref(), &error), state }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { state: None, error }
    }
}

fn meaning(state: Option<&str>, error: &sqlx::Error) -> StoreError {
    let detail = error.to_string();
    match state {
        Some(READ_ONLY_TRANSACTION) => StoreError::NotWritable {
            detail: format!("{detail}; it is a standby or set to read-only: connect to the primary"),
        },
        Some(DISK_FULL) => StoreError::NotWritable { detail },
        Some(CANCELLED) => StoreError::Unavailable { detail: format!("{detail}; the server is busy or locked") },
        Some(NO_PRIVILEGE) => {
            StoreError::Unusable { detail: format!("{detail}; the user must own the database, or be granted it") }
        }
        Some(state) if REFUSALS.iter().any(|class| state.starts_with(class)) => StoreError::Refused { detail },
        None if matches!(error, sqlx::Error::Encode(_)) => StoreError::Refused { detail },
        _ => StoreError::Unavailable { detail },
    }
}

/// The error of a try to connect to `address` as `user`.
pub(crate) fn not_connected(error: &sqlx::Error, address: &str, user: &str, database: &str) -> StoreError {
    match of_server(error).map(PgDatabaseError::code) {
        Some(INVALID_PASSWORD | INVALID_AUTHORIZATION) => StoreError::Unusable {
            detail: format!("{address} refuses the user {user:?} ({error}); check name and password in its URL"),
        },
        Some(NO_SUCH_DATABASE) => StoreError::Unusable {
            detail: format!("{address} has no database {database:?}; make it with `createdb {database}`"),
        },
        Some(TOO_MANY_CONNECTIONS) => StoreError::Unavailable {
            detail: format!("{address} has no free connection ({error}); raise its max_connections"),
        },
        Some(_) => StoreError::Unavailable { detail: format!("{address}: {error}") },
        None => match error {
            sqlx::Error::Io(error) => {
                StoreError::Unavailable { detail: format!("nothing answers at {address} ({error}); is it running?") }
            }
            sqlx::Error::Configuration(_) | sqlx::Error::Tls(_) => {
                StoreError::Unusable { detail: format!("no connection to {address} can be made: {error}") }
            }
            error => StoreError::Unavailable { detail: format!("{address}: {error}") },
        },
    }
}

/// After such an error the connection is of no more use.
pub(crate) fn is_fatal(error: &sqlx::Error) -> bool {
    of_server(error).is_none_or(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}

fn of_server(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}
