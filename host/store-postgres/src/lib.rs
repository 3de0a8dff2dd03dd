//! The store on PostgreSQL: all of `store`'s traits but `TaskQueue`.
//!
//! Words: a *session* is a connection whose statements end in time; the *writer* is the session that writes the scheduler's
//! commits; a *step* is what one kind of rows of a commit does; a *cell* is a column of a row that is being read.
//!
//! A commit is one message to the server and one answer: the writer's session has a function that runs a set-based statement
//! for each kind of row over arrays, and the statement that calls it is the transaction. Everything else takes a session from
//! a pool. Each statement stands in a constant whose comment says who calls it and which index serves it, and a test asks
//! PostgreSQL for the plan of each.
//!
//! What must hold: PostgreSQL is 15 or newer, its encoding is UTF-8, `synchronous_commit` is not off, so what is answered is
//! durable; nobody waits longer than a limit for a connection or an answer; a server that went away and came back is used
//! again without a restart; a row that fits no type of `store` is an error, never a default.
//! Not here: what the rows mean (`plan`), who waits for a commit (`scheduler`), big values (`blobs`).

mod asset;
mod asset_event;
mod attempt;
mod auth;
mod backfill;
mod before;
mod callback;
mod catalog;
mod cluster;
mod commit;
mod connect;
mod connection;
mod dag;
mod dag_run;
mod dag_version;
mod error;
mod event;
mod event_log;
mod maintenance;
mod metric_names;
mod migrate;
mod note;
mod pool;
mod retention;
mod rows;
mod run_store;
mod schedule;
mod session;
mod state;
mod store;
mod tag;
mod task_instance;
mod task_node;
mod value;
mod variable;
mod wait;
mod wakes;
mod work;
mod writer;

pub use store::PostgresStore;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod plans;
