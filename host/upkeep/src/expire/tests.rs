use std::pin::pin;
use std::task::Poll;

use blobs::{LogKey, LogLevel, LogRecord, LogSource, LogStore, ObjectKind};
use model::{BundleName, BundleVersionKey, Digest, MapIndex, NodeIdx, RunId, TryNumber, VersionKey};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::doubles::{Rows, SCOPE};

const HOUR: Duration = Duration::from_secs(3600);

fn now() -> Timestamp {
    Timestamp::constant(1_800_000_000, 0)
}

fn key(number: u128) -> RunKey {
    RunKey::from_uuid(Uuid::from_u128(number))
}

fn run(dag: &str, number: u128, hours_ago: i64) -> EndedRun {
    let run_id = RunId::new(format!("run-{number}")).unwrap();
    let ended_at = now() - SignedDuration::from_hours(hours_ago);
    EndedRun { key: key(number), dag_id: DagId::new(dag).unwrap(), run_id, ended_at }
}

struct World {
    folder: TempDir,
    rows: Rows,
    stock: Stock,
}

impl World {
    /// Runs, each with a log of two attempts.
    async fn with(runs: impl IntoIterator<Item = EndedRun>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogStore::in_folder(folder.path()).unwrap();
        let rows = Rows::default();
        for run in runs {
            for try_number in [TryNumber(1), TryNumber(2)] {
                let log =
                    LogKey { scope: SCOPE, run: run.key, node: NodeIdx(0), map_index: MapIndex::NONE, try_number };
                let message = "said".to_owned();
                let record = LogRecord { at: now(), level: LogLevel::Info, source: LogSource::Waft, message };
                logs.append(log, vec![record]).await;
                logs.finish(log).await;
            }
            rows.runs.lock().unwrap().push(run);
        }
        let stock = Stock::in_folder(folder.path()).unwrap();
        Self { folder, rows, stock }
    }

    /// A pass; what it told, in short.
    async fn pass(&self, policy: RetentionPolicy, mode: Mode) -> Vec<String> {
        let mut told = Vec::new();
        let tell = |_, expired: Expired| {
            told.push(match expired {
                Expired::Run { run, logs } => format!("{} {}", run.run_id.as_str(), logs.objects),
                Expired::RestOfRun { key, .. } => format!("rest of {}", key.uuid().as_u128()),
                Expired::Version(it) => format!("{} v{}", it.dag_id.as_str(), it.version_number),
                Expired::BundleVersion(it) => format!("bundle {}", it.name.as_str()),
            });
        };
        expire(&self.rows, &self.stock, policy, now(), mode, tell).await.unwrap();
        told
    }

    async fn logs(&self) -> usize {
        self.stock.list(ObjectKind::Logs).try_collect::<Vec<_>>().await.unwrap().len()
    }
}

#[tokio::test]
async fn what_is_old_or_too_much_goes_with_its_logs_and_a_dry_run_tells_it() {
    let runs = [run("a", 1, 9), run("b", 2, 8), run("a", 3, 1), run("a", 4, 1), run("b", 5, 1)];
    let world = World::with(runs).await;
    let nothing = RetentionPolicy::default();
    assert_eq!(world.pass(nothing, Mode::Do).await, [] as [&str; 0], "everything is kept for ever");
    let by_age = RetentionPolicy { runs_max_age: Some(5 * HOUR), ..nothing };
    assert_eq!(world.pass(by_age, Mode::DryRun).await, ["run-1 2", "run-2 2"]);
    let by_number = RetentionPolicy { runs_max_per_dag: Some(1), ..nothing };
    assert_eq!(world.pass(by_number, Mode::DryRun).await, ["run-1 2", "run-3 2", "run-2 2"]);
    let both = RetentionPolicy { runs_max_per_dag: Some(1), ..by_age };
    assert_eq!(world.logs().await, 10);
    for mode in [Mode::DryRun, Mode::DryRun, Mode::Do] {
        assert_eq!(world.pass(both, mode).await, ["run-1 2", "run-2 2", "run-3 2"], "{mode:?}");
    }
    assert_eq!(world.logs().await, 4);
    assert_eq!(world.pass(both, Mode::Do).await, [] as [&str; 0]);
    let folders = std::fs::read_dir(world.folder.path().join("logs/1")).unwrap().count();
    assert_eq!(folders, 2, "no empty folders are left");
}

