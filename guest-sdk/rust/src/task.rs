//! A task as `#[task]` declares it, and the way of one attempt through its body.
//!
//! The macro makes one [`TaskDecl`] per function; [`crate::graph`] copies it into documents, [`crate::bundle`] runs it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::branch::Chosen;
use crate::document::{ArgType, Entries, SignatureDocument};
use crate::error::{TaskError, Then};
use crate::json_type::{JsonType, Type};
use crate::kind::Kind;
use crate::sequence::{self, Sequence};
use crate::settings::Settings;
use crate::wake::Wake;

/// Runs the body of a task with its arguments.
#[derive(Debug, Clone, Copy)]
pub enum Body {
    /// Ends the attempt.
    Task(fn(&Arguments<'_>) -> Outcome),
    /// Chooses among arms.
    Branch {
        /// Gives the positions of the chosen ones.
        choose: fn(&Arguments<'_>) -> Result<Vec<usize>, TaskError>,
        /// Names of all.
        arms: &'static [&'static str],
    },
}

impl Body {
    /// Tells two bodies apart.
    pub(crate) fn address(self) -> usize {
        match self {
            Self::Task(run) => run as usize,
            Self::Branch { choose, .. } => choose as usize,
        }
    }
}

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
    /// What it is.
    pub kind: Kind,
    /// What is said about it unless the call says otherwise.
    pub settings: Settings,
    /// Types of arguments and result.
    pub signature: fn() -> Signature,
    /// The body.
    pub body: Body,
}

impl TaskDecl {
    /// A task with nothing set.
    pub const fn new(name: &'static str, signature: fn() -> Signature, body: Body) -> Self {
        Self {
            name,
            entrypoint: name,
            task_id: name,
            doc_md: "",
            kind: Kind::Task,
            settings: Settings::NONE,
            signature,
            body,
        }
    }
}

/// Types of a body's arguments and result.
#[derive(Debug)]
pub struct Signature {
    pub(crate) args: Entries<(JsonType, bool)>,
    result: JsonType,
}

impl Signature {
    /// A body without arguments.
    pub fn returning<R: TaskReturn>() -> Self {
        Self { args: Vec::new(), result: <R::Value as Type>::Present::json_type() }
    }

    /// A branch without arguments.
    pub fn choosing() -> Self {
        Self { args: Vec::new(), result: Chosen::json_type() }
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

    /// Reads the argument of a body that has only one, and so can be what items pass through.
    pub fn only<T: Argument>(&self, name: &str) -> Result<T, TaskError> {
        let is_item = self.0.len() == 1 && !self.0.contains_key(name) && self.0.contains_key(TRANSFORMED);
        self.get(if is_item { TRANSFORMED } else { name })
    }

    /// Reads one argument; one that is left out reads as null.
    pub fn get<T: Argument>(&self, name: &str) -> Result<T, TaskError> {
        let raw = self.0.get(name).copied().unwrap_or(RawValue::NULL);
        T::from_argument(raw).map_err(|error| TaskError::fatal(format!("argument `{name}`: {error}")))
    }
}

/// What a [`map`](crate::Transform::map) or [`filter`](crate::Transform::filter) calls the argument of a body, whatever its name.
const TRANSFORMED: &str = "item";

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
    /// Not yet: it goes on when it is woken.
    Deferred(Wake),
}

impl From<TaskError> for Outcome {
    fn from(error: TaskError) -> Self {
        let (message, then) = error.into_parts();
        match then {
            Then::Skip => Self::Skipped(message),
            Then::Defer(wake) => Self::Deferred(wake),
            Then::Fail => Self::Failed { message, retry: false, delay: None },
            Then::Retry { after } => Self::Failed { message, retry: true, delay: after },
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
