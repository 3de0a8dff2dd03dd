//! `waft delete`.

use super::connection::client;
use super::dispatch::Session;
use crate::arguments::DeleteArguments;
use crate::exit::Exit;
use crate::failure::Outcome;

pub(super) async fn run(arguments: DeleteArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let dag = &arguments.dag;
    match &arguments.run {
        Some(run) => {
            client.dag_run_delete(dag, run).await?;
            session.screen.note(&format!("run {run} of DAG {dag} is deleted"))?;
        }
        None => {
            client.dag_delete(dag).await?;
            session.screen.note(&format!("DAG {dag} is deleted, with its runs"))?;
        }
    }
    Ok(Exit::Done)
}
