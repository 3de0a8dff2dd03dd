//! Callbacks of runs.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// What was to be told to whom, and how that went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallbackResponse {
    /// Its place among the callbacks of the run.
    pub(crate) callback_number: u32,
    /// The name that the document gives.
    pub(crate) callback: String,
    /// What has happened: `success`, `failure`, `retry`, `skipped`, `deadline_missed`.
    pub(crate) event: String,
    /// Of what happened to an instance.
    pub(crate) task_id: Option<String>,
    pub(crate) map_index: Option<i32>,
    /// Which try of the instance; 0 where it never began.
    pub(crate) task_try_number: Option<u32>,
    /// Why it happened.
    pub(crate) message: Option<String>,
    /// `waiting`, `running`, `success` or `failed`. Nothing of it changes the state of the run.
    pub(crate) state: String,
    /// The try that is next, that runs, or that was the last one.
    pub(crate) try_number: u32,
    pub(crate) max_tries: u32,
    pub(crate) created_at: Timestamp,
    /// When it is called, while it waits.
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) start_date: Option<Timestamp>,
    pub(crate) end_date: Option<Timestamp>,
    /// How its last try failed.
    pub(crate) error: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallbackCollection {
    pub(crate) callbacks: Vec<CallbackResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
    /// Callbacks of instances that were left out because the run has so many.
    pub(crate) left_out: u64,
}
