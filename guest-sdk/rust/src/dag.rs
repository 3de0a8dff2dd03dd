//! A DAG as `#[dag]` declares it.

use serde_json::value::RawValue;

use crate::arg::IntoArg;
use crate::document::{DagDocument, ParamDocument};
use crate::graph::{self, Source};
use crate::json_text::ToJson;
use crate::json_type::Type;
use crate::schedule::Timing;
use crate::source::Param;
use crate::tasks::Tasks;

/// A DAG. `#[dag] fn f` makes one as `f::DAG`, and [`bundle!`](crate::bundle!) lists them.
#[derive(Debug, Clone, Copy)]
pub struct Dag {
    #[doc(hidden)]
    pub dag_id: &'static str,
    #[doc(hidden)]
    pub display_name: &'static str,
    #[doc(hidden)]
    pub description: &'static str,
    #[doc(hidden)]
    pub doc_md: &'static str,
    #[doc(hidden)]
    pub tags: &'static [&'static str],
    #[doc(hidden)]
    pub owners: &'static [&'static str],
    #[doc(hidden)]
    pub label: &'static str,
    #[doc(hidden)]
    pub run_timeout_ms: Option<u64>,
    #[doc(hidden)]
    pub max_active_tasks: Option<u32>,
    #[doc(hidden)]
    pub fail_fast: bool,
    #[doc(hidden)]
    pub timing: Timing,
    #[doc(hidden)]
    pub on_success: &'static [&'static str],
    #[doc(hidden)]
    pub on_failure: &'static [&'static str],
    #[doc(hidden)]
    pub on_deadline_missed: &'static [&'static str],
    #[doc(hidden)]
    pub build: fn(),
}

impl Dag {
    #[doc(hidden)]
    pub const fn new(dag_id: &'static str, build: fn()) -> Self {
        Self {
            dag_id,
            display_name: "",
            description: "",
            doc_md: "",
            tags: &[],
            owners: &[],
            label: "",
            run_timeout_ms: None,
            max_active_tasks: None,
            fail_fast: false,
            timing: Timing::NONE,
            on_success: &[],
            on_failure: &[],
            on_deadline_missed: &[],
            build,
        }
    }

    /// The DAG document as JSON, for a test that looks at the graph; the bundle's exports give the same text.
    ///
    /// # Errors
    /// All problems that no type caught, a line each: two tasks with one name, a literal that is no JSON.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task] fn hello() -> String { "Hello".into() }
    /// #[dag] fn greeting() -> Output<String> { hello() }
    ///
    /// assert!(greeting::DAG.document().unwrap().contains(r#""dag_id":"greeting""#));
    /// ```
    pub fn document(&self) -> Result<String, String> {
        let parts = graph::building(self.build).into_parts().map_err(|problems| {
            let lines: Vec<_> = problems.iter().map(|problem| format!("DAG {:?}: {problem}", self.dag_id)).collect();
            lines.join("\n")
        })?;
        let document = DagDocument {
            dag_id: self.dag_id,
            display_name: self.display_name,
            description: self.description,
            doc_md: self.doc_md,
            tags: self.tags,
            owners: self.owners,
            label: self.label,
            params: parts.params,
            run_timeout_ms: self.run_timeout_ms,
            max_active_tasks: self.max_active_tasks,
            fail_fast: self.fail_fast,
            timing: self.timing,
            callbacks: [
                ("on_success", self.on_success),
                ("on_failure", self.on_failure),
                ("on_deadline_missed", self.on_deadline_missed),
            ],
            result: parts.result,
            tasks: parts.tasks,
            groups: parts.groups,
            edges: parts.edges,
        };
        let mut json = String::new();
        document.write(&mut json);
        Ok(json)
    }
}

/// Declares the parameter that an argument of a function under `#[dag]` is.
pub fn param<P: DagParam>(
    name: &'static str,
    description: &'static str,
    default: Option<fn() -> ParamDefault<P::Value>>,
) -> P {
    graph::param(name, || ParamDocument {
        ty: P::Value::json_type(),
        default: match default {
            Some(default) => default().0,
            None => P::Value::may_be_left_out().then(|| RawValue::NULL.to_owned()),
        },
        description,
    });
    P::named(name)
}

/// What an argument of a function under `#[dag]` may be: only [`Param`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a DAG",
    label = "not a parameter",
    note = "the arguments of a function under #[dag] are the parameters of its runs: write `Param<{Self}>`"
)]
pub trait DagParam {
    /// Type of the parameter's values.
    type Value: Type;

    /// The handle.
    fn named(name: &'static str) -> Self;
}

impl<T: Type> DagParam for Param<T> {
    type Value = T;

    fn named(name: &'static str) -> Self {
        Param::new(name)
    }
}

/// A default of type `T`.
#[derive(Debug)]
pub struct ParamDefault<T>(Option<Box<RawValue>>, std::marker::PhantomData<fn() -> T>);

/// Takes a default, as an argument takes a literal.
pub fn param_default<T>(value: impl IntoArg<T>) -> ParamDefault<T> {
    let value = match value.into_arg().into_source() {
        Source::Literal(value) => Some(value),
        _ => {
            graph::problem("a default of a parameter is no literal".to_owned());
            None
        }
    };
    ParamDefault(value, std::marker::PhantomData)
}

/// Takes what a DAG returns.
pub fn result(tasks: impl Tasks) {
    graph::result(tasks.nodes());
}
