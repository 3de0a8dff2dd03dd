//! `connections`: how outside services are reached, read from the host.

use model::ConnectionId;

use super::unexpected;
use crate::bindings::waft::task::connections::{Connection, Host};
use crate::bindings::waft::task::types::Error;
use crate::child::Guest;
use crate::host::{self, HostRequest, HostValue};

impl Host for Guest {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<Option<Connection>, Error>> {
        let connection_id = match ConnectionId::new(name) {
            Ok(connection_id) => connection_id,
            Err(error) => return Ok(Err(Error::Invalid(error.to_string()))),
        };
        Ok(match self.call_host(HostRequest::ConnectionGet { connection_id }).await {
            Ok(HostValue::Connection(found)) => Ok(found.map(|found| (*found).into())),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }
}

impl From<host::Connection> for Connection {
    fn from(found: host::Connection) -> Self {
        let host::Connection { conn_type, description, host, login, password, schema, port, extra } = found;
        Self { conn_type, description, host, login, password, schema, port, extra }
    }
}
