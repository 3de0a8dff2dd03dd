//! `waft backfill`.

use client::{Backfill, BackfillDate, BackfillMove, NewBackfill};

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use super::{conf, runs};
use crate::arguments::{BackfillCommand, BackfillCreateArguments, BackfillIdArguments, BackfillListArguments};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::screen::Listing;

pub(super) async fn run(command: BackfillCommand, session: &Session) -> Outcome {
    match command {
        BackfillCommand::Create(arguments) => create(arguments, session).await,
        BackfillCommand::List(arguments) => list(arguments, session).await,
        BackfillCommand::Get(arguments) => {
            let backfill = client(&arguments.server, session)?.backfill(arguments.id).await?;
            show(&backfill, session)
        }
        BackfillCommand::Pause(arguments) => moved(arguments, BackfillMove::Pause, session).await,
        BackfillCommand::Unpause(arguments) => moved(arguments, BackfillMove::Unpause, session).await,
        BackfillCommand::Cancel(arguments) => moved(arguments, BackfillMove::Cancel, session).await,
    }
}

async fn create(arguments: BackfillCreateArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let backfill = NewBackfill {
        dag_id: arguments.dag,
        from_date: arguments.from,
        to_date: arguments.to,
        run_backwards: arguments.backwards,
        reprocess_behavior: arguments.reprocess,
        run_on_latest_version: arguments.latest,
        max_active_runs: arguments.max_active_runs,
        version_number: arguments.version,
        dag_run_conf: conf::read(&arguments.conf)?,
    };
    if !arguments.dry_run {
        return show(&client.backfill_create(&backfill).await?, session);
    }
    let page = client.backfill_dry_run(&backfill).await?;
    let row = |date: &BackfillDate| vec![runs::time(Some(date.logical_date)), date.action.clone().unwrap_or_default()];
    let listing = Listing {
        headings: &["DATE", "ACTION"],
        rows: page.items.iter().map(row).collect(),
        empty: "nothing to do: no dates, or all of them have runs that stay",
    };
    session.screen.list(&page, &listing)?;
    Ok(Exit::Done)
}

async fn list(arguments: BackfillListArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let dag = arguments.dag.as_deref();
    let page = gather(arguments.limit.limit, async |page| client.backfills(dag, page).await).await?;
    let listing = Listing {
        headings: &["BACKFILL", "DAG", "STATE", "FROM", "TO", "DATES", "MADE"],
        rows: page.items.iter().map(|it| fields(it).map(|(_, value)| value).to_vec()).collect(),
        empty: "no backfills; make one with \"waft backfill create DAG --from DATE --to DATE\"",
    };
    session.screen.list(&page, &listing)?;
    if let Some(rest) = rest(&page) {
        session.screen.note(&rest)?;
    }
    Ok(Exit::Done)
}

async fn moved(arguments: BackfillIdArguments, to: BackfillMove, session: &Session) -> Outcome {
    show(&client(&arguments.server, session)?.backfill_move(arguments.id, to).await?, session)
}

fn show(backfill: &Backfill, session: &Session) -> Outcome {
    session.screen.one(backfill, &fields(backfill))?;
    Ok(Exit::Done)
}

fn fields(it: &Backfill) -> [(&'static str, String); 7] {
    let dates: Vec<_> =
        it.dates.iter().filter(|(_, count)| **count > 0).map(|(state, count)| format!("{count} {state}")).collect();
    [
        ("backfill", it.id.to_string()),
        ("dag", it.dag_id.clone()),
        ("state", it.state.clone().unwrap_or_default()),
        ("from", runs::time(Some(it.from_date))),
        ("to", runs::time(Some(it.to_date))),
        ("dates", dates.join(", ")),
        ("made", runs::time(it.created_at)),
    ]
}
