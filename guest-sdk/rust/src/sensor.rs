//! Sensors: tasks that wait for something outside by asking again and again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::graph;
use crate::json_type::{JsonType, Type};
use crate::kind;
use crate::settings::{TaskOptions, milliseconds};
use crate::source::{Mapped, Output};
use crate::task::TaskReturn;

/// What the body of a sensor answers.
///
/// ```
/// use std::time::Duration;
/// use waft::prelude::*;
///
/// #[task(kind = "sensor", poke_interval = "30s", timeout = "2h")]
/// fn is_there(file: String) -> Result<Poke, TaskError> {
///     Ok(Poke::done_if(std::fs::exists(file)?))
/// }
/// #[task] fn load() {}
///
/// #[dag] fn nightly() {
///     is_there("/done").then(load());
///     is_there("/extra").poke_interval(Duration::from_secs(5)).soft_fail();
/// }
///
/// assert_eq!(is_there::body("/no such file".into()).unwrap(), Poke::NotYet);
/// # assert!(nightly::DAG.document().unwrap().contains(r#""poke_interval_ms":5000,"soft_fail":true"#));
/// # let outcome = waft::testing::run(nightly::DAG, "is_there", r#"{"file":"/"}"#);
/// # assert_eq!(outcome, waft::testing::Outcome::Success(Some("true".into())));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum Poke {
    /// What was waited for is there.
    Done,
    /// Ask again after the poke interval.
    NotYet,
}

impl Poke {
    /// `Done` where `is_done` is true.
    pub fn done_if(is_done: bool) -> Self {
        if is_done { Self::Done } else { Self::NotYet }
    }
}

impl From<bool> for Poke {
    fn from(is_done: bool) -> Self {
        Self::done_if(is_done)
    }
}

impl From<Poke> for bool {
    fn from(poke: Poke) -> Self {
        poke == Poke::Done
    }
}

impl Type for Poke {
    type Present = Self;

    fn json_type() -> JsonType {
        JsonType::Boolean
    }
}

/// What the body of a sensor may return.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what a sensor returns",
    label = "not a `Poke`, or a `Result` of one"
)]
pub trait SensorReturn: TaskReturn<Value = Poke> {}
impl<R: TaskReturn<Value = Poke>> SensorReturn for R {}

macro_rules! sensors {
    ($($handle:ident)*) => {$(
        impl<T> $handle<T, kind::Sensor> {
            /// Time until a sensor that answered [`Poke::NotYet`] is asked again.
            pub fn poke_interval(self, interval: Duration) -> Self {
                graph::settings(self.node(), |settings| settings.poke_interval_ms = Some(milliseconds(interval)));
                self
            }

            /// A sensor that is over its timeout is skipped, not failed.
            pub fn soft_fail(self) -> Self {
                graph::settings(self.node(), |settings| settings.soft_fail = true);
                self
            }
        }
    )*};
}

sensors! { Output Mapped }
