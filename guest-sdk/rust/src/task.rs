//! A task as `#[task]` declares it, and the way of one attempt through its body.
//!
//! The macro makes one [`TaskDecl`] per function; [`crate::graph`] copies it into documents, [`crate::bundle`] runs it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::document::{ArgType, Entries, SignatureDocument};
use crate::error::{TaskError, Then};
use crate::json_type::{JsonType, Type};
use crate::sequence::{self, Sequence};

/// Runs a body with its arguments.
pub(crate) type RunFn = fn(&Arguments<'_>) -> Outcome;

/// What `#[task]` says about a function.
#[derive(Debug, Clone, Copy)]
pub struct TaskDecl {
    /// The function.
    pub name: &'static str,
    /// Name of the body.
    pub entrypoint: &'static str,
    /// Id of the task unless it is called more than once.
    pub task_id: &'static str,
    /// Markdown.
    pub doc_md: &'static str,
    /// Attempts after the first.
    pub retries: u32,
    /// Milliseconds before the second attempt.
    pub retry_delay_ms: Option<u64>,
    /// Thousandths that the delay is multiplied with from attempt to attempt.
    pub retry_multiplier_milli: Option<u32>,
    /// Longest delay.
    pub retry_delay_max_ms: Option<u64>,
    /// Longest attempt.
    pub timeout_ms: Option<u64>,
    /// Instances that may run at a time in one run.
    pub max_active_per_run: Option<u32>,
    /// Most instances.
    pub max_map_length: Option<u32>,
    /// Memory of an instance.
    pub memory_bytes: Option<u64>,
    /// Types of arguments and result.
    pub signature: fn() -> Signature,
    /// The body.
    pub run: RunFn,
}

impl TaskDecl {
    /// A task with nothing set.
    pub const fn new(name: &'static str, signature: fn() -> Signature, run: RunFn) -> Self {
        Self {
            name,
            entrypoint: name,
            task_id: name,
            doc_md: "",
            retries: 0,
            retry_delay_ms: None,
            retry_multiplier_milli: None,
            retry_delay_max_ms: None,
            timeout_ms: None,
            max_active_per_run: None,
            max_map_length: None,
            memory_bytes: None,
            signature,
            run,
        }
    }
}

/// Types of a body's arguments and result.
#[derive(Debug)]
pub struct Signature {
    args: Entries<(JsonType, bool)>,
    result: JsonType,
}

impl Signature {
    /// A body without arguments.
    pub fn returning<R: TaskReturn>() -> Self {
        Self { args: Vec::new(), result: <R::Value as Type>::Present::json_type() }
    }

    /// One more argument.
    #[must_use]
    pub fn arg<T: Argument>(mut self, name: &'static str) -> Self {
        self.args.push((name, (T::json_type(), T::may_be_left_out())));
        self
    }

    pub(crate) fn into_document(self) -> SignatureDocument {
        SignatureDocument {
            args: self.args.into_iter().map(|(name, (ty, optional))| (name, ArgType { ty, optional })).collect(),
            result: self.result,
        }
    }
}

/// The arguments of one attempt, each still as the text it came in.
#[derive(Debug)]
pub struct Arguments<'a>(BTreeMap<&'a str, &'a RawValue>);

impl<'a> Arguments<'a> {
    pub(crate) fn parse(json: &'a str) -> Result<Self, TaskError> {
        serde_json::from_str(json)
            .map(Self)
            .map_err(|error| TaskError::fatal(format!("the arguments are no JSON object: {error}")))
    }

    /// Reads one argument; one that is left out reads as null.
    pub fn get<T: Argument>(&self, name: &str) -> Result<T, TaskError> {
        let raw = self.0.get(name).copied().unwrap_or(RawValue::NULL);
        T::from_argument(raw).map_err(|error| TaskError::fatal(format!("argument `{name}`: {error}")))
    }
}

/// What a task body may take: every [`Type`] that serde reads, and [`Sequence`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a task",
    label = "not read from JSON",
    note = "take an owned type; give your own `#[derive(serde::Serialize, serde::Deserialize, waft::Type)]`"
)]
pub trait Argument: Type + Sized {
    #[doc(hidden)]
    fn from_argument(raw: &RawValue) -> Result<Self, ArgumentError>;
}

/// Why a value is no argument of a type.
pub(crate) type ArgumentError = Box<dyn std::error::Error>;

impl<T: Type + DeserializeOwned> Argument for T {
    fn from_argument(raw: &RawValue) -> Result<Self, ArgumentError> {
        match sequence::Marker::find(raw) {
            Some(marker) => Ok(serde_json::from_str(&marker.read_all()?)?),
            None => Ok(serde_json::from_str(raw.get())?),
        }
    }
}

impl<T: Type + DeserializeOwned> Argument for Sequence<T> {
    fn from_argument(raw: &RawValue) -> Result<Self, ArgumentError> {
        match sequence::Marker::find(raw) {
            Some(marker) => Ok(Sequence::open(marker)?),
            None => Ok(Sequence::of_list(raw)?),
        }
    }
}

/// What a task body may return: a value, nothing, or a `Result` of these. `None` and `()` leave no value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what a task returns",
    label = "not a value, nothing, or a `Result` of these",
    note = "give your own type `#[derive(serde::Serialize, serde::Deserialize, waft::Type)]`"
)]
pub trait TaskReturn {
    /// The value.
    type Value: Type + Serialize;

    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Value, TaskError>;
}

impl<T: Type + Serialize> TaskReturn for T {
    type Value = T;

    fn into_result(self) -> Result<T, TaskError> {
        Ok(self)
    }
}

impl<T: Type + Serialize, E: Into<TaskError>> TaskReturn for Result<T, E> {
    type Value = T;

    fn into_result(self) -> Result<T, TaskError> {
        self.map_err(Into::into)
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With this JSON, or no value.
    Success(Option<String>),
    /// With this reason.
    Skipped(String),
    /// With this failure.
    Failed {
        /// What went wrong.
        message: String,
        /// False spends all remaining retries.
        retry: bool,
        /// Until the next attempt, instead of the delay that the DAG says.
        delay: Option<Duration>,
    },
}

impl From<TaskError> for Outcome {
    fn from(error: TaskError) -> Self {
        match error.then() {
            Then::Skip => Self::Skipped(error.into_message()),
            Then::Fail => Self::Failed { message: error.into_message(), retry: false, delay: None },
            Then::Retry { after } => Self::Failed { message: error.into_message(), retry: true, delay: after },
        }
    }
}

/// Turns what a body returned into the end of the attempt.
pub fn outcome<R: TaskReturn>(body: impl FnOnce() -> Result<R, TaskError>) -> Outcome {
    let value = match body().and_then(R::into_result) {
        Ok(value) => value,
        Err(error) => return error.into(),
    };
    if value.is_absent() {
        return Outcome::Success(None);
    }
    match serde_json::to_string(&value) {
        Ok(json) => Outcome::Success(Some(json)),
        Err(error) => TaskError::fatal(format!("the result is no JSON: {error}")).into(),
    }
}
