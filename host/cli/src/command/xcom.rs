//! `waft xcom`.

use super::connection::client;
use super::dispatch::Session;
use crate::arguments::XcomArguments;
use crate::exit::Exit;
use crate::failure::Outcome;

pub(super) async fn run(arguments: XcomArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let it = &arguments.instance;
    let xcom = client.xcom(&it.dag, &it.run, &it.task, it.map_index, &arguments.key).await?;
    session.screen.value(&xcom.value)?;
    Ok(Exit::Done)
}
