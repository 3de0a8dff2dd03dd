//! `waft pause` and `waft unpause`.

use super::connection::client;
use super::dispatch::Session;
use super::runs::time;
use crate::arguments::ServerArguments;
use crate::exit::Exit;
use crate::failure::Outcome;

pub(super) async fn run(dag: &str, is_paused: bool, server: &ServerArguments, session: &Session) -> Outcome {
    let dag = client(server, session)?.dag_pause(dag, is_paused).await?;
    let text = match (dag.is_paused, dag.next_dagrun_run_after) {
        (true, _) => format!("DAG {} is paused", dag.dag_id),
        (false, None) => format!("DAG {} goes on", dag.dag_id),
        (false, next) => format!("DAG {} goes on; its next run is due at {}", dag.dag_id, time(next)),
    };
    session.screen.line(&dag, &text)?;
    Ok(Exit::Done)
}
