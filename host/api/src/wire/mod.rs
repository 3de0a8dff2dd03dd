//! What stands on the wire, one noun a file: Airflow's shapes where Airflow has the noun. Only `from_wire` and `to_wire` turn them into
//! anything else.

pub(crate) mod asset;
pub(crate) mod backfill;
pub(crate) mod blob;
pub(crate) mod bundle;
pub(crate) mod connection;
pub(crate) mod dag;
pub(crate) mod dag_run;
pub(crate) mod dag_version;
pub(crate) mod health;
pub(crate) mod log;
pub(crate) mod pool;
pub(crate) mod problem;
pub(crate) mod raw_json;
pub(crate) mod task_instance;
pub(crate) mod variable;
pub(crate) mod wait;
pub(crate) mod xcom;
