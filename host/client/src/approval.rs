//! Approvals.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::{Client, ClientError, Page, PageRequest, TaskInstance};

/// What somebody has to answer, or has answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub task_instance: TaskInstance,
    pub subject: String,
    #[serde(default)]
    pub body: Option<String>,
    /// The fields of its form.
    #[serde(default)]
    pub params: Map<String, Value>,
    #[serde(default)]
    pub chosen_options: Option<Vec<String>>,
    #[serde(default)]
    pub responded_at: Option<Timestamp>,
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalAnswer {
    pub chosen_options: Vec<String>,
    #[serde(default)]
    pub params_input: Map<String, Value>,
    pub responded_at: Timestamp,
}

#[derive(Serialize)]
struct Body<'a> {
    chosen_options: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    params_input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Approvals {
    hitl_details: Vec<Approval>,
    total_entries: u64,
}

impl Client {
    /// The approvals of a run; without one, those that wait for an answer.
    pub async fn approvals(&self, run: Option<(&str, &str)>, page: PageRequest) -> Result<Page<Approval>, ClientError> {
        let (dag_id, run_id) = run.unwrap_or(("~", "~"));
        let mut url = self.url(["dags", dag_id, "dagRuns", run_id, "hitlDetails"]);
        page.add_to(&mut url);
        let request = self.request(Method::GET, url);
        let Approvals { hitl_details, total_entries } = self.json("list the approvals", request).await?;
        Ok(Page { items: hitl_details, total_entries })
    }

    /// Answers an approval, with the fields of its form.
    pub async fn approval_answer(
        &self,
        (dag_id, run_id): (&str, &str),
        (task_id, map_index): (&str, Option<u32>),
        is_approved: bool,
        values: Option<&RawValue>,
    ) -> Result<ApprovalAnswer, ClientError> {
        let map_index = map_index.map_or_else(|| "-1".to_owned(), |map_index| map_index.to_string());
        let parts = ["dags", dag_id, "dagRuns", run_id, "taskInstances", task_id, &map_index, "hitlDetails"];
        let body = Body { chosen_options: [if is_approved { "Approve" } else { "Reject" }], params_input: values };
        let request = self.request(Method::PATCH, self.url(parts)).json(&body);
        self.json(&format!("answer {task_id:?} of run {run_id:?} of DAG {dag_id:?}"), request).await
    }
}
