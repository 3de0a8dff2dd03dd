//! Connections.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, ClientError, Page, PageRequest};

/// A connection. Secrets that the server tells are `***`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub connection_id: String,
    pub conn_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<String>,
}

#[derive(Deserialize)]
struct Connections {
    connections: Vec<Connection>,
    total_entries: u64,
}

impl Client {
    /// Connections by id.
    pub async fn connections(&self, page: PageRequest) -> Result<Page<Connection>, ClientError> {
        let mut url = self.url(["connections"]);
        page.add_to(&mut url);
        let request = self.request(Method::GET, url);
        let Connections { connections, total_entries } = self.json("list the connections", request).await?;
        Ok(Page { items: connections, total_entries })
    }

    /// One connection.
    pub async fn connection(&self, id: &str) -> Result<Connection, ClientError> {
        let request = self.request(Method::GET, self.url(["connections", id]));
        self.json(&format!("read connection {id:?}"), request).await
    }

    /// Makes a connection, or changes what is said of it.
    pub async fn connection_set(&self, connection: &Connection) -> Result<Connection, ClientError> {
        let action = format!("write connection {:?}", connection.connection_id);
        let make = self.request(Method::POST, self.url(["connections"])).json(connection);
        match self.json(&action, make).await {
            Err(error) if error.is_taken() => {
                let mut url = self.url(["connections", &connection.connection_id]);
                let said = [
                    ("conn_type", true),
                    ("description", connection.description.is_some()),
                    ("host", connection.host.is_some()),
                    ("login", connection.login.is_some()),
                    ("schema", connection.schema.is_some()),
                    ("port", connection.port.is_some()),
                    ("password", connection.password.is_some()),
                    ("extra", connection.extra.is_some()),
                ];
                for (name, _) in said.into_iter().filter(|(_, is_said)| *is_said) {
                    url.query_pairs_mut().append_pair("update_mask", name);
                }
                self.json(&action, self.request(Method::PATCH, url).json(connection)).await
            }
            answer => answer,
        }
    }

    /// Deletes a connection.
    pub async fn connection_delete(&self, id: &str) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, self.url(["connections", id]));
        self.send(&format!("delete connection {id:?}"), request).await.map(drop)
    }
}
