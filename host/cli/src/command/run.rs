//! `waft run`: one run without a server.

use std::time::Duration;

use anyhow::Context;
use control::{
    Culprit, InstanceFilter, InstanceName, InstanceView, PageRequest, RunResult, Session as Caller, TaskQuery,
    TriggerRequest, Until, WaitEnd, WaitRequest, Waited,
};
use model::limits::http::PAGE_MAX;
use model::limits::worker::SLOTS_DEFAULT;
use model::{BundleName, DagId, Key, RunState, TryNumber};
use sandbox::RunnerCommand;
use serde_json::Value;
use serde_json::value::RawValue;

use super::conf;
use super::dispatch::Session;
use crate::arguments::RunArguments;
use crate::clean::clean_line;
use crate::config::LogFormat;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::guest::Component;
use crate::screen::{Format, Screen};
use crate::serve::{DataFolder, House, HouseOptions};
use crate::{guest, logging};

/// Longer than any run may take.
const WAIT: Duration = Duration::from_millis(model::limits::run::TIMEOUT_MAX_MS);
const QUIET: &str = "error";
const VERBOSE: &str = "info";

pub(super) async fn run(arguments: RunArguments, session: &Session) -> Outcome {
    logging::start(if arguments.verbose { VERBOSE } else { QUIET }, LogFormat::Text)?;
    let conf = conf::read(&arguments.conf)?;
    let component = guest::component(&arguments.file, session.screen.format == Format::Json).await?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let data = DataFolder::open(folder.path()).map_err(|error| Failure::from(anyhow::Error::new(error)))?;
    let command = RunnerCommand::this_program().context("cannot find this program's file")?;
    let house = House::open(data, HouseOptions::alone(SLOTS_DEFAULT, command)).await?;
    let outcome = tokio::select! {
        outcome = once(&house, &arguments, component, conf, session.screen) => outcome,
        failed = house.failed() => Err(Failure::new(Exit::Broken, failed)),
    };
    house.close(Duration::ZERO).await;
    outcome
}

/// The bundle's name; a house for one run has no other.
const BUNDLE: &str = "run";

async fn once(
    house: &House,
    arguments: &RunArguments,
    component: Component,
    conf: Option<Box<RawValue>>,
    screen: Screen,
) -> Outcome {
    let control = &house.control;
    let caller = control.authenticate(house.token.expose()).await?;
    let name = BundleName::new(BUNDLE).expect("the name follows the grammar");
    let deployed = control.bundle_deploy(&caller, &name, component.bytes, false).await?;
    let dags: Vec<&DagId> = deployed.dags.iter().map(|dag| &dag.dag_id).collect();
    let request = TriggerRequest {
        conf: conf.map(|conf| conf.get().into()),
        ..TriggerRequest::of(chosen(arguments.dag.as_deref(), &dags)?)
    };
    let wait = WaitRequest { until: Until::Finished, timeout: WAIT, results: Vec::new() };
    let waited = control.dag_run_trigger_and_wait(&caller, request, &wait).await?;
    if arguments.verbose {
        print_logs(house, &caller, &waited).await?;
    }
    match &waited.end {
        WaitEnd::ResultAvailable => {
            screen.value(&result(house, &caller, &waited).await?)?;
            // The result may be there though something beside it failed.
            Ok(if waited.run.row.state == RunState::Success { Exit::Done } else { Exit::RunFailed })
        }
        WaitEnd::ResultImpossible(culprit) => Err(failed(&waited, culprit.as_ref())),
        WaitEnd::ResultPending => Err(Failure::new(Exit::TimedOut, anyhow::Error::msg("the run did not end"))),
    }
}

