//! Pools.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A pool to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolBody {
    pub(crate) name: String,
    /// -1: as many as there are.
    pub(crate) slots: i64,
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// Deferred instances hold their slots.
    #[serde(default)]
    pub(crate) include_deferred: bool,
    /// Not available yet; null.
    #[serde(default)]
    pub(crate) team_name: Option<String>,
}

/// What a pool is to become; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolPatchBody {
    /// The name of the pool, which cannot be changed.
    #[serde(default, alias = "pool")]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) slots: Option<i64>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) include_deferred: Option<bool>,
    /// Not available yet; null.
    #[serde(default)]
    pub(crate) team_name: Option<String>,
}

impl From<PoolBody> for PoolPatchBody {
    fn from(body: PoolBody) -> Self {
        let PoolBody { name, slots, description, include_deferred, team_name } = body;
        Self { name: Some(name), slots: Some(slots), description, include_deferred: Some(include_deferred), team_name }
    }
}

/// A pool and its slots.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PoolResponse {
    pub(crate) name: String,
    /// -1: as many as there are.
    pub(crate) slots: i64,
    pub(crate) description: Option<String>,
    pub(crate) include_deferred: bool,
    pub(crate) occupied_slots: u64,
    pub(crate) running_slots: u64,
    pub(crate) queued_slots: u64,
    pub(crate) scheduled_slots: u64,
    /// -1: as many as there are.
    pub(crate) open_slots: i64,
    pub(crate) deferred_slots: u64,
    pub(crate) team_name: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PoolCollection {
    pub(crate) pools: Vec<PoolResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}
