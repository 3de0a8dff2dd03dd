//! Backfills.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::Reprocess;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Client, ClientError, Page, PageRequest};

/// A backfill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backfill {
    pub id: i64,
    pub dag_id: String,
    #[serde(default)]
    pub state: Option<String>,
    pub from_date: Timestamp,
    pub to_date: Timestamp,
    #[serde(default)]
    pub reprocess_behavior: Option<String>,
    #[serde(default)]
    pub max_active_runs: Option<u32>,
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    #[serde(default)]
    pub completed_at: Option<Timestamp>,
    /// How many dates stand how.
    #[serde(default)]
    pub dates: BTreeMap<String, u64>,
}

/// A backfill to make.
#[derive(Debug, Clone, Serialize)]
pub struct NewBackfill {
    pub dag_id: String,
    pub from_date: Timestamp,
    pub to_date: Timestamp,
    pub run_backwards: bool,
    pub reprocess_behavior: Reprocess,
    pub run_on_latest_version: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_active_runs: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_number: Option<u32>,
    /// Sent as it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dag_run_conf: Option<Box<RawValue>>,
}

/// A date for which a backfill would do something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillDate {
    pub logical_date: Timestamp,
    #[serde(default)]
    pub action: Option<String>,
}

/// What to do with a backfill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackfillMove {
    Pause,
    Unpause,
    Cancel,
}

impl BackfillMove {
    const fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Unpause => "unpause",
            Self::Cancel => "cancel",
        }
    }
}

#[derive(Deserialize)]
struct List<T> {
    backfills: Vec<T>,
    total_entries: u64,
}

impl Client {
    /// Makes a backfill.
    pub async fn backfill_create(&self, backfill: &NewBackfill) -> Result<Backfill, ClientError> {
        let request = self.request(Method::POST, self.url(["backfills"])).json(backfill);
        self.json(&format!("backfill DAG {:?}", backfill.dag_id), request).await
    }

    /// The dates for which a backfill would make or repeat runs.
    pub async fn backfill_dry_run(&self, backfill: &NewBackfill) -> Result<Page<BackfillDate>, ClientError> {
        let request = self.request(Method::POST, self.url(["backfills", "dry_run"])).json(backfill);
        let action = format!("plan a backfill of DAG {:?}", backfill.dag_id);
        let List { backfills, total_entries } = self.json(&action, request).await?;
        Ok(Page { items: backfills, total_entries })
    }

    /// Backfills, newest first; of one DAG or of all.
    pub async fn backfills(&self, dag_id: Option<&str>, page: PageRequest) -> Result<Page<Backfill>, ClientError> {
        let mut url = self.url(["backfills"]);
        page.add_to(&mut url);
        if let Some(dag_id) = dag_id {
            url.query_pairs_mut().append_pair("dag_id", dag_id);
        }
        let request = self.request(Method::GET, url);
        let List { backfills, total_entries } = self.json("list the backfills", request).await?;
        Ok(Page { items: backfills, total_entries })
    }

    /// One backfill.
    pub async fn backfill(&self, id: i64) -> Result<Backfill, ClientError> {
        let request = self.request(Method::GET, self.url(["backfills", &id.to_string()]));
        self.json(&format!("look at backfill {id}"), request).await
    }

    /// Pauses, continues or cancels a backfill.
    pub async fn backfill_move(&self, id: i64, to: BackfillMove) -> Result<Backfill, ClientError> {
        let request = self.request(Method::PUT, self.url(["backfills", &id.to_string(), to.word()]));
        self.json(&format!("{} backfill {id}", to.word()), request).await
    }
}
