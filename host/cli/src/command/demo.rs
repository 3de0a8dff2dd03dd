//! `waft demo`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use client::{Client, Deployed, ResultState, Trigger, Waited};
use model::BundleName;
use model::limits::worker::SLOTS_DEFAULT;
use sandbox::RunnerCommand;

use super::dispatch::Session;
use super::trigger::{because, follow};
use crate::arguments::DemoArguments;
use crate::config::LogFormat;
use crate::demo::{Files, KeptServer, LeftOut, Report, Summary, collect, example, list, root, upload};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use crate::screen::Format;
use crate::serve::{HouseOptions, RunningServer, ServerOptions, StopSignal, start};
use crate::stopwatch::Stopwatch;
use crate::{guest, logging};

const DAG: &str = "word_count";
const BUNDLE: &str = "word-count";
/// The task whose value is the result.
const RESULT_TASK: &str = "summarize";
const RUN_TIMEOUT: Duration = Duration::from_secs(3600);
const GRACE: Duration = Duration::from_secs(1);
const QUIET: &str = "error";
const VERBOSE: &str = "info";

pub(super) async fn run(arguments: DemoArguments, session: &Session) -> Outcome {
    logging::start(if arguments.verbose { VERBOSE } else { QUIET }, LogFormat::Text)?;
    let root = root()?;
    let folder = arguments.dir.clone().unwrap_or_else(|| root.clone());
    let folder = std::fs::canonicalize(&folder).map_err(|error| {
        Failure::new(Exit::Usage, anyhow::Error::new(error).context(format!("cannot open {folder:?}")))
            .hint("name a folder with text files, or leave it out for this repository")
    })?;
    if !folder.is_dir() {
        let error = anyhow::anyhow!("{folder:?} is no folder");
        return Err(Failure::new(Exit::Usage, error).hint("name the folder that the file stands in"));
    }
    let progress = Progress::new(session.screen.format);
    let mut stopwatch = Stopwatch::start();

    let component = build(&root, session, progress).await?;
    stopwatch.lap("build");
    let data = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut signal = StopSignal::listen()?;
    let server = start(ServerOptions {
        data: data.path().to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        house: HouseOptions::alone(
            SLOTS_DEFAULT,
            RunnerCommand::this_program().context("cannot find this program's file")?,
        ),
    })
    .await?;
    stopwatch.lap("start");

    let outcome = tokio::select! {
        outcome = show(&server, component, folder, progress, stopwatch) => outcome,
        () = signal.next() => Err(Failure::new(Exit::Broken, anyhow!("interrupted"))),
        failed = server.failed() => Err(Failure::new(Exit::Broken, failed)),
    };
    let outcome = match outcome {
        Ok((report, files)) => finish(report, &files, &server, arguments.keep, session, &mut signal).await,
        Err(failure) => Err(failure),
    };
    server.stop(GRACE).await;
    outcome
}

async fn build(root: &Path, session: &Session, progress: Progress) -> Result<guest::Component, Failure> {
    let is_quiet = session.screen.format == Format::Json || progress == Progress::Terminal;
    let stage = progress.stage("build");
    let component = guest::component(&example(root), is_quiet).await?;
    stage.done(&format!("{} ({} bytes)", component.name, component.bytes.len()));
    Ok(component)
}

/// From the component to the result, through the API.
async fn show(
    server: &RunningServer,
    component: guest::Component,
    folder: PathBuf,
    progress: Progress,
    mut stopwatch: Stopwatch,
) -> Result<(Report, Files), Failure> {
    let client = Client::new(&server.url(), Some(&server.token))?;
    let bundle = BundleName::new(BUNDLE).expect("the name follows the grammar");
    let stage = progress.stage("deploy");
    let deployed = client.bundle_deploy(&bundle, component.bytes, false).await?;
    let (version_number, version_id) = version(&deployed)?;
    stage.done(&format!("{DAG}, version {version_number} ({version_id})"));
    stopwatch.lap("deploy");

    let mut files = collected(&folder, progress).await?;
    let listed = list(&files.taken).context("cannot list the files")?;
    files.left_out.add(LeftOut::Conf, (files.taken.len() - listed.count) as u64);
    files.taken.truncate(listed.count);
    stopwatch.lap("collect");

    upload(&client, &files.taken, progress).await?;
    stopwatch.lap("upload");

    let trigger =
        Trigger { logical_date: None, dag_run_id: None, conf: Some(listed.conf), note: None, idempotency_key: None };
    let run = client.dag_run_trigger(DAG, &trigger).await?;
    let waited = follow(&client, &run, RUN_TIMEOUT, progress).await?;
    stopwatch.lap("run");
    let report = Report {
        result: result(&waited)?,
        folder: folder.display().to_string(),
        left_out: files.left_out.reasons(),
        dag_id: run.dag_id,
        run_id: run.dag_run_id,
        version_number,
        version_id,
        stages: stopwatch.stages(),
        server: None,
    };
    Ok((report, files))
}

async fn collected(folder: &Path, progress: Progress) -> Result<Files, Failure> {
    let stage = progress.stage("collect");
    let at = folder.to_owned();
    let files = tokio::task::spawn_blocking(move || collect(&at)).await.context("reading files did not end well")??;
    if files.taken.is_empty() {
        return Err(Failure::usage(format!("{folder:?} holds no text file that can be taken")));
    }
    let mut words = format!("{} files, {} bytes", files.taken.len(), files.bytes);
    if files.left_out.total() > 0 {
        words += &format!("; {}", files.left_out.in_words());
    }
    stage.done(&words);
    Ok(files)
}

fn version(deployed: &Deployed) -> Result<(u32, String), Failure> {
    let dag = deployed.dags.iter().find(|dag| dag.dag_id == DAG);
    let version = dag.and_then(|dag| Some((dag.version_number?, dag.version_id.clone()?)));
    Ok(version.with_context(|| format!("the example defines no DAG {DAG:?}"))?)
}

fn result(waited: &Waited) -> Result<Summary, Failure> {
    if waited.result != ResultState::Available {
        let why = match &waited.failed {
            Some(failed) => because(failed),
            None if waited.timed_out => "it takes too long".to_owned(),
            None => waited.dag_run.reason.clone().unwrap_or_else(|| "nothing is known about why".to_owned()),
        };
        return Err(Failure::new(Exit::RunFailed, anyhow!("{why}").context("the run has no result")));
    }
    let value = waited.results.get(RESULT_TASK).cloned().context("the run left no result")?;
    Ok(serde_json::from_value(value).context("the result is not what the example says")?)
}

async fn finish(
    mut report: Report,
    files: &Files,
    server: &RunningServer,
    keep: bool,
    session: &Session,
    signal: &mut StopSignal,
) -> Outcome {
    if keep {
        report.server = Some(KeptServer { url: server.url(), token_file: server.token_file.display().to_string() });
    }
    session.screen.one(&report, &report.fields(&files.left_out))?;
    if keep {
        eprintln!("the server stays up; Ctrl-C ends it and removes its data");
        signal.next().await;
    }
    Ok(Exit::Done)
}
