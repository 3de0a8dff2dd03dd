//! The border of a component: bindings generated from `wit/`, and the exports in their terms. Only in components; what an
//! export does stands in [`crate::bundle`].

use crate::callback::CallbackEvent;
use crate::context::TaskContext;
use crate::dag::Dag;
use crate::error::TaskError;
use crate::log::{self, Level};
use crate::settings::milliseconds;
use crate::task;
use crate::wake::{Wake, WakeEvent};

wit_bindgen::generate!({
    path: "../../wit",
    world: "bundle-with-callbacks",
    pub_export_macro: true,
    export_macro_name: "__export_component",
    default_bindings_module: "waft::bindings",
});

/// `definition.dags`.
pub fn dags(dags: &[Dag]) -> Result<Vec<String>, String> {
    log_panics();
    crate::bundle::documents(dags)
}

/// `task-bodies.run`.
pub fn run(
    dags: &[Dag],
    entrypoint: &str,
    args: &str,
    context: waft::task::types::TaskContext,
) -> waft::task::types::Outcome {
    log_panics();
    crate::bundle::run(dags, entrypoint, args, context.into()).into()
}

/// `callbacks.notify`.
pub fn notify(notify: fn(CallbackEvent) -> Result<(), TaskError>, event: &str) -> Result<(), String> {
    log_panics();
    let told = CallbackEvent::parse(event).and_then(notify);
    told.map_err(|error| error.message().to_owned())
}

/// A panic ends the instance at once, so its message goes out before.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| log::write(Level::Error, &panic.to_string())));
}

impl From<waft::task::types::TaskContext> for TaskContext {
    fn from(context: waft::task::types::TaskContext) -> Self {
        Self {
            dag_id: context.dag_id,
            run_id: context.run_id,
            task_id: context.task_id,
            map_index: u32::try_from(context.map_index).ok(),
            map_path: context.map_path,
            map_key: context.map_key,
            try_number: context.try_number,
            logical_date_us: context.logical_date,
            data_interval_start_us: context.data_interval_start,
            data_interval_end_us: context.data_interval_end,
            params: context.params,
            deadline_us: context.deadline,
        }
    }
}

impl From<task::Outcome> for waft::task::types::Outcome {
    fn from(outcome: task::Outcome) -> Self {
        match outcome {
            task::Outcome::Success(value) => Self::Success(value),
            task::Outcome::Skipped(reason) => Self::Skipped(reason),
            task::Outcome::Failed { message, retry, delay } => {
                Self::Failed(waft::task::types::Failure { message, retry, delay_ms: delay.map(milliseconds) })
            }
            task::Outcome::Deferred(wake) => Self::Deferred(wake.into()),
        }
    }
}

impl From<Wake> for waft::task::types::Wake {
    fn from(wake: Wake) -> Self {
        use self::waft::task::types::WakeEvent as On;
        let on = match wake.event().clone() {
            WakeEvent::Until(time_us) => On::Until(time_us),
            WakeEvent::Asset(name) => On::Asset(name),
            WakeEvent::Signal(name) => On::Signal(name),
            WakeEvent::DagRun(run_id) => On::DagRun(run_id),
        };
        Self { on, timeout_ms: wake.timeout().map(milliseconds) }
    }
}
