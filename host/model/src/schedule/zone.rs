//! Time zones by their IANA names. The rules are those that the program was built with, so that every process that shares a
//! database agrees on what time it is somewhere.

use std::fmt;
use std::sync::OnceLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

/// A time zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

/// A name that no zone has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no IANA time zone{}", .near.as_ref().map_or_else(
    || "; names are like Europe/Berlin or UTC".to_owned(),
    |near| format!("; did you mean {near}?"),
))]
pub struct InvalidZone {
    name: String,
    near: Option<String>,
}

const UTC: &str = "UTC";

impl Zone {
    /// The zone with this name, in the spelling of the database.
    pub fn new(name: &str) -> Result<Self, InvalidZone> {
        let unknown = |near| InvalidZone { name: name.chars().take(80).collect(), near };
        let zone = rules().get(name).map_err(|_| unknown(None))?;
        match zone.iana_name() {
            Some(spelled) if spelled == name => Ok(Self(zone)),
            spelled => Err(unknown(spelled.map(str::to_owned))),
        }
    }

    /// All zones that there are.
    pub fn all() -> impl Iterator<Item = Zone> {
        let names: Vec<_> = rules().available().collect();
        names.into_iter().filter_map(|name| Self::new(name.as_str()).ok())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.iana_name().unwrap_or(UTC)
    }

    /// The rules.
    pub fn rules(&self) -> &TimeZone {
        &self.0
    }

    /// Whether it is the default.
    pub fn is_utc(&self) -> bool {
        self.as_str() == UTC
    }
}

fn rules() -> &'static TimeZoneDatabase {
    static RULES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    RULES.get_or_init(TimeZoneDatabase::bundled)
}

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Zone {
    type Error = InvalidZone;
    fn try_from(name: String) -> Result<Self, InvalidZone> {
        if name == UTC { Ok(Self::default()) } else { Self::new(&name) }
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.as_str().to_owned()
    }
}

impl schemars::JsonSchema for Zone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Zone".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "An IANA time zone such as Europe/Berlin; UTC where it is left out.",
        })
    }
}
