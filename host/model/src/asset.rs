//! Assets: things outside that tasks make and DAGs wait for, as documents name them.
//!
//! An *event* says that an asset was changed. A task that declares an asset as an *outlet* emits one when it succeeds; one that
//! declares it as an *inlet* may read what is kept about it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits::asset::NAME_MAX_BYTES;

/// Names an asset within a tenant: often the address of the thing itself, such as `s3://bucket/orders`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AssetName(std::sync::Arc<str>);

/// A text that names no asset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("asset name {name:?} is not valid: {rule}")]
pub struct InvalidAssetName {
    name: String,
    rule: &'static str,
}

impl AssetName {
    /// Checks the name: visible ASCII without spaces, 1 to 250 bytes.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidAssetName> {
        let name = name.as_ref();
        let rule = if name.is_empty() {
            "it is empty"
        } else if name.len() > NAME_MAX_BYTES {
            "it is longer than 250 bytes"
        } else if !name.bytes().all(|b| b.is_ascii_graphic()) {
            "only visible ASCII characters without spaces may stand in it; write others as in addresses, %20"
        } else {
            return Ok(Self(name.into()));
        };
        Err(InvalidAssetName { name: name.chars().take(80).collect(), rule })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An asset that a task makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetDocument {
    pub name: AssetName,
    /// Where it is; the name where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Sorts assets for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What else is said about it; every event of it carries this too.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// Events of which assets are waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AssetExpression {
    /// An event of this one.
    Asset(AssetName),
    /// What all of these wait for.
    All(Vec<AssetExpression>),
    /// What one of these waits for.
    Any(Vec<AssetExpression>),
}

impl AssetExpression {
    /// The assets that it names, each time that it names them.
    pub fn names(&self) -> Vec<&AssetName> {
        let mut names = Vec::new();
        let mut open = vec![self];
        while let Some(expression) = open.pop() {
            match expression {
                Self::Asset(name) => names.push(name),
                Self::All(parts) | Self::Any(parts) => open.extend(parts.iter().rev()),
            }
        }
        names
    }

    /// Whether it is met when events of these assets have come.
    pub fn is_met(&self, has: &impl Fn(&AssetName) -> bool) -> bool {
        match self {
            Self::Asset(name) => has(name),
            Self::All(parts) => parts.iter().all(|part| part.is_met(has)),
            Self::Any(parts) => parts.iter().any(|part| part.is_met(has)),
        }
    }
}

impl fmt::Display for AssetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for AssetName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AssetName {
    type Error = InvalidAssetName;
    fn try_from(name: String) -> Result<Self, InvalidAssetName> {
        Self::new(name)
    }
}

impl From<AssetName> for String {
    fn from(name: AssetName) -> String {
        name.0.as_ref().to_owned()
    }
}

impl JsonSchema for AssetName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AssetName".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "maxLength": NAME_MAX_BYTES, "pattern": "^[!-~]+$" })
    }
}
