//! `variables`: values of the tenant, read from the host.

use super::{key, unexpected};
use crate::bindings::waft::task::types::Error;
use crate::bindings::waft::task::variables::Host;
use crate::child::Guest;
use crate::host::{HostRequest, HostValue};

impl Host for Guest {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<Option<String>, Error>> {
        let key = match key(&name) {
            Ok(key) => key,
            Err(error) => return Ok(Err(error)),
        };
        Ok(match self.call_host(HostRequest::VariableGet { key }).await {
            Ok(HostValue::Json(value)) => Ok(value),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }
}
