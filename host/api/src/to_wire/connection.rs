//! Connections.

use control::ConnectionView;

use crate::wire::connection::ConnectionResponse;

pub(crate) fn connection(view: ConnectionView) -> ConnectionResponse {
    let ConnectionView { connection_id, conn_type, description, host, login, schema, port, password, extra } = view;
    ConnectionResponse {
        connection_id: connection_id.into(),
        conn_type,
        description,
        host,
        login,
        schema,
        port,
        password,
        extra,
        team_name: None,
    }
}
