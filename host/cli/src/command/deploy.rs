//! `waft deploy`.

use model::BundleName;

use super::connection::client;
use super::dispatch::Session;
use crate::arguments::DeployArguments;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::guest;
use crate::screen::{Format, Listing};

pub(super) async fn run(arguments: DeployArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let component = guest::component(&arguments.path, session.screen.format == Format::Json).await?;
    let name = arguments.name.unwrap_or(component.name);
    let name = BundleName::new(&name).map_err(|error| Failure::usage(error).hint("give a name with --name"))?;
    let deployed = client.bundle_deploy(&name, component.bytes, arguments.dry_run).await?;
    let row = |dag: &client::DeployedDag| {
        let number = dag.version_number.map_or_else(|| "next".to_owned(), |number| number.to_string());
        let change = if dag.created { "new version" } else { "unchanged" };
        vec![dag.dag_id.clone(), number, change.to_owned(), dag.version_id.clone().unwrap_or_default()]
    };
    let listing = Listing {
        headings: &["DAG", "VERSION", "CHANGE", "ID"],
        rows: deployed.dags.iter().map(row).collect(),
        empty: "the component tells no DAGs",
    };
    session.screen.list(&deployed, &listing)?;
    for warning in &deployed.warnings {
        session.screen.note(&format!("warning: {warning}"))?;
    }
    if session.screen.format == Format::Table {
        let said = match (arguments.dry_run, deployed.created) {
            (true, true) => "would be deployed",
            (_, false) => "is current already",
            (false, true) => "is deployed",
        };
        session.screen.note(&format!(
            "bundle {} {said} ({} bytes, {})",
            deployed.name, deployed.size_bytes, deployed.component
        ))?;
    }
    Ok(Exit::Done)
}
