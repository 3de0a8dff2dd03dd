//! `waft xcom`.

use model::limits::http::JSON_BODY_MAX_BYTES;

use super::connection::client;
use super::dispatch::Session;
use super::given;
use crate::arguments::XcomArguments;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

pub(super) async fn run(arguments: XcomArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let it = &arguments.instance;
    if arguments.delete {
        client.xcom_delete(&it.dag, &it.run, &it.task, it.map_index, &arguments.key).await?;
        return Ok(Exit::Done);
    }
    if let Some(text) = &arguments.set {
        let text = given::text(text, "the value", JSON_BODY_MAX_BYTES)?;
        let value = serde_json::from_str(&text).map_err(|error| {
            Failure::usage(format!("the value is not JSON: {error}")).hint("write --set '\"text\"'")
        })?;
        let xcom = client.xcom_put(&it.dag, &it.run, &it.task, it.map_index, (arguments.key.as_str(), &value)).await?;
        session.screen.value(&xcom.value)?;
        return Ok(Exit::Done);
    }
    let xcom = client.xcom(&it.dag, &it.run, &it.task, it.map_index, &arguments.key).await?;
    session.screen.value(&xcom.value)?;
    Ok(Exit::Done)
}
