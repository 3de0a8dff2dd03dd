//! How a server is.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, ClientError};

/// Whether a server can do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub metadatabase: Part,
    pub scheduler: Part,
}

/// One part of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// `healthy`, or what is wrong.
    pub status: Option<String>,
}

/// Which program a server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerVersion {
    pub version: String,
    #[serde(default)]
    pub git_version: Option<String>,
}

impl Client {
    /// Asks how the server is. Needs no token.
    pub async fn health(&self) -> Result<Health, ClientError> {
        self.json("ask how the server is", self.request(Method::GET, self.url(["monitor", "health"]))).await
    }

    /// Asks which program the server is.
    pub async fn version(&self) -> Result<ServerVersion, ClientError> {
        self.json("ask for the server's version", self.request(Method::GET, self.url(["version"]))).await
    }
}
