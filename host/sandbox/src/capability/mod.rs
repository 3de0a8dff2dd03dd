//! What guests may import: one module for each interface of the contract, each bounded before anything leaves the process.

mod assets;
pub(crate) mod blobs;
mod connections;
mod dags;
mod deferral;
mod log;
mod progress;
mod task_state;
pub(crate) mod values;
mod variables;
mod xcom;

pub(crate) use assets::{AssetEvents, check_event};
pub(crate) use xcom::{RESULT_KEY, Xcoms};

use model::{Key, json};

use crate::HostError;
use crate::bindings::waft::task::types::{self, Error};
use crate::child::Guest;
use crate::host::HostValue;

/// Only types.
impl types::Host for Guest {}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Invalid(text) => Self::Invalid(text),
            HostError::QuotaExceeded(text) => Self::QuotaExceeded(text),
            HostError::Denied(text) => Self::Denied(text),
            HostError::Fenced => Self::Fenced,
            HostError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}

fn key(text: &str) -> Result<Key, Error> {
    Key::new(text).map_err(|error| Error::Invalid(error.to_string()))
}

fn checked_json(text: &str) -> Result<(), Error> {
    json::check(text).map(drop).map_err(|error| Error::Invalid(error.to_string()))
}

/// The host answered with a value that does not belong to the request.
fn unexpected(value: &HostValue) -> Error {
    tracing::error!(?value, "the host answered with a value of another request");
    Error::Unavailable("the host gave no usable answer".into())
}
