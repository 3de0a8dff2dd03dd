//! How a server is.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, ClientError};

/// Whether a server can do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub metadatabase: Part,
    pub scheduler: Part,
    pub worker: Part,
}

/// One part of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// `healthy`, or what is wrong.
    pub status: Option<String>,
}

impl Client {
    /// Asks how the server is. Needs no token.
    pub async fn health(&self) -> Result<Health, ClientError> {
        self.json("ask how the server is", self.request(Method::GET, self.url(["monitor", "health"]))).await
    }
}
