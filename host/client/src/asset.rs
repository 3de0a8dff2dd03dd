//! Assets and their events.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Client, ClientError, Page, PageRequest};

/// An asset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    pub id: i64,
    pub name: String,
    #[serde(default)]
    pub uri: Option<String>,
    #[serde(default)]
    pub group: Option<String>,
    #[serde(default)]
    pub extra: Value,
    #[serde(default)]
    pub scheduled_dags: Vec<AssetUser>,
    #[serde(default)]
    pub producing_tasks: Vec<AssetUser>,
    #[serde(default)]
    pub consuming_tasks: Vec<AssetUser>,
    #[serde(default)]
    pub last_asset_event: Option<LastEvent>,
}

/// A DAG, or a task of one, that has to do with an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetUser {
    pub dag_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
}

/// When an asset was changed last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastEvent {
    pub id: i64,
    #[serde(default)]
    pub timestamp: Option<Timestamp>,
}

/// An event of an asset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssetEvent {
    pub id: i64,
    pub asset_id: i64,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub timestamp: Option<Timestamp>,
    #[serde(default)]
    pub extra: Value,
    #[serde(default)]
    pub source_dag_id: Option<String>,
    #[serde(default)]
    pub source_run_id: Option<String>,
    #[serde(default)]
    pub source_task_id: Option<String>,
    #[serde(default)]
    pub created_dagruns: Vec<ConsumingRun>,
}

/// A run that consumed an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumingRun {
    pub dag_id: String,
    pub run_id: String,
}

#[derive(Deserialize)]
struct Assets {
    assets: Vec<Asset>,
    total_entries: u64,
}

#[derive(Deserialize)]
struct AssetEvents {
    asset_events: Vec<AssetEvent>,
    total_entries: u64,
}

#[derive(Serialize)]
struct Told<'a> {
    asset_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<&'a RawValue>,
}

impl Client {
    /// Assets by name; those whose names match the pattern, in which `%` and `_` stand for others.
    pub async fn assets(&self, pattern: Option<&str>, page: PageRequest) -> Result<Page<Asset>, ClientError> {
        let mut url = self.url(["assets"]);
        page.add_to(&mut url);
        if let Some(pattern) = pattern {
            url.query_pairs_mut().append_pair("name_pattern", pattern);
        }
        let Assets { assets, total_entries } = self.json("list the assets", self.request(Method::GET, url)).await?;
        Ok(Page { items: assets, total_entries })
    }

    /// The asset of a name, if there is one.
    pub async fn asset(&self, name: &str) -> Result<Option<Asset>, ClientError> {
        let pattern = name.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
        let found = self.assets(Some(&pattern), PageRequest { limit: 10, offset: 0 }).await?;
        Ok(found.items.into_iter().find(|asset| asset.name == name))
    }

    /// Events, newest first; of one asset or of all.
    pub async fn asset_events(&self, asset: Option<i64>, page: PageRequest) -> Result<Page<AssetEvent>, ClientError> {
        let mut url = self.url(["assets", "events"]);
        page.add_to(&mut url);
        url.query_pairs_mut().append_pair("order_by", "-timestamp");
        if let Some(asset) = asset {
            url.query_pairs_mut().append_pair("asset_id", &asset.to_string());
        }
        let request = self.request(Method::GET, url);
        let AssetEvents { asset_events, total_entries } = self.json("list events of assets", request).await?;
        Ok(Page { items: asset_events, total_entries })
    }

    /// Tells that an asset was changed.
    pub async fn asset_event_tell(&self, asset_id: i64, extra: Option<&RawValue>) -> Result<AssetEvent, ClientError> {
        let request = self.request(Method::POST, self.url(["assets", "events"])).json(&Told { asset_id, extra });
        self.json("tell of a change of an asset", request).await
    }
}
