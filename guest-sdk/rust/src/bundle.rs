//! The two exports of a bundle, behind [`bundle!`](crate::bundle!): documents of its DAGs, and running a body.

use crate::branch;
use crate::callback::CallbackEvent;
use crate::context::{self, TaskContext};
use crate::dag::Dag;
use crate::error::TaskError;
use crate::graph;
use crate::task::{Arguments, Body, Outcome};

/// The documents of all DAGs; or all problems.
#[cfg(target_arch = "wasm32")]
pub(crate) fn documents(dags: &[Dag]) -> Result<Vec<String>, String> {
    let mut documents = Vec::with_capacity(dags.len());
    let mut problems = Vec::new();
    for dag in dags {
        match dag.document() {
            Ok(document) => documents.push(document),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(documents) } else { Err(problems.join("\n")) }
}

/// Runs the body behind `entrypoint`. It is looked for in the DAG of the context first, then in the others.
pub(crate) fn run(dags: &[Dag], entrypoint: &str, args: &str, context: TaskContext) -> Outcome {
    let (own, others): (Vec<&Dag>, Vec<&Dag>) = dags.iter().partition(|dag| dag.dag_id == context.dag_id);
    let found = own.iter().chain(&others).find_map(|dag| Some((dag, graph::finding(dag.build, entrypoint)?)));
    let Some((dag, body)) = found else {
        return TaskError::fatal(format!("this component has no body {entrypoint:?}")).into();
    };
    let task_id = context.task_id.clone();
    context::set(context);
    let args = match Arguments::parse(args) {
        Ok(args) => args,
        Err(error) => return error.into(),
    };
    match body {
        Body::Task(run) => run(&args),
        Body::Branch { choose, .. } => {
            let answer = choose(&args).and_then(|arms| {
                let ids = graph::chosen(dag.build, &task_id, entrypoint, &arms);
                Ok(branch::answer(&ids)?)
            });
            answer.map_or_else(Outcome::from, |json| Outcome::Success(Some(json)))
        }
    }
}

/// Lists the DAGs of a bundle and makes the crate a component: `waft::bundle!(nightly, hourly);`, once, in a crate of type
/// `cdylib` that is built for `wasm32-wasip2`. The bodies of all tasks that these DAGs use go with them.
///
/// ```
/// use waft::prelude::*;
///
/// #[task] fn hello(name: String) -> String { format!("Hello, {name}!") }
/// #[dag] fn greeting(name: Param<String>) -> Output<String> { hello(name) }
///
/// waft::bundle!(greeting);
/// ```
///
/// `waft::bundle!(nightly; notify = tell);` names the function that hears of [callbacks](crate::CallbackEvent).
#[macro_export]
macro_rules! bundle {
    ($($dag:path),+ $(,)?) => {
        $crate::bundle!($($dag),+; notify = $crate::__private::ignored);
    };
    ($($dag:path),+ $(,)?; notify = $notify:expr $(,)?) => {
        const _: () = {
            const DAGS: &[$crate::Dag] = &[$(<$dag>::DAG),+];
            const NOTIFY: fn($crate::CallbackEvent) -> ::std::result::Result<(), $crate::TaskError> = $notify;

            $crate::__export_bundle!(DAGS NOTIFY);
        };
    };
}

/// What a bundle without callbacks does with an event.
#[doc(hidden)]
pub fn ignored(event: CallbackEvent) -> Result<(), TaskError> {
    let callback = event.callback;
    Err(TaskError::fatal(format!("nothing hears of callback {callback:?}: say `waft::bundle!(…; notify = …)`")))
}

/// Outside a component there is nothing to export.
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_bundle {
    ($dags:ident $notify:ident) => {
        const _: usize = $dags.len();
        const _: fn($crate::CallbackEvent) -> ::std::result::Result<(), $crate::TaskError> = $notify;
    };
}

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_bundle {
    ($dags:ident $notify:ident) => {
        struct Bundle;

        impl $crate::bindings::exports::waft::task::definition::Guest for Bundle {
            fn dags() -> ::std::result::Result<::std::vec::Vec<::std::string::String>, ::std::string::String> {
                $crate::bindings::dags($dags)
            }
        }

        impl $crate::bindings::exports::waft::task::task_bodies::Guest for Bundle {
            fn run(
                entrypoint: ::std::string::String,
                args: ::std::string::String,
                context: $crate::bindings::waft::task::types::TaskContext,
            ) -> $crate::bindings::waft::task::types::Outcome {
                $crate::bindings::run($dags, &entrypoint, &args, context)
            }
        }

        impl $crate::bindings::exports::waft::task::callbacks::Guest for Bundle {
            fn notify(event: ::std::string::String) -> ::std::result::Result<(), ::std::string::String> {
                $crate::bindings::notify($notify, &event)
            }
        }

        $crate::bindings::__export_component!(Bundle with_types_in $crate::bindings);
    };
}
