//! `waft gc`.

use std::sync::Arc;

use anyhow::Context;
use blobs::Stock;
use clock::{Clock, Real};
use serde::Serialize;
use store_sqlite::SqliteStore;
use upkeep::{BlobPolicy, Collected, Fate, Mode};

use super::db::existing_sqlite;
use super::dispatch::Session;
use crate::arguments::GcArguments;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::serve::DataFolder;

/// For programs.
#[derive(Debug, Serialize)]
struct Told {
    fate: Fate,
    tenant: i64,
    blob: model::Digest,
    size_bytes: u64,
}

const INSTEAD: &str = "blobs beside PostgreSQL are kept";

pub(super) async fn run(arguments: GcArguments, session: &Session) -> Outcome {
    let (folder, database) = existing_sqlite(&arguments.data, session, INSTEAD)?;
    let store = SqliteStore::open_existing(&database, Arc::new(Real)).await;
    let store = store.with_context(|| format!("cannot open the database {database:?}"))?;
    let stock = Stock::in_folder(&DataFolder::objects_in(&folder)).context("cannot open the objects")?;
    let mode = if arguments.dry_run { Mode::DryRun } else { Mode::Do };
    let mut sums = [(0_u64, 0_u64); 3];
    let mut printed = Ok(());
    let tell = |it: Collected| {
        let (count, bytes) = &mut sums[it.fate as usize];
        *count += 1;
        *bytes += it.size_bytes;
        let told =
            Told { fate: it.fate, tenant: it.scope.tenant().number(), blob: it.digest, size_bytes: it.size_bytes };
        let text = format!("{:<10} {:>12} {}", word(it.fate), it.size_bytes, it.digest);
        if printed.is_ok() {
            printed = session.screen.line(&told, &text);
        }
    };
    let done = upkeep::collect(&store, &stock, BlobPolicy::default(), Real.now(), mode, tell).await;
    done.context("cannot collect what nothing refers to")?;
    printed?;
    let sum = |fate: Fate| {
        let (count, bytes) = sums[fate as usize];
        format!("{}: {count} blobs, {bytes} bytes", word(fate))
    };
    let all = [Fate::LaidAside, Fate::TakenBack, Fate::Deleted].map(sum).join("; ");
    let would = if arguments.dry_run { "would be " } else { "" };
    session.screen.note(&format!("{would}{all}"))?;
    Ok(Exit::Done)
}

fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::LaidAside => "laid aside",
        Fate::TakenBack => "taken back",
        Fate::Deleted => "deleted",
    }
}
