//! `waft explain`.

use super::connection::client;
use super::dispatch::Session;
use super::runs::time;
use crate::arguments::ExplainArguments;
use crate::exit::Exit;
use crate::failure::Outcome;

pub(super) async fn run(arguments: ExplainArguments, session: &Session) -> Outcome {
    let it = &arguments.instance;
    let client = client(&arguments.server, session)?;
    let found = client.task_instance_explain(&it.dag, &it.run, &it.task, it.map_index).await?;
    let mut fields = vec![
        ("state", found.state.clone().unwrap_or_else(|| "none".to_owned())),
        ("run", found.run_state.clone().unwrap_or_default()),
        ("rule", found.trigger_rule.clone().unwrap_or_default()),
    ];
    for reason in &found.reasons {
        fields.push(("why", reason.message.clone()));
        fields.extend(reason.until.map(|until| ("until", time(Some(until)))));
    }
    for (task_id, counts) in &found.upstream {
        let counts: Vec<_> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
        fields.push(("upstream", format!("{task_id}: {}", counts.join(", "))));
    }
    session.screen.one(&found, &fields)?;
    Ok(Exit::Done)
}
