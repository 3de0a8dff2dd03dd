//! Connections.

use control::{ConnectionChange, Hidden};
use model::{ConnectionId, Problem};

use super::{Mask, not_yet, same_name};
use crate::wire::connection::ConnectionBody;

/// What of a connection can be changed.
pub(crate) const CONNECTION_FIELDS: &[&str] =
    &["conn_type", "description", "host", "login", "schema", "port", "password", "extra", "connection_id"];

pub(crate) fn new_connection(body: ConnectionBody) -> Result<(ConnectionId, ConnectionChange), Vec<Problem>> {
    let id = ConnectionId::new(&body.connection_id);
    match (id, change(body, &Mask::default())) {
        (Ok(id), Ok(change)) => Ok((id, change)),
        (Ok(_), Err(problems)) => Err(problems),
        (Err(error), change) => {
            let mut problems = change.err().unwrap_or_default();
            problems.push(Problem::error("invalid-name", "/connection_id", error.to_string()));
            Err(problems)
        }
    }
}

pub(crate) fn connection_change(
    id: &ConnectionId,
    body: ConnectionBody,
    mask: &Mask,
) -> Result<ConnectionChange, Vec<Problem>> {
    let mut problems = Vec::new();
    same_name(Some(&body.connection_id), id.as_str(), "/connection_id", &mut problems);
    match change(body, mask) {
        Ok(change) if problems.is_empty() => Ok(change),
        Ok(_) => Err(problems),
        Err(others) => Err(problems.into_iter().chain(others).collect()),
    }
}

/// Secrets that are left out stay as they are, unless the mask names them.
fn change(body: ConnectionBody, mask: &Mask) -> Result<ConnectionChange, Vec<Problem>> {
    if body.team_name.is_some() {
        return Err(vec![not_yet("/team_name")]);
    }
    let secret = |name, text: Option<String>| {
        let is_said = mask.has(name) && (text.is_some() || mask.names(name));
        is_said.then(|| text.map(Hidden::new))
    };
    Ok(ConnectionChange {
        conn_type: mask.has("conn_type").then_some(body.conn_type),
        description: mask.has("description").then_some(body.description),
        host: mask.has("host").then_some(body.host),
        login: mask.has("login").then_some(body.login),
        schema: mask.has("schema").then_some(body.schema),
        port: mask.has("port").then_some(body.port),
        password: secret("password", body.password),
        extra: secret("extra", body.extra),
    })
}
