//! The REST API: Airflow's public API v2 where Waft has the same things, Waft's own resources beside it.
//!
//! [`router`] maps paths to the use-cases of `control`, [`serve`] puts it on a listener. Wire types stand in `wire`; `from_wire` and
//! `to_wire` alone convert them. Handlers stand one noun a file.
//!
//! What must hold: nothing answers without a token but what [`OPEN_ROUTES`] lists; everything that is read, sent or held is bounded in size, time and pace; every error is a
//! problem document (RFC 9457); a query parameter that nobody knows is an error; a waiter that goes away leaves nothing behind.
//! Not here: what a request means (`control`), rows and SQL.

mod accept;
mod app;
mod approval;
mod asset;
mod auth;
mod backfill;
mod blob;
mod body;
mod bulk;
mod bundle;
mod by_hand;
mod callback;
mod connection;
mod dag;
mod dag_run;
mod dag_run_event;
mod dag_source;
mod dag_version;
mod dashboard;
mod docs;
mod etag;
mod event_log;
mod explanation;
mod framing;
mod from_wire;
mod health;
mod log;
mod login;
mod metric_names;
mod metrics;
mod observe;
mod openapi;
mod paced;
mod path;
mod peers;
mod pieces;
mod pool;
mod prefer;
mod problem;
mod query;
mod room;
mod router;
mod routes;
mod server;
mod signal;
mod slugs;
mod sse;
mod task;
mod task_instance;
mod to_wire;
mod variable;
mod wait;
mod wait_stream;
mod wire;
mod xcom;

pub use app::ApiParts;
pub use metrics::{PrometheusHandle, metrics_install};
pub use openapi::openapi_json;
pub use router::{OPEN_ROUTES, router, router_of_probes};
pub use server::serve;

#[cfg(test)]
mod tests;
