//! `waft versions`.

use client::Client;
use serde_json::Value;

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use crate::arguments::VersionsArguments;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::screen::Listing;

pub(super) async fn run(arguments: VersionsArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    if let [from, to] = arguments.diff[..] {
        return diff(&client, &arguments.dag, from, to, session).await;
    }
    if let Some(number) = arguments.activate {
        let version = client.dag_version_activate(&arguments.dag, number).await?;
        session.screen.one(&version, &[("version", version.version_number.to_string()), ("id", version.id.clone())])?;
        return Ok(Exit::Done);
    }
    let fetch = async |page| client.dag_versions(&arguments.dag, page).await;
    let page = gather(arguments.limit.limit, fetch).await?;
    let row = |version: &client::DagVersion| {
        vec![
            version.version_number.to_string(),
            version.label.clone().unwrap_or_default(),
            version.created_at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            version.bundle_name.clone().unwrap_or_default(),
            version.id.clone(),
            version.digest.clone().unwrap_or_default(),
        ]
    };
    let listing = Listing {
        headings: &["VERSION", "LABEL", "CREATED", "BUNDLE", "ID", "DIGEST"],
        rows: page.items.iter().map(row).collect(),
        empty: "no versions",
    };
    session.screen.list(&page, &listing)?;
    if let Some(rest) = rest(&page) {
        session.screen.note(&rest)?;
    }
    Ok(Exit::Done)
}

async fn diff(client: &Client, dag: &str, from: u32, to: u32, session: &Session) -> Outcome {
    let diff = client.dag_version_diff(dag, from, to).await?;
    let cell = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    let row = |change: &client::DagVersionChange| {
        vec![change.kind.clone(), change.path.clone(), cell(&change.before), cell(&change.after)]
    };
    let listing = Listing {
        headings: &["CHANGE", "WHERE", "BEFORE", "AFTER"],
        rows: diff.changes.iter().map(row).collect(),
        empty: "the documents are the same",
    };
    session.screen.list(&diff, &listing)?;
    if diff.component_changed {
        session.screen.note("the component, and with it the code of the tasks, is another one")?;
    }
    if diff.truncated {
        session.screen.note("there are more changes than are told")?;
    }
    Ok(Exit::Done)
}
