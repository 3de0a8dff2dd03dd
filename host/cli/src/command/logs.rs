//! `waft logs`.

use client::{LogLine, LogQuery};

use super::connection::client;
use super::dispatch::Session;
use crate::arguments::LogsArguments;
use crate::exit::Exit;
use crate::failure::Outcome;

pub(super) async fn run(arguments: LogsArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let it = arguments.instance;
    let try_number = match arguments.try_number {
        Some(try_number) => try_number,
        None => client.task_instance(&it.dag, &it.run, &it.task, it.map_index).await?.try_number.max(1),
    };
    let query = LogQuery {
        dag_id: it.dag,
        run_id: it.run,
        task_id: it.task,
        map_index: it.map_index,
        try_number,
        follow: arguments.follow,
    };
    let mut lines = client.log(&query).await?;
    while let Some(line) = lines.next().await? {
        session.screen.line(&line, &text(&line))?;
    }
    Ok(Exit::Done)
}

fn text(line: &LogLine) -> String {
    let time = line.timestamp.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()).unwrap_or_default();
    let level = line.level.as_deref().unwrap_or_default().to_uppercase();
    let logger = line.logger.as_deref().unwrap_or_default();
    format!("{time} {level:<7} {logger:<6} {}", line.event)
}
