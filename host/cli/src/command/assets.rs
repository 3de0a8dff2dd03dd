//! `waft assets`.

use client::{Asset, AssetEvent, AssetUser, Client};
use model::limits::asset::EXTRA_MAX_BYTES;
use serde_json::value::RawValue;

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use super::{given, runs};
use crate::arguments::{AssetEventsArguments, AssetTellArguments, AssetsCommand, ListArguments};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::screen::Listing;

pub(super) async fn run(command: AssetsCommand, session: &Session) -> Outcome {
    match command {
        AssetsCommand::List(arguments) => list(arguments, session).await,
        AssetsCommand::Get(arguments) => {
            let asset = find(&client(&arguments.server, session)?, &arguments.name).await?;
            session.screen.one(&asset, &fields(&asset))?;
            Ok(Exit::Done)
        }
        AssetsCommand::Events(arguments) => events(arguments, session).await,
        AssetsCommand::Tell(arguments) => tell(arguments, session).await,
    }
}

async fn list(arguments: ListArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let page = gather(arguments.limit.limit, async |page| client.assets(None, page).await).await?;
    let listing = Listing {
        headings: &["ASSET", "MADE BY", "READ BY", "AWAITED BY", "LAST CHANGED"],
        rows: page.items.iter().map(|asset| fields(asset).map(|(_, value)| value).to_vec()).collect(),
        empty: "no assets; tasks declare them as outlets, and schedules wait for them",
    };
    session.screen.list(&page, &listing)?;
    if let Some(rest) = rest(&page) {
        session.screen.note(&rest)?;
    }
    Ok(Exit::Done)
}

async fn events(arguments: AssetEventsArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let asset = match &arguments.name {
        Some(name) => Some(find(&client, name).await?.id),
        None => None,
    };
    let page = gather(arguments.limit.limit, async |page| client.asset_events(asset, page).await).await?;
    let row = |it: &AssetEvent| {
        let source = [&it.source_dag_id, &it.source_run_id, &it.source_task_id];
        let source: Vec<_> = source.into_iter().flatten().map(String::as_str).collect();
        let runs: Vec<_> = it.created_dagruns.iter().map(|run| format!("{}/{}", run.dag_id, run.run_id)).collect();
        vec![runs::time(it.timestamp), it.name.clone().unwrap_or_default(), source.join("/"), runs.join(", ")]
    };
    let listing = Listing {
        headings: &["AT", "ASSET", "BY", "RUNS"],
        rows: page.items.iter().map(row).collect(),
        empty: "no events",
    };
    session.screen.list(&page, &listing)?;
    if let Some(rest) = rest(&page) {
        session.screen.note(&rest)?;
    }
    Ok(Exit::Done)
}

async fn tell(arguments: AssetTellArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let extra = match &arguments.extra {
        Some(extra) => {
            let text = given::text(extra, "extra", EXTRA_MAX_BYTES)?;
            let extra = serde_json::from_str::<Box<RawValue>>(&text);
            Some(extra.map_err(|error| Failure::usage(format!("extra is not JSON: {error}")))?)
        }
        None => None,
    };
    let asset = find(&client, &arguments.name).await?;
    let event = client.asset_event_tell(asset.id, extra.as_deref()).await?;
    session.screen.line(&event, &format!("asset {} was changed, event {}", asset.name, event.id))?;
    Ok(Exit::Done)
}

async fn find(client: &Client, name: &str) -> Result<Asset, Failure> {
    client.asset(name).await?.ok_or_else(|| {
        Failure::new(Exit::NotFound, anyhow::anyhow!("there is no asset {name:?}"))
            .hint("list them with \"waft assets list\"")
    })
}

fn fields(asset: &Asset) -> [(&'static str, String); 5] {
    let users = |users: &[AssetUser]| {
        let user = |user: &AssetUser| match &user.task_id {
            Some(task) => format!("{}/{task}", user.dag_id),
            None => user.dag_id.clone(),
        };
        users.iter().map(user).collect::<Vec<_>>().join(", ")
    };
    [
        ("asset", asset.name.clone()),
        ("made by", users(&asset.producing_tasks)),
        ("read by", users(&asset.consuming_tasks)),
        ("awaited by", users(&asset.scheduled_dags)),
        ("last changed", runs::time(asset.last_asset_event.as_ref().and_then(|event| event.timestamp))),
    ]
}
