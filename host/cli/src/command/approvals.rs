//! `waft approvals` and `waft approve`.

use client::Approval;

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use super::runs::time;
use super::signal::json;
use super::tasks::named_run;
use crate::arguments::{ApprovalsArguments, ApproveArguments};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::screen::Listing;

pub(super) async fn list(arguments: ApprovalsArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let run = arguments.run.as_deref().map(named_run).transpose()?;
    let page = gather(arguments.limit.limit, async |page| client.approvals(run, page).await).await?;
    let row = |it: &Approval| {
        let instance = &it.task_instance;
        let fields: Vec<_> = it.params.keys().map(String::as_str).collect();
        vec![
            it.subject.clone(),
            if instance.map_index < 0 { String::new() } else { instance.map_index.to_string() },
            instance.state.map_or_else(|| "none".to_owned(), |state| state.to_string()),
            fields.join(", "),
            it.chosen_options.iter().flatten().cloned().collect::<Vec<_>>().join(", "),
            time(it.responded_at),
        ]
    };
    let listing = Listing {
        headings: &["APPROVAL", "INDEX", "STATE", "FIELDS", "ANSWER", "ANSWERED"],
        rows: page.items.iter().map(row).collect(),
        empty: "no approvals",
    };
    session.screen.list(&page, &listing)?;
    if let Some(rest) = rest(&page) {
        session.screen.note(&rest)?;
    }
    Ok(Exit::Done)
}

pub(super) async fn answer(arguments: ApproveArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let it = &arguments.instance;
    let values = arguments.values.as_deref().map(|given| json(given, "the form")).transpose()?;
    let run = (it.dag.as_str(), it.run.as_str());
    let instance = (it.task.as_str(), it.map_index);
    let answer = client.approval_answer(run, instance, !arguments.reject, values.as_deref()).await?;
    let fields = [
        ("answer", answer.chosen_options.join(", ")),
        ("values", serde_json::Value::Object(answer.params_input.clone()).to_string()),
        ("answered", time(Some(answer.responded_at))),
    ];
    session.screen.one(&answer, &fields)?;
    Ok(Exit::Done)
}
