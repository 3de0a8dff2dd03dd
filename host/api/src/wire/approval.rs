//! Approvals, which Airflow calls human-in-the-loop details.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::dag::DagParamResponse;
use super::task_instance::TaskInstanceResponse;

/// Whom an answer is from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HitlUser {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// What somebody has to answer, or has answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HitlDetailResponse {
    pub(crate) task_instance: TaskInstanceResponse,
    /// `Approve` and `Reject`.
    pub(crate) options: Vec<&'static str>,
    pub(crate) subject: String,
    pub(crate) body: Option<String>,
    pub(crate) defaults: Option<Vec<String>>,
    pub(crate) multiple: bool,
    /// The fields of the form.
    pub(crate) params: IndexMap<String, DagParamResponse>,
    pub(crate) assigned_users: Vec<HitlUser>,
    pub(crate) created_at: Timestamp,
    pub(crate) responded_by_user: Option<HitlUser>,
    pub(crate) responded_at: Option<Timestamp>,
    pub(crate) chosen_options: Option<Vec<&'static str>>,
    #[schema(value_type = Object)]
    pub(crate) params_input: Map<String, Value>,
    pub(crate) response_received: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HitlDetailCollection {
    pub(crate) hitl_details: Vec<HitlDetailResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}

/// An answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HitlAnswerBody {
    /// `Approve`, or `Reject` to have the instance skipped.
    pub(crate) chosen_options: Vec<String>,
    /// Fields of the form; those that are left out have their defaults.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub(crate) params_input: Map<String, Value>,
}

/// An answer that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HitlAnswerResponse {
    pub(crate) responded_by: HitlUser,
    pub(crate) responded_at: Timestamp,
    pub(crate) chosen_options: Vec<&'static str>,
    #[schema(value_type = Object)]
    pub(crate) params_input: Map<String, Value>,
}
