//! Many changes in one request.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is to be done, in this order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkBody<T: ToSchema> {
    pub(crate) actions: Vec<BulkAction<T>>,
}

/// One kind of change to some things.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(crate) enum BulkAction<T: ToSchema> {
    Create {
        entities: Vec<T>,
        #[serde(default)]
        action_on_existence: OnExistence,
    },
    Update {
        entities: Vec<T>,
        #[serde(default)]
        action_on_non_existence: OnNonExistence,
        /// The members that count; all where it is left out.
        #[serde(default)]
        update_mask: Option<Vec<String>>,
    },
    Delete {
        entities: Vec<NameOrEntity<T>>,
        #[serde(default)]
        action_on_non_existence: OnNonExistence,
    },
}

/// A thing by its name, or by all that it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum NameOrEntity<T: ToSchema> {
    Name(String),
    Entity(T),
}

/// What to do with a thing that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnExistence {
    /// Nothing of the action is done.
    #[default]
    Fail,
    Skip,
    Overwrite,
}

/// What to do where there is no such thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnNonExistence {
    /// Nothing of the action is done.
    #[default]
    Fail,
    Skip,
}

/// What was done, by kind of change; null where none was asked for.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct BulkResponse {
    pub(crate) create: Option<BulkResult>,
    pub(crate) update: Option<BulkResult>,
    pub(crate) delete: Option<BulkResult>,
}

/// Names of what was changed, and why something was not.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct BulkResult {
    pub(crate) success: Vec<String>,
    pub(crate) errors: Vec<BulkError>,
}

/// Why something was not changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkError {
    pub(crate) error: String,
    pub(crate) status_code: u16,
}
