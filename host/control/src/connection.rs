//! Connections. Passwords are written and never shown; so is what else is secret by its name.

use model::limits::setting::{TEXT_MAX_BYTES, VALUE_MAX_BYTES};
use model::{ConnectionId, Problems};
use serde_json::json;
use store::{ConnectionRow, Hidden, Page, PageRequest};

use crate::event_log::About;
use crate::masked::{MASK, shown_object, unmasked};
use crate::variable::{check_length, refuse};
use crate::{Code, Control, Error, Session};

/// A connection as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionView {
    pub connection_id: ConnectionId,
    pub conn_type: String,
    pub description: Option<String>,
    pub host: Option<String>,
    pub login: Option<String>,
    pub schema: Option<String>,
    pub port: Option<u16>,
    /// [`MASK`] where there is one.
    pub password: Option<&'static str>,
    /// Without what is secret.
    pub extra: Option<String>,
}

/// What of a connection is said; what is `None` stays as it is, or is left empty in a new one.
#[derive(Debug, Clone, Default)]
pub struct ConnectionChange {
    pub conn_type: Option<String>,
    pub description: Option<Option<String>>,
    pub host: Option<Option<String>>,
    pub login: Option<Option<String>>,
    pub schema: Option<Option<String>>,
    pub port: Option<Option<u16>>,
    pub password: Option<Option<Hidden>>,
    pub extra: Option<Option<Hidden>>,
}

impl Control {
    /// Connections by id.
    pub async fn connection_list(
        &self,
        session: &Session,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<ConnectionView>, Error> {
        let Page { rows, total } = self.connections.connection_list(session.scope(), pattern, page).await?;
        Ok(Page { rows: rows.into_iter().map(view).collect(), total })
    }

    /// One connection.
    pub async fn connection_fetch(&self, session: &Session, id: &ConnectionId) -> Result<ConnectionView, Error> {
        Ok(view(self.connection_row(session, id).await?))
    }

    /// Makes a connection.
    pub async fn connection_create(
        &self,
        session: &Session,
        connection_id: ConnectionId,
        said: ConnectionChange,
    ) -> Result<ConnectionView, Error> {
        let empty = ConnectionRow {
            connection_id,
            conn_type: String::new(),
            description: None,
            host: None,
            login: None,
            password: None,
            schema: None,
            port: None,
            extra: None,
            updated_at: self.clock.now(),
        };
        self.connection_write(session, changed(empty, said), true).await
    }

    /// Changes a connection.
    pub async fn connection_change(
        &self,
        session: &Session,
        id: &ConnectionId,
        change: ConnectionChange,
    ) -> Result<ConnectionView, Error> {
        let row = self.connection_row(session, id).await?;
        let row = ConnectionRow { updated_at: self.clock.now(), ..changed(row, change) };
        self.connection_write(session, row, false).await
    }

    /// Deletes a connection.
    pub async fn connection_delete(&self, session: &Session, id: &ConnectionId) -> Result<(), Error> {
        if !self.connections.connection_delete(session.scope(), id).await? {
            return Err(not_found(id));
        }
        tracing::info!(tenant = %session.scope().tenant(), connection = %id, by = session.name(), "connection deleted");
        self.record(session, "connection_delete", About::default(), json!({"connection": id.as_str()})).await;
        Ok(())
    }

    async fn connection_row(&self, session: &Session, id: &ConnectionId) -> Result<ConnectionRow, Error> {
        self.connections.connection_fetch(session.scope(), id).await?.ok_or_else(|| not_found(id))
    }

    async fn connection_write(
        &self,
        session: &Session,
        row: ConnectionRow,
        only_new: bool,
    ) -> Result<ConnectionView, Error> {
        check(&row)?;
        let scope = session.scope();
        if !self.connections.connection_put(scope, &row, only_new).await? {
            let message = format!("there is a connection {:?} already", row.connection_id.as_str());
            return Err(Error::new(Code::AlreadyExists, message).hint("change it with PATCH"));
        }
        tracing::info!(
            tenant = %scope.tenant(), connection = %row.connection_id, by = session.name(), "connection written"
        );
        self.record(session, "connection_set", About::default(), json!({"connection": row.connection_id.as_str()}))
            .await;
        Ok(view(row))
    }
}

fn check(row: &ConnectionRow) -> Result<(), Error> {
    let mut problems = Problems::default();
    if row.conn_type.is_empty() {
        problems.error("missing-type", "/conn_type", "a connection has a type, such as http, postgres or aws");
    }
    let texts = [
        ("/conn_type", Some(row.conn_type.as_str())),
        ("/description", row.description.as_deref()),
        ("/host", row.host.as_deref()),
        ("/login", row.login.as_deref()),
        ("/schema", row.schema.as_deref()),
        ("/password", row.password.as_ref().map(Hidden::reveal)),
    ];
    for (path, text) in texts {
        check_length(path, text.unwrap_or_default(), TEXT_MAX_BYTES, &mut problems);
    }
    check_length("/extra", row.extra.as_ref().map_or("", Hidden::reveal), VALUE_MAX_BYTES, &mut problems);
    refuse(problems, "the connection cannot be like this")
}

fn changed(row: ConnectionRow, change: ConnectionChange) -> ConnectionRow {
    let kept = |sent: Option<Hidden>, kept: Option<&Hidden>| {
        sent.map(|sent| Hidden::new(unmasked(sent.reveal(), kept.map_or("", Hidden::reveal))))
    };
    let password = match change.password {
        Some(sent) => kept(sent, row.password.as_ref()),
        None => row.password,
    };
    let extra = match change.extra {
        Some(sent) => kept(sent, row.extra.as_ref()),
        None => row.extra,
    };
    ConnectionRow {
        connection_id: row.connection_id,
        conn_type: change.conn_type.unwrap_or(row.conn_type),
        description: change.description.unwrap_or(row.description),
        host: change.host.unwrap_or(row.host),
        login: change.login.unwrap_or(row.login),
        schema: change.schema.unwrap_or(row.schema),
        port: change.port.unwrap_or(row.port),
        password,
        extra,
        updated_at: row.updated_at,
    }
}

fn view(row: ConnectionRow) -> ConnectionView {
    ConnectionView {
        connection_id: row.connection_id,
        conn_type: row.conn_type,
        description: row.description,
        host: row.host,
        login: row.login,
        schema: row.schema,
        port: row.port,
        password: row.password.map(|_| MASK),
        extra: row.extra.map(|extra| shown_object(extra.reveal())),
    }
}

fn not_found(id: &ConnectionId) -> Error {
    Error::new(Code::ConnectionNotFound, format!("there is no connection {:?}", id.as_str()))
        .hint("list them with GET /api/v2/connections")
}
