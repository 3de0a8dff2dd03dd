//! `waft connections`.

use client::Connection;
use model::limits::setting::{TEXT_MAX_BYTES, VALUE_MAX_BYTES};

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use super::given;
use crate::arguments::{ConnectionSetArguments, ConnectionsCommand};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::screen::Listing;

pub(super) async fn run(command: ConnectionsCommand, session: &Session) -> Outcome {
    let screen = session.screen;
    match command {
        ConnectionsCommand::List(arguments) => {
            let client = client(&arguments.server, session)?;
            let page = gather(arguments.limit.limit, async |page| client.connections(page).await).await?;
            let row = |it: &Connection| {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let port = it.port.map(|port| port.to_string()).unwrap_or_default();
                let (host, login, description) = (text(&it.host), text(&it.login), text(&it.description));
                vec![it.connection_id.clone(), it.conn_type.clone(), host, port, login, description]
            };
            let listing = Listing {
                headings: &["CONNECTION", "TYPE", "HOST", "PORT", "LOGIN", "DESCRIPTION"],
                rows: page.items.iter().map(row).collect(),
                empty: "no connections; set one with \"waft connections set NAME --type TYPE\"",
            };
            screen.list(&page, &listing)?;
            if let Some(rest) = rest(&page) {
                screen.note(&rest)?;
            }
        }
        ConnectionsCommand::Get(arguments) => {
            let connection = client(&arguments.server, session)?.connection(&arguments.name).await?;
            screen.one(&connection, &fields(&connection))?;
        }
        ConnectionsCommand::Set(arguments) => {
            let client = client(&arguments.server, session)?;
            let set = client.connection_set(&wanted(*arguments)?).await?;
            screen.line(&set, &format!("connection {} is set", set.connection_id))?;
        }
        ConnectionsCommand::Delete(arguments) => {
            client(&arguments.server, session)?.connection_delete(&arguments.name).await?;
            screen.note(&format!("connection {} is deleted", arguments.name))?;
        }
    }
    Ok(Exit::Done)
}

fn wanted(arguments: ConnectionSetArguments) -> Result<Connection, Failure> {
    let ConnectionSetArguments { name, conn_type, description, host, port, login, schema, .. } = arguments;
    let read = |given: Option<String>, what: &str, max_bytes: usize| {
        given.map(|given| given::text(&given, what, max_bytes)).transpose()
    };
    Ok(Connection {
        connection_id: name,
        conn_type,
        description,
        host,
        login,
        schema,
        port,
        password: read(arguments.password, "the password", TEXT_MAX_BYTES)?,
        extra: read(arguments.extra, "extra", VALUE_MAX_BYTES)?,
    })
}

fn fields(it: &Connection) -> Vec<(&'static str, String)> {
    let said = [
        ("connection", Some(it.connection_id.clone())),
        ("type", Some(it.conn_type.clone())),
        ("description", it.description.clone()),
        ("host", it.host.clone()),
        ("port", it.port.map(|port| port.to_string())),
        ("login", it.login.clone()),
        ("password", it.password.clone()),
        ("schema", it.schema.clone()),
        ("extra", it.extra.clone()),
    ];
    said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
