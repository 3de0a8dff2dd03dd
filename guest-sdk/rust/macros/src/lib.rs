//! The attributes of the crate `waft`. Use them through it; their documentation has examples that run there.

mod attributes;
mod dag;
mod task;
mod ty;
mod units;

use proc_macro::TokenStream;

/// Makes a function a task.
///
/// `fn f(a: A, b: B) -> R` becomes three things under its name: `f(a, b)` adds the task to the DAG that is being built and
/// gives its [`Output`](../waft/struct.Output.html), `f.expand(…)` and `f.partial(…)` map it, and `f::body(a, b)` is the
/// function itself, for unit tests. Arguments are owned types; the result is a value, nothing, or a `Result` of these.
///
/// | option | what it says | default |
/// | --- | --- | --- |
/// | `retries = 3` | attempts after the first, at most 100 | 0 |
/// | `retry_delay = "10s"` | time before the second attempt (`ms`, `s`, `m`, `h`, `d`) | 1s |
/// | `retry_multiplier = 2.0` | what the delay is multiplied with from attempt to attempt, 1 to 10 | 1 |
/// | `retry_delay_max = "5m"` | longest delay | |
/// | `timeout = "5m"` | longest attempt | 1h |
/// | `max_active_per_run = 8` | instances that may run at a time in one run | |
/// | `max_map_length = 500` | most instances that the task may expand to | 10,000 |
/// | `memory = "64MiB"` | memory of an instance (`B`, `KiB`, `MiB`, `GiB`) | 256MiB, which is the most |
/// | `trigger_rule = "all_success"` | when it runs, given how its upstream tasks ended | `all_success` |
/// | `task_id = "load-all"` | id of the task unless it is called more than once | the function's name |
/// | `entrypoint = "load"` | name of the body, unique in the bundle | the function's name |
///
/// Documentation comments become the task's documentation.
#[proc_macro_attribute]
pub fn task(options: TokenStream, function: TokenStream) -> TokenStream {
    task::expand(options.into(), function.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a function a DAG: `fn f` becomes `f::DAG`.
///
/// The function runs while the bundle is parsed and before each attempt, always with the same effect: it must not depend on
/// time or chance. Its arguments are the parameters of the DAG's runs, as `Param<T>`, with
/// `#[param(default = 3, description = "…")]` before them where wanted; one without default must be given with each run. It
/// returns the tasks whose values are the run's result, or nothing.
///
/// | option | what it says | default |
/// | --- | --- | --- |
/// | `dag_id = "daily-sales"` | name of the DAG | the function's name |
/// | `display_name = "…"`, `description = "…"` | for people | |
/// | `tags = ["sales", "daily"]`, `owners = ["ann"]` | to find it | |
/// | `label = "1.4"` | the author's own version; another label is another version | |
/// | `run_timeout = "2h"` | ends a run as failed after this time | |
/// | `max_active_tasks = 16` | instances of one run that may run at a time | |
///
/// Documentation comments become the DAG's documentation.
#[proc_macro_attribute]
pub fn dag(options: TokenStream, function: TokenStream) -> TokenStream {
    dag::expand(options.into(), function.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Lets values of a type travel between tasks: implements `waft::Type` for a struct with named fields, a struct around one
/// value, or an enum of unit variants. It follows serde's `rename`, `rename_all`, `default`, `skip` and `transparent`; a type
/// that uses other attributes of serde implements `waft::Type` by hand. A type that holds itself writes `serde_json::Value` there.
#[proc_macro_derive(Type, attributes(serde))]
pub fn derive_type(input: TokenStream) -> TokenStream {
    ty::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
