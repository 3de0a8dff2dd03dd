//! `waft pools`.

use client::{Pool, PoolSetting};

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use crate::arguments::PoolsCommand;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::screen::Listing;

pub(super) async fn run(command: PoolsCommand, session: &Session) -> Outcome {
    let screen = session.screen;
    match command {
        PoolsCommand::List(arguments) => {
            let client = client(&arguments.server, session)?;
            let page = gather(arguments.limit.limit, async |page| client.pools(page).await).await?;
            let listing = Listing {
                headings: &["POOL", "SLOTS", "OPEN", "RUNNING", "SCHEDULED", "DESCRIPTION"],
                rows: page.items.iter().map(|pool| fields(pool).map(|(_, value)| value).to_vec()).collect(),
                empty: "no pools",
            };
            screen.list(&page, &listing)?;
            if let Some(rest) = rest(&page) {
                screen.note(&rest)?;
            }
        }
        PoolsCommand::Get(arguments) => {
            let pool = client(&arguments.server, session)?.pool(&arguments.name).await?;
            screen.one(&pool, &fields(&pool))?;
        }
        PoolsCommand::Set(arguments) => {
            let client = client(&arguments.server, session)?;
            let pool = PoolSetting {
                name: arguments.name,
                slots: arguments.slots,
                description: arguments.description,
                include_deferred: arguments.include_deferred,
            };
            let set = client.pool_set(&pool).await?;
            screen.line(&set, &format!("pool {} has {} slots", set.name, slots(set.slots)))?;
        }
        PoolsCommand::Delete(arguments) => {
            client(&arguments.server, session)?.pool_delete(&arguments.name).await?;
            screen.note(&format!("pool {} is deleted", arguments.name))?;
        }
    }
    Ok(Exit::Done)
}

fn fields(pool: &Pool) -> [(&'static str, String); 6] {
    [
        ("pool", pool.name.clone()),
        ("slots", slots(pool.slots)),
        ("open", slots(pool.open_slots)),
        ("running", pool.running_slots.to_string()),
        ("scheduled", pool.scheduled_slots.to_string()),
        ("description", pool.description.clone().unwrap_or_default()),
    ]
}

fn slots(count: i64) -> String {
    if count < 0 { "no limit".to_owned() } else { count.to_string() }
}
