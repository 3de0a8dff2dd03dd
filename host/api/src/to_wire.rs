//! What use-cases answer → what is sent, one noun a file.

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::wire::raw_json::RawJson;

mod approval;
mod asset;
mod backfill;
mod bundle;
mod callback;
mod connection;
mod dag;
mod dag_run;
mod dag_run_event;
mod dag_version;
mod event_log;
mod explanation;
mod health;
mod log;
mod pool;
mod schedule;
mod signal;
mod task;
mod task_instance;
mod variable;
mod wait;
mod xcom;

pub(crate) use approval::{APPROVE, REJECT, approval, approval_answer};
pub(crate) use asset::{asset, asset_event, queued_event};
pub(crate) use backfill::{backfill, planned_date};
pub(crate) use bundle::{bundle, deployed};
pub(crate) use callback::callback;
pub(crate) use connection::connection;
pub(crate) use dag::{dag, dag_details, dag_param};
pub(crate) use dag_run::dag_run;
pub(crate) use dag_run_event::run_picture;
pub(crate) use dag_version::{dag_version, dag_version_diff};
pub(crate) use event_log::event_log;
pub(crate) use explanation::{dependencies, explanation};
pub(crate) use health::health;
pub(crate) use log::{log_frame, log_line};
pub(crate) use pool::pool;
pub(crate) use signal::awaited_signal;
pub(crate) use task::task;
pub(crate) use task_instance::{task_instance, task_summary, task_try};
pub(crate) use variable::variable;
pub(crate) use wait::{wait_progress, waited};
pub(crate) use xcom::{xcom, xcom_value};

/// A text that is JSON, as it is; `null` where it is none, which only damage can cause.
fn raw_json(text: &str) -> RawJson {
    RawJson(RawValue::from_string(text.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned()))
}

fn duration_s(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<f64> {
    Some(to?.duration_since(from?).as_secs_f64())
}
