//! The log of what people did.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, ClientError, Page, PageRequest};

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLog {
    pub event_log_id: i64,
    pub when: Timestamp,
    pub event: String,
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub dag_id: Option<String>,
    #[serde(default)]
    pub run_id: Option<String>,
    #[serde(default)]
    pub task_id: Option<String>,
    #[serde(default)]
    pub map_index: Option<i32>,
    /// JSON text.
    #[serde(default)]
    pub extra: Option<String>,
}

/// Which events. What is `None` does not filter.
#[derive(Debug, Clone, Default)]
pub struct EventLogQuery {
    pub dag_id: Option<String>,
    pub run_id: Option<String>,
    pub event: Option<String>,
}

#[derive(Deserialize)]
struct EventLogs {
    event_logs: Vec<EventLog>,
    total_entries: u64,
}

impl Client {
    /// What people did, the newest first.
    pub async fn event_logs(&self, query: &EventLogQuery, page: PageRequest) -> Result<Page<EventLog>, ClientError> {
        let mut url = self.url(["eventLogs"]);
        page.add_to(&mut url);
        url.query_pairs_mut().append_pair("order_by", "-event_log_id");
        for (name, value) in [("dag_id", &query.dag_id), ("run_id", &query.run_id), ("event", &query.event)] {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        let EventLogs { event_logs, total_entries } =
            self.json("list what people did", self.request(Method::GET, url)).await?;
        Ok(Page { items: event_logs, total_entries })
    }
}