/// The DAG that was asked for, or the only one.
fn chosen(asked: Option<&str>, dags: &[&DagId]) -> Result<DagId, Failure> {
    let list = || dags.iter().map(|dag| dag.as_str()).collect::<Vec<_>>().join(", ");
    match (asked, dags) {
        (None, [only]) => Ok((*only).clone()),
        (None, _) => {
            Err(Failure::usage("the component has several DAGs").hint(format!("say which with --dag: {}", list())))
        }
        (Some(asked), _) => {
            let found = dags.iter().find(|dag| dag.as_str() == asked);
            let none = || {
                let message = format!("the component has no DAG {asked:?}");
                Failure::new(Exit::NotFound, anyhow::Error::msg(message)).hint(format!("it has: {}", list()))
            };
            found.map(|dag| (*dag).clone()).ok_or_else(none)
        }
    }
}

/// The value of the only result task, or an object of all.
async fn result(house: &House, caller: &Caller, waited: &Waited) -> Result<Value, Failure> {
    let mut values = serde_json::Map::new();
    for (task_id, result) in &waited.results {
        let value = match result {
            RunResult::None => Value::Null,
            RunResult::Value(text) => serde_json::from_str(text).context("a value is no JSON")?,
            RunResult::Blob { .. } => {
                let row = &waited.run.row;
                let (dag_id, run_id, task_id) = (row.dag_id.clone(), row.run_id.clone(), task_id.clone());
                let name = InstanceName { dag_id, run_id, task_id, map_index: None };
                let key = Key::new(store::RETURN_VALUE).expect("the name follows the grammar");
                let (_, text) = house.control.xcom_fetch(caller, &name, &key).await?;
                serde_json::from_str(&text).context("a value is no JSON")?
            }
            RunResult::Sequence { count } => serde_json::json!({ "count": count }),
        };
        values.insert(task_id.to_string(), value);
    }
    if values.len() == 1
        && let Some((_, value)) = values.iter().next()
    {
        return Ok(value.clone());
    }
    Ok(Value::Object(values))
}

fn failed(waited: &Waited, culprit: Option<&Culprit>) -> Failure {
    let error = match culprit {
        Some(culprit) => {
            let map_index = culprit.map_index.position().map(|position| format!("[{position}]")).unwrap_or_default();
            let why = culprit.message.as_deref().unwrap_or("it says nothing about why");
            anyhow::anyhow!("{why}").context(format!("task {}{map_index} is {}", culprit.task_id, culprit.state))
        }
        None => anyhow::anyhow!("{}", waited.run.row.reason.as_deref().unwrap_or("nothing is known about why")),
    };
    Failure::new(Exit::RunFailed, error.context("the run failed")).hint("--verbose prints the logs of its tasks")
}

async fn print_logs(house: &House, caller: &Caller, waited: &Waited) -> Result<(), Failure> {
    let row = &waited.run.row;
    let mut page = PageRequest { limit: PAGE_MAX, offset: 0 };
    loop {
        let run = Some((&row.dag_id, &row.run_id));
        let (filter, tasks) = (InstanceFilter::default(), TaskQuery::default());
        let found = house.control.task_instance_list(caller, run, filter, &tasks, page).await?;
        for instance in &found.rows {
            print_log(house, caller, waited, instance).await?;
        }
        page.offset += page.limit;
        if found.rows.len() < page.limit as usize {
            return Ok(());
        }
    }
}

async fn print_log(house: &House, caller: &Caller, waited: &Waited, instance: &InstanceView) -> Result<(), Failure> {
    let (run, key) = (&waited.run.row, instance.row.key);
    let task_id = instance.version.dag().task(key.node).task_id.clone();
    let map_index = key.map_index.position().map(|_| key.map_index);
    let label = map_index.map_or_else(|| task_id.to_string(), |map_index| format!("{task_id}[{map_index}]"));
    let name = InstanceName { dag_id: run.dag_id.clone(), run_id: run.run_id.clone(), task_id, map_index };
    for try_number in 1..=instance.row.try_number.0 {
        let mut log = house.control.log_read(caller, &name, TryNumber(try_number), 0, true).await?;
        while let Some(records) = log.next().await? {
            for record in records {
                let level = format!("{:?}", record.level).to_uppercase();
                eprintln!("{label} #{try_number} {level:<5} {}", clean_line(&record.message));
            }
        }
    }
    Ok(())
}
