//! `waft variables`.

use client::Variable;
use model::limits::setting::VALUE_MAX_BYTES;

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use super::given;
use crate::arguments::VariablesCommand;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::screen::Listing;

pub(super) async fn run(command: VariablesCommand, session: &Session) -> Outcome {
    let screen = session.screen;
    match command {
        VariablesCommand::List(arguments) => {
            let client = client(&arguments.server, session)?;
            let page = gather(arguments.limit.limit, async |page| client.variables(page).await).await?;
            let row =
                |it: &Variable| vec![it.key.clone(), it.value.clone(), it.description.clone().unwrap_or_default()];
            let listing = Listing {
                headings: &["VARIABLE", "VALUE", "DESCRIPTION"],
                rows: page.items.iter().map(row).collect(),
                empty: "no variables; set one with \"waft variables set NAME VALUE\"",
            };
            screen.list(&page, &listing)?;
            if let Some(rest) = rest(&page) {
                screen.note(&rest)?;
            }
        }
        VariablesCommand::Get(arguments) => {
            let variable = client(&arguments.server, session)?.variable(&arguments.name).await?;
            screen.line(&variable, &variable.value)?;
        }
        VariablesCommand::Set(arguments) => {
            let value = given::text(&arguments.value, "the value", VALUE_MAX_BYTES)?;
            let variable = Variable { key: arguments.name, value, description: arguments.description };
            let set = client(&arguments.server, session)?.variable_set(&variable).await?;
            screen.line(&set, &format!("variable {} is set", set.key))?;
        }
        VariablesCommand::Delete(arguments) => {
            client(&arguments.server, session)?.variable_delete(&arguments.name).await?;
            screen.note(&format!("variable {} is deleted", arguments.name))?;
        }
    }
    Ok(Exit::Done)
}
