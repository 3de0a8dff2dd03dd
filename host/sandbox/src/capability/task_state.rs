//! `task-state`: state of the task instance, kept by the host.

use model::NAME_MAX_BYTES;
use model::limits::value::STATE_VALUE_MAX_BYTES;

use super::{checked_json, key, unexpected};
use crate::bindings::waft::task::task_state::Host;
use crate::bindings::waft::task::types::Error;
use crate::child::Guest;
use crate::host::{HostRequest, HostValue};

impl Host for Guest {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<Option<String>, Error>> {
        let key = match key(&name) {
            Ok(key) => key,
            Err(error) => return Ok(Err(error)),
        };
        Ok(match self.call_host(HostRequest::StateGet { key }).await {
            Ok(HostValue::Json(value)) => Ok(value),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }

    async fn set(&mut self, name: String, value: String, ttl_ms: Option<u64>) -> wasmtime::Result<Result<(), Error>> {
        let request = || {
            let key = key(&name)?;
            if value.len() > STATE_VALUE_MAX_BYTES {
                return Err(Error::QuotaExceeded(format!(
                    "a state value has at most {STATE_VALUE_MAX_BYTES} bytes; this one has {}; write big values as blobs",
                    value.len()
                )));
            }
            checked_json(&value)?;
            Ok(HostRequest::StateSet { key, value, ttl_ms })
        };
        Ok(match request() {
            Err(error) => Err(error),
            Ok(request) => match self.call_host(request).await {
                Ok(HostValue::Done) => Ok(()),
                Ok(other) => Err(unexpected(&other)),
                Err(error) => Err(error.into()),
            },
        })
    }

    async fn delete(&mut self, name: String) -> wasmtime::Result<Result<bool, Error>> {
        let key = match key(&name) {
            Ok(key) => key,
            Err(error) => return Ok(Err(error)),
        };
        Ok(match self.call_host(HostRequest::StateDelete { key }).await {
            Ok(HostValue::Flag(existed)) => Ok(existed),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }

    async fn list(&mut self, prefix: String) -> wasmtime::Result<Result<Vec<String>, Error>> {
        if prefix.len() > NAME_MAX_BYTES {
            return Ok(Err(Error::Invalid(format!("the prefix is longer than {NAME_MAX_BYTES} bytes"))));
        }
        Ok(match self.call_host(HostRequest::StateList { prefix }).await {
            Ok(HostValue::Keys(keys)) => Ok(keys),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }
}
