//! `waft gc`.

use anyhow::Context;
use clock::{Clock, Real};
use model::TenantScope;
use serde_json::{Value, json};
use upkeep::{BlobPolicy, Collected, Expired, Fate, LogSize, Mode};

use super::db::place;
use super::dispatch::Session;
use super::retention;
use crate::arguments::GcArguments;
use crate::config::{Data, Objects};
use crate::exit::Exit;
use crate::failure::Outcome;

pub(super) async fn run(arguments: GcArguments, session: &Session) -> Outcome {
    let known = &session.settings;
    let data = known.get::<Data>(arguments.data.data.clone())?.value;
    let policy = retention::policy(&arguments.retention, known)?;
    let rows = retention::rows(place(&arguments.data, session)?).await?;
    let stock = retention::stock(&known.get::<Objects>(arguments.objects.objects)?.value, &data)?;
    let mode = if arguments.dry_run { Mode::DryRun } else { Mode::Do };
    let now = Real.now();
    let mut sums = Sums::default();
    let mut printed = Ok(());
    let mut print = |line: (Value, String)| {
        if printed.is_ok() {
            printed = session.screen.line(&line.0, &line.1);
        }
    };
    // Blobs first: what becomes free by this goes with the next pass, whose list then is exact too.
    let collected = upkeep::collect(&*rows, &stock, BlobPolicy::default(), now, mode, |it| {
        sums.count_blob(it);
        print(blob_line(it));
    });
    collected.await.context("cannot collect what nothing refers to")?;
    let expired = upkeep::expire(&*rows, &stock, policy, now, mode, |scope, it| {
        sums.count(&it);
        print(line(scope, &it));
    });
    expired.await.context("cannot delete what is kept no longer")?;
    printed?;
    let would = if arguments.dry_run { "would be " } else { "" };
    session.screen.note(&format!("{would}{}", sums.told()))?;
    Ok(Exit::Done)
}

fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::LaidAside => "laid aside",
        Fate::TakenBack => "taken back",
        Fate::Deleted => "deleted",
    }
}

/// For programs and for people.
fn blob_line(it: Collected) -> (Value, String) {
    let Collected { scope, digest, size_bytes, fate } = it;
    let told = json!({ "fate": fate, "tenant": scope.tenant().number(), "blob": digest, "size_bytes": size_bytes });
    (told, format!("{:<10} {size_bytes:>12} {digest}", word(fate)))
}

/// For programs and for people.
fn line(scope: TenantScope, it: &Expired) -> (Value, String) {
    let tenant = scope.tenant().number();
    let of_logs = |logs: &LogSize| json!({ "objects": logs.objects, "bytes": logs.bytes });
    match it {
        Expired::Run { run, logs } => {
            let (dag, id) = (run.dag_id.as_str(), run.run_id.as_str());
            let told = json!({
                "fate": "deleted", "tenant": tenant, "dag_id": dag, "dag_run_id": id, "ended_at": run.ended_at,
                "logs": of_logs(logs),
            });
            (told, format!("deleted    {:>12} run {dag}/{id}, ended {}", logs.bytes, run.ended_at))
        }
        Expired::RestOfRun { key, logs } => {
            let told = json!({ "fate": "deleted", "tenant": tenant, "rest_of_run": key, "logs": of_logs(logs) });
            (told, format!("deleted    {:>12} rest of run {key}", logs.bytes))
        }
        Expired::Version(it) => {
            let (dag, number) = (it.dag_id.as_str(), it.version_number);
            let told = json!({ "fate": "deleted", "tenant": tenant, "dag_id": dag, "version_number": number });
            (told, format!("deleted    {:>12} version {number} of DAG {dag}", 0))
        }
        Expired::BundleVersion(it) => {
            let name = it.name.as_str();
            let told = json!({ "fate": "deleted", "tenant": tenant, "bundle": name, "component": it.component });
            (told, format!("deleted    {:>12} version {} of bundle {name}", 0, it.component))
        }
    }
}

/// How much of what.
#[derive(Default)]
struct Sums {
    /// Counts and bytes of blobs, by fate.
    blobs: [(u64, u64); 3],
    runs: u64,
    logs: LogSize,
    versions: u64,
    bundle_versions: u64,
}

impl Sums {
    fn count_blob(&mut self, it: Collected) {
        let (count, bytes) = &mut self.blobs[it.fate as usize];
        *count += 1;
        *bytes += it.size_bytes;
    }

    fn count(&mut self, it: &Expired) {
        match it {
            Expired::Run { logs, .. } | Expired::RestOfRun { logs, .. } => {
                self.runs += 1;
                self.logs.objects += logs.objects;
                self.logs.bytes += logs.bytes;
            }
            Expired::Version(_) => self.versions += 1,
            Expired::BundleVersion(_) => self.bundle_versions += 1,
        }
    }

    fn told(&self) -> String {
        let blobs = [Fate::LaidAside, Fate::TakenBack, Fate::Deleted].map(|fate| {
            let (count, bytes) = self.blobs[fate as usize];
            format!("{}: {count} blobs, {bytes} bytes", word(fate))
        });
        let Self { runs, logs, versions, bundle_versions, .. } = self;
        format!(
            "{}; {runs} runs, {} bytes of logs, {versions} versions of DAGs, {bundle_versions} of bundles",
            blobs.join("; "),
            logs.bytes
        )
    }
}
