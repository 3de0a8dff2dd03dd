//! Branches: a body that chooses which of the tasks downstream run.
//!
//! A body knows no ids of tasks. It answers with an arm, a variant of an enum; the DAG says with [`Output::when`] what stands
//! behind each arm; and when the body has answered, the arms are looked up in the DAG and become the ids of the document.

use crate::error::TaskError;
use crate::graph;
use crate::json_type::{JsonType, Type};
use crate::kind;
use crate::settings::TaskOptions;
use crate::source::{Mapped, Output};
use crate::task::TaskReturn;
use crate::tasks::{self, Tasks};

/// The ways that a branch can go: an enum of unit variants with `#[derive(waft::Arms)]`.
///
/// ```
/// use waft::prelude::*;
///
/// #[derive(Clone, Copy, Debug, PartialEq, Arms)]
/// enum Size { Small, Large }
///
/// #[task] fn count() -> u64 { 7 }
/// #[task(kind = "branch")] fn by_size(rows: u64) -> Size { if rows < 1_000 { Size::Small } else { Size::Large } }
/// #[task] fn in_memory() {}
/// #[task] fn on_disk() {}
/// #[task] fn warn() {}
///
/// #[dag] fn sorting() {
///     by_size(count()).when(Size::Small, in_memory()).when(Size::Large, (on_disk(), warn()));
/// }
///
/// assert_eq!(by_size::body(7), Size::Small);
/// # assert!(sorting::DAG.document().unwrap().contains(r#"{"from":"by_size","to":"on_disk","label":"Large"}"#));
/// # let outcome = waft::testing::run(sorting::DAG, "by_size", r#"{"rows":5000}"#);
/// # assert_eq!(outcome, waft::testing::Outcome::Success(Some(r#"["on_disk","warn"]"#.into())));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say between what a branch chooses",
    label = "not an enum with `#[derive(waft::Arms)]`"
)]
pub trait Arms {
    /// The names of all arms, in order.
    const NAMES: &'static [&'static str];

    /// The position of this one.
    fn position(&self) -> usize;
}

/// What the body of a branch may return: one arm, `Option` for one or none, `Vec` for any number, or a `Result` of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what a branch returns",
    label = "not an arm, an `Option` or `Vec` of arms, or a `Result` of these",
    note = "give an enum of unit variants `#[derive(waft::Arms)]`"
)]
pub trait BranchReturn {
    /// Between what it chooses.
    type Arms: Arms;

    #[doc(hidden)]
    fn into_positions(self) -> Result<Vec<usize>, TaskError>;
}

impl<A: Arms> BranchReturn for A {
    type Arms = A;

    fn into_positions(self) -> Result<Vec<usize>, TaskError> {
        Ok(vec![self.position()])
    }
}

impl<A: Arms> BranchReturn for Option<A> {
    type Arms = A;

    fn into_positions(self) -> Result<Vec<usize>, TaskError> {
        Ok(self.iter().map(Arms::position).collect())
    }
}

impl<A: Arms> BranchReturn for Vec<A> {
    type Arms = A;

    fn into_positions(self) -> Result<Vec<usize>, TaskError> {
        Ok(self.iter().map(Arms::position).collect())
    }
}

impl<R: BranchReturn, E: Into<TaskError>> BranchReturn for Result<R, E> {
    type Arms = R::Arms;

    fn into_positions(self) -> Result<Vec<usize>, TaskError> {
        self.map_err(Into::into)?.into_positions()
    }
}

/// What a branch leaves: the ids of the tasks and groups that it chose.
#[derive(Debug)]
pub enum Chosen {}

impl Type for Chosen {
    type Present = Self;

    fn json_type() -> JsonType {
        let ids = JsonType::List(Box::new(JsonType::String));
        JsonType::Union(vec![JsonType::Null, JsonType::String, ids])
    }
}

/// What the host finds as the answer: null, an id, or a list of ids.
pub(crate) fn answer(ids: &[String]) -> Result<String, serde_json::Error> {
    match ids {
        [] => Ok("null".to_owned()),
        [id] => serde_json::to_string(id),
        ids => serde_json::to_string(ids),
    }
}

/// The arms that a body chose.
#[doc(hidden)]
pub fn positions<R: BranchReturn>(body: impl FnOnce() -> Result<R, TaskError>) -> Result<Vec<usize>, TaskError> {
    body()?.into_positions()
}

macro_rules! branches {
    ($($handle:ident)*) => {$(
        impl<A: Arms> $handle<Chosen, kind::Branch<A>> {
            /// These tasks and groups run where the body answers `arm`, and are skipped where it does not, unless they are also
            /// behind another arm that it chose. Each arm is named once or more; `()` stands for nothing.
            pub fn when(self, arm: A, tasks: impl Tasks) -> Self {
                let position = arm.position();
                tasks::connect(&self, &tasks, Some(A::NAMES[position]));
                graph::arm(self.node(), position, tasks.members());
                self
            }
        }
    )*};
}

branches! { Output Mapped }

/// What the body of a short circuit may return.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what a short circuit returns",
    label = "not a `bool`, or a `Result` of one"
)]
pub trait ShortCircuitReturn: TaskReturn<Value = bool> {}
impl<R: TaskReturn<Value = bool>> ShortCircuitReturn for R {}

macro_rules! short_circuits {
    ($($handle:ident)*) => {$(
        impl<T> $handle<T, kind::ShortCircuit> {
            /// `false` skips only what stands directly downstream; what comes after that follows its trigger rules. Without
            /// this everything downstream but teardowns is skipped.
            pub fn only_directly(self) -> Self {
                graph::settings(self.node(), |settings| settings.ignore_downstream_trigger_rules = Some(false));
                self
            }
        }
    )*};
}

short_circuits! { Output Mapped }
