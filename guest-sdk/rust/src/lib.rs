//! Waft runs DAGs of tasks, each attempt in a sandbox of its own. With this crate a DAG and the bodies of its tasks are
//! functions, and a WebAssembly component is what they compile to.
//!
//! ```
//! use waft::prelude::*;
//!
//! /// The texts to look at.
//! #[task]
//! fn list_texts(topic: String) -> Vec<String> {
//!     vec![format!("{topic} is long"), format!("{topic} is much longer"), topic]
//! }
//!
//! /// Runs once for each text, each time in a fresh sandbox.
//! #[task(retries = 3, retry_delay = "10s")]
//! fn count_words(text: String) -> Result<u64, TaskError> {
//!     Ok(text.split_whitespace().count() as u64)
//! }
//!
//! /// Reads all counts, page by page.
//! #[task]
//! fn longest(counts: Sequence<u64>) -> Result<u64, TaskError> {
//!     let mut longest = 0;
//!     for count in &counts {
//!         longest = longest.max(count?);
//!     }
//!     Ok(longest)
//! }
//!
//! #[dag]
//! fn longest_text(#[param(default = "this")] topic: Param<String>) -> Output<u64> {
//!     let texts = list_texts(topic);            // Output<Vec<String>>
//!     let counts = count_words.expand(texts);   // Mapped<u64>: one instance for each text
//!     longest(counts)                           // the returned task is the run's result
//! }
//!
//! waft::bundle!(longest_text);
//!
//! assert_eq!(count_words::body("a b".into()).unwrap(), 2);   // a body is a plain function
//! ```
//!
//! - [`#[task]`](macro@task) makes a function a task: calling it adds the task to a DAG, and `name::body(…)` is the function
//!   itself, for unit tests.
//! - [`#[dag]`](macro@dag) makes a function a DAG. It runs while the bundle is parsed; values are not there yet, only
//!   [`Output`], [`Mapped`] and [`Param`]. An edge that carries the wrong type does not compile.
//! - [`bundle!`] lists the DAGs. Build with `cargo build --target wasm32-wasip2`.
//! - While it runs, a body has [`context`], [`state`], [`xcom`], [`log`], [`progress`], [`Blob`], [`Sequence`], [`variables`],
//!   [`connections`], [`assets`], [`dags`] and [`woken`]; in a unit test [`testing`] stands behind these.

#![deny(missing_docs)]

extern crate self as waft;

mod arg;
pub mod assets;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod bindings;
mod blob;
mod bodiless;
mod branch;
mod bundle;
mod callback;
pub mod connections;
mod context;
mod dag;
pub mod dags;
mod document;
mod error;
mod graph;
mod group;
mod host;
mod items;
mod json_schema;
mod json_text;
mod json_type;
pub mod kind;
pub mod log;
mod mapping;
pub mod prelude;
mod rules;
mod schedule;
mod sensor;
mod sequence;
mod settings;
mod source;
pub mod state;
mod task;
mod tasks;
mod teardown;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod variables;
mod wake;
pub mod xcom;

pub use arg::{Arg, Fixed, IntoArg, IntoEach, fixed};
pub use blob::{Blob, BlobReader, BlobWriter};
pub use bodiless::{approval, empty, latest_only};
pub use branch::{Arms, BranchReturn, Chosen};
pub use callback::{CallbackEvent, Happened};
pub use context::{TaskContext, context};
pub use dag::{Dag, DagParam};
pub use error::{HostError, TaskError};
pub use group::{Group, GroupArg, Leaves, group};
pub use items::{Each, Fill, Handle, Items, Longest, Shortest, Transform, Zip, each, zip, zip_longest};
pub use json_type::{JsonType, Member, Members, Type};
pub use log::progress;
pub use mapping::{ArgTypes, Called, Expand, IntoEachOf, Partial};
pub use rules::{FailureKind, TriggerRule, WeightRule};
pub use sensor::Poke;
pub use sequence::{Sequence, SequenceIter};
pub use settings::TaskOptions;
pub use source::{Conf, Item, MapItem, Mapped, Output, Param, Variable, conf, map_index, map_key, map_value, variable};
pub use task::{Argument, TaskReturn};
pub use tasks::Tasks;
pub use teardown::Setups;
pub use waft_macros::{Arms, Type, dag, group, task};
pub use wake::{Wake, WakeEvent, Woken, woken};

/// What the macros write into an author's crate.
#[doc(hidden)]
pub mod __private {
    pub use crate::branch::{ShortCircuitReturn, positions};
    pub use crate::bundle::ignored;
    pub use crate::dag::{ParamDefault, param, param_default, result};
    pub use crate::graph::{Call, call};
    pub use crate::group::{GroupDecl, group_of};
    pub use crate::kind::Kind;
    pub use crate::schedule::{AssetExpression, Deadline, Schedule, TimeSchedule, Timing};
    pub use crate::sensor::SensorReturn;
    pub use crate::settings::Settings;
    pub use crate::task::{Arguments, Body, Outcome, Signature, TaskDecl, outcome};

    use crate::graph::Node;
    use crate::source::Output;

    /// The handle of a task that was just added.
    pub fn output<T, K>(node: Node) -> Output<T, K> {
        Output::new(node)
    }
}
