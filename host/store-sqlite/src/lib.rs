//! The store on SQLite: all of `store`'s traits but `TaskQueue`, which the scheduler implements in process.
//!
//! Words: a *write* is one caller's change, applied inside a transaction; a *group* is the writes that one transaction
//! commits; a *cell* is a column of a row that is being read.
//!
//! One task owns the connection that writes: it takes every write that has arrived, applies them in one transaction, commits,
//! and only then answers. Readers and the checkpointer have connections of their own. Statements are set-based, one for
//! each kind of row, over `jsonb_each` of one bound parameter; each stands in a constant whose comment says who calls it and
//! which index serves it, and a test asks SQLite for the plan of each.
//!
//! What must hold: SQLite is 3.51.3 or newer, the journal is a write-ahead log and `synchronous` is FULL, so what is
//! answered is durable; the log stays bounded under load; nothing runs while nothing is written; a row that fits no type of
//! `store` is an error, never a default.
//! Not here: what the rows mean (`plan`), who waits for a commit (`scheduler`), big values (`blobs`).

mod alive;
mod asset;
mod asset_event;
mod attempt;
mod auth;
mod backfill;
mod before;
mod callback;
mod catalog;
mod change;
mod checkpoint;
mod commit;
mod connection;
mod dag;
mod dag_run;
mod dag_version;
mod error;
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
mod state;
mod store;
mod tag;
mod task_instance;
mod task_node;
mod value;
mod variable;
mod wait;
mod writer;

pub use store::SqliteStore;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod plans;
