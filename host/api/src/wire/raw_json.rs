//! JSON that is passed on as it was received.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Any JSON value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = serde_json::Value)]
pub(crate) struct RawJson(pub(crate) Box<RawValue>);