#[tokio::test]
async fn runs_go_page_by_page() {
    let count = u128::from(2 * RUNS_PER_BATCH + 7);
    let runs: Vec<_> = (1..=count).map(|number| run("a", number, 2)).collect();
    let world = World::with([]).await;
    world.rows.runs.lock().unwrap().extend(runs);
    let by_number = RetentionPolicy { runs_max_per_dag: Some(2), ..RetentionPolicy::default() };
    assert_eq!(world.pass(by_number, Mode::DryRun).await.len() as u128, count - 2);
    let by_age = RetentionPolicy { runs_max_age: Some(HOUR), ..RetentionPolicy::default() };
    assert_eq!(world.pass(by_age, Mode::DryRun).await.len() as u128, count);
    assert_eq!(world.pass(by_number, Mode::Do).await.len() as u128, count - 2);
    assert_eq!(world.pass(by_age, Mode::Do).await.len(), 2);
}

#[tokio::test]
async fn versions_go_when_nothing_refers_to_them_for_long() {
    let world = World::with([]).await;
    let version =
        IdleVersion { key: VersionKey::from_uuid(Uuid::nil()), dag_id: DagId::new("a").unwrap(), version_number: 3 };
    world.rows.versions.lock().unwrap().push(version);
    let (key, name) = (BundleVersionKey::from_uuid(Uuid::nil()), BundleName::new("b").unwrap());
    let bundle = IdleBundleVersion { key, name, component: Digest::of(b"c"), size_bytes: 1 };
    world.rows.bundle_versions.lock().unwrap().push(bundle);
    assert_eq!(world.pass(RetentionPolicy::default(), Mode::Do).await, [] as [&str; 0]);
    let policy = RetentionPolicy { versions_max_age: Some(HOUR), ..RetentionPolicy::default() };
    for mode in [Mode::DryRun, Mode::Do] {
        assert_eq!(world.pass(policy, mode).await, ["bundle b", "a v3"], "{mode:?}");
    }
    assert_eq!(world.pass(policy, Mode::Do).await, [] as [&str; 0]);
}

#[tokio::test]
async fn whoever_is_killed_at_any_point_leaves_what_the_next_one_finishes() {
    let policy = RetentionPolicy { runs_max_age: Some(HOUR), ..RetentionPolicy::default() };
    let mut rests = 0;
    for polls in 1..80 {
        let world = World::with([run("a", 1, 9), run("a", 2, 9)]).await;
        {
            let mut left = polls;
            let mut pass = pin!(expire(&world.rows, &world.stock, policy, now(), Mode::Do, |_, _| {}));
            std::future::poll_fn(|context| {
                left -= 1;
                if left == 0 { Poll::Ready(()) } else { pass.as_mut().poll(context).map(drop) }
            })
            .await;
        }
        let rest = world.pass(policy, Mode::DryRun).await;
        assert_eq!(world.pass(policy, Mode::Do).await.len(), rest.len(), "killed after {polls} steps");
        rests += usize::from(rest.iter().any(|it| it.starts_with("rest")));
        assert!(world.rows.runs.lock().unwrap().is_empty() && world.rows.discarded.lock().unwrap().is_empty());
        assert_eq!(world.logs().await, 0, "killed after {polls} steps");
        // Nothing is told of what a dead pass had done.
        assert_eq!(world.pass(policy, Mode::Do).await, [] as [&str; 0]);
    }
    assert!(rests > 0, "some are killed in the middle of a run");
}
