//! `waft versions`.

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use crate::arguments::VersionsArguments;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::screen::Listing;

pub(super) async fn run(arguments: VersionsArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
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
