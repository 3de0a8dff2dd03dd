//! What use-cases answer → what is sent, one noun a file.

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::wire::raw_json::RawJson;

mod bundle;
mod dag;
mod dag_run;
mod dag_version;
mod health;
mod log;
mod task_instance;
mod wait;
mod xcom;

pub(crate) use bundle::{bundle, deployed};
pub(crate) use dag::{dag, dag_details};
pub(crate) use dag_run::dag_run;
pub(crate) use dag_version::dag_version;
pub(crate) use health::health;
pub(crate) use log::{log_frame, log_line};
pub(crate) use task_instance::{task_instance, task_try};
pub(crate) use wait::{wait_progress, waited};
pub(crate) use xcom::{xcom, xcom_value};

/// A text that is JSON, as it is; `null` where it is none, which only damage can cause.
fn raw_json(text: &str) -> RawJson {
    RawJson(RawValue::from_string(text.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned()))
}

fn duration_s(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<f64> {
    Some(to?.duration_since(from?).as_secs_f64())
}
