//! The attributes of the crate `waft`. Use them through it; their documentation has examples that run there.

mod arms;
mod attributes;
mod dag;
mod group;
mod options;
mod schedule;
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
/// | `kind = "branch"` | what it is, see below | `task` |
/// | `trigger_rule = "one_success"` | when it runs, given how its upstream tasks ended (`TriggerRule`) | `all_success` |
/// | `retries = 3` | attempts after the first, at most 100 | 0 |
/// | `retry_delay = "10s"` | time before the second attempt (`ms`, `s`, `m`, `h`, `d`) | 1s |
/// | `retry_multiplier = 2.0` | what the delay is multiplied with from attempt to attempt, 1 to 10 | 1 |
/// | `retry_delay_max = "5m"` | longest delay | |
/// | `retry_jitter = 0.2` | by how much of itself a delay may be longer or shorter, 0 to 1 | 0.1 |
/// | `retry_on = ["timed_out"]` | failures that are tried again: `failed`, `timed_out`, `trapped`, `over_limit` | all |
/// | `timeout = "5m"` | longest attempt | 1h |
/// | `queued_timeout = "1h"` | longest wait for a slot; then the attempt has failed | |
/// | `pool = "database"` | the pool whose slots its instances take | the default pool |
/// | `pool_slots = 2` | slots that an instance takes | 1 |
/// | `priority = 10` | the higher goes first | 1 |
/// | `weight_rule = "absolute"` | how its weight follows from priorities: `downstream`, `upstream`, `absolute` | `downstream` |
/// | `max_active_per_run = 8` | instances that may run at a time in one run | |
/// | `max_active_per_dag = 8` | instances that may run at a time over all runs | |
/// | `max_map_length = 500` | most instances that the task may expand to | 10,000 |
/// | `map_index_template = "{{ map.value }}"` | names an instance of a mapped task from its item | |
/// | `depends_on_past = true` | runs only where the same task of the run before was a success or skipped | false |
/// | `wait_for_downstream = true` | asks the same of what stood directly downstream of it | false |
/// | `memory = "64MiB"` | memory of an instance (`B`, `KiB`, `MiB`, `GiB`) | 256MiB, which is the most |
/// | `outlets = ["s3://b/orders"]` | assets that its success changes | |
/// | `inlets = ["s3://b/rates"]` | assets about which its body may read what is kept | |
/// | `on_failure = ["tell"]` | names that the bundle's function for callbacks is called with when an instance has failed; so do `on_success`, `on_retry` and `on_skipped` | |
/// | `task_id = "load-all"` | id of the task unless it is called more than once | the function's name |
/// | `entrypoint = "load"` | name of the body, unique in the bundle | the function's name |
///
/// One call can say otherwise: the options are methods of the handle too, in `TaskOptions`.
///
/// | `kind` | what its body returns (or a `Result` of it) | what its handle has beside that |
/// | --- | --- | --- |
/// | `branch` | an arm, `Option` or `Vec` of arms: which of the tasks downstream run (`Arms`) | `when` |
/// | `short_circuit` | `bool`: `false` skips what stands downstream; `ignore_downstream_trigger_rules = false` skips only what stands directly there | `only_directly` |
/// | `sensor` | `Poke`: done, or to be asked again after `poke_interval = "30s"` (60s); with `soft_fail = true` a sensor over its timeout is skipped | `poke_interval`, `soft_fail` |
/// | `setup` | anything: it makes what the tasks downstream need | |
/// | `teardown` | anything: it undoes what setups have made; with `on_failure_fail_run = true` its failure is the run's | `of`, `fail_run` |
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
/// | `fail_fast = true` | at the first final failure everything unfinished ends; teardowns still run | false |
/// | `schedule = "@daily"` | what makes runs besides people, see below | nothing |
/// | `timezone = "Europe/Vienna"` | the zone of its cron expressions | UTC |
/// | `start_date = "2026-01-31T08:00:00Z"`, `end_date = "…"` | nothing is scheduled before and after it | |
/// | `catchup = true` | makes the runs that were missed too, one after the other | only the last |
/// | `logical_date = "interval_start"` | what a scheduled run is named for: when it is due (`fire`), or the fire before it | `fire` |
/// | `max_active_runs = 1` | unfinished runs above which nothing more is scheduled | 16 |
/// | `max_consecutive_failed_runs = 3` | pauses the DAG when so many runs in a row have failed | |
/// | `deadline = "2h"` | by when a run should have ended | |
/// | `deadline_from = "logical_date"` | what that is counted from: `queued_at`, `run_after`, `logical_date` | `queued_at` |
///
/// A schedule is a cron expression (`"0 8 * * MON-FRI"`, or a word such as `"@daily"`), an interval (`"every 6h"`), a list of
/// these, `"@once"`, `"@continuous"`, events of assets (`asset("s3://b/orders")`, `all("a", any("b", "c"))`), or both
/// (`assets_or_time(any("a", "b"), "@daily")`).
///
/// Documentation comments become the DAG's documentation.
#[proc_macro_attribute]
pub fn dag(options: TokenStream, function: TokenStream) -> TokenStream {
    dag::expand(options.into(), function.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a function a group of tasks, which can be mapped.
///
/// `fn f(a: Item<A>) -> R` adds the tasks that it calls as a group: `f(a)` once, `f.expand(…)` once for each item, depth first. Its
/// arguments are sources for the tasks in it. What it returns stands for the group outside: of an `Output<T>` in a mapped
/// group others see a `Mapped<T>`.
///
/// | option | what it says | default |
/// | --- | --- | --- |
/// | `group_id = "files"` | name of the group, and what the names of its tasks begin with | the function's name |
/// | `display_name = "…"` | for people | |
/// | `max_map_length = 500` | most items that the group may expand to | 10,000 |
///
/// Documentation comments become the group's documentation.
#[proc_macro_attribute]
pub fn group(options: TokenStream, function: TokenStream) -> TokenStream {
    group::expand(options.into(), function.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes the variants of an enum the ways that a branch can go: implements `waft::Arms`.
#[proc_macro_derive(Arms)]
pub fn derive_arms(input: TokenStream) -> TokenStream {
    arms::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Lets values of a type travel between tasks: implements `waft::Type` for a struct with named fields, a struct around one
/// value, or an enum of unit variants. It follows serde's `rename`, `rename_all`, `default`, `skip` and `transparent`; a type
/// that uses other attributes of serde implements `waft::Type` by hand. A type that holds itself writes `serde_json::Value` there.
#[proc_macro_derive(Type, attributes(serde))]
pub fn derive_type(input: TokenStream) -> TokenStream {
    ty::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
