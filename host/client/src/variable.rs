//! Variables.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, ClientError, Page, PageRequest};

/// A variable. What is secret by its name is shown as `***`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    pub key: String,
    pub value: String,
    #[serde(default)]
    pub description: Option<String>,
}

#[derive(Deserialize)]
struct Variables {
    variables: Vec<Variable>,
    total_entries: u64,
}

impl Client {
    /// Variables by key.
    pub async fn variables(&self, page: PageRequest) -> Result<Page<Variable>, ClientError> {
        let mut url = self.url(["variables"]);
        page.add_to(&mut url);
        let request = self.request(Method::GET, url);
        let Variables { variables, total_entries } = self.json("list the variables", request).await?;
        Ok(Page { items: variables, total_entries })
    }

    /// One variable.
    pub async fn variable(&self, key: &str) -> Result<Variable, ClientError> {
        let request = self.request(Method::GET, self.url(["variables", key]));
        self.json(&format!("read variable {key:?}"), request).await
    }

    /// Makes a variable, or changes it; a description that is left out stays as it is.
    pub async fn variable_set(&self, variable: &Variable) -> Result<Variable, ClientError> {
        let action = format!("write variable {:?}", variable.key);
        let make = self.request(Method::POST, self.url(["variables"])).json(variable);
        match self.json(&action, make).await {
            Err(error) if error.is_taken() => {
                let mut url = self.url(["variables", &variable.key]);
                url.query_pairs_mut().append_pair("update_mask", "value");
                if variable.description.is_some() {
                    url.query_pairs_mut().append_pair("update_mask", "description");
                }
                self.json(&action, self.request(Method::PATCH, url).json(variable)).await
            }
            answer => answer,
        }
    }

    /// Deletes a variable.
    pub async fn variable_delete(&self, key: &str) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, self.url(["variables", key]));
        self.send(&format!("delete variable {key:?}"), request).await.map(drop)
    }
}
