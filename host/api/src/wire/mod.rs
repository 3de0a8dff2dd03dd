//! What stands on the wire, one noun a file: Airflow's shapes where Airflow has the noun. Only `from_wire` and `to_wire` turn them into
//! anything else.

use serde::{Deserialize, Deserializer};

pub(crate) mod approval;
pub(crate) mod asset;
pub(crate) mod backfill;
pub(crate) mod blob;
pub(crate) mod bulk;
pub(crate) mod bundle;
pub(crate) mod callback;
pub(crate) mod connection;
pub(crate) mod dag;
pub(crate) mod dag_run;
pub(crate) mod dag_run_event;
pub(crate) mod dag_source;
pub(crate) mod dag_version;
pub(crate) mod dashboard;
pub(crate) mod event_log;
pub(crate) mod health;
pub(crate) mod log;
pub(crate) mod login;
pub(crate) mod pool;
pub(crate) mod problem;
pub(crate) mod raw_json;
pub(crate) mod signal;
pub(crate) mod task;
pub(crate) mod task_instance;
pub(crate) mod variable;
pub(crate) mod wait;
pub(crate) mod xcom;

/// Keeps `null` apart from what is not there.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
