//! Around a database's life: looking at it, backups and their restoration, disks that are full, databases that are too new.

use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Server, dies, eventually, on, refused, told, waft};

fn backup_of(server: &Server, folder: &TempDir) -> PathBuf {
    let file = folder.path().join("one.backup");
    let made = told(&["backup", file.to_str().expect("a plain path")], &server.data());
    assert!(made["objects"].as_u64().is_some_and(|objects| objects > 0), "{made:#}");
    file
}

#[tokio::test]
async fn the_status_is_told_beside_a_running_server_and_without_one() {
    let mut server = Server::with_bundle("flows-guest").await;
    let running = told(&["db", "status"], &server.data());
    assert_eq!((&running["is_in_use"], &running["missing"]), (&json!(true), &json!([])), "{running:#}");
    assert_eq!(running["schema"], running["known"], "{running:#}");
    refused(&["db", "migrate"], &server.data(), "another server uses");
    server.terminate().await;
    let alone = told(&["db", "status"], &server.data());
    assert_eq!((&alone["is_in_use"], &alone["epoch"]), (&json!(false), &json!(1)), "{alone:#}");
    assert_eq!(told(&["db", "migrate"], &server.data()), json!([]));

    let nowhere = server.data().with_file_name("nowhere");
    assert_eq!(on(&["db", "status"], &nowhere).status.code(), Some(3));
    assert!(!nowhere.exists(), "looking makes nothing");
    let made = told(&["db", "migrate"], &nowhere);
    assert_eq!(made[0]["name"], "0001_spine", "{made:#}");
}

#[tokio::test]
async fn a_backup_of_a_running_server_is_restored_and_goes_on() {
    let mut server = Server::with_bundle("flows-guest").await;
    let done = server.run("squares", json!({ "n": 10 })).await;
    let done = done["dag_run"]["dag_run_id"].as_str().expect("an id").to_owned();
    let under_way = server.trigger_id("surviving", json!({ "n": 300, "pause_ms": 100 })).await;
    let count = async || {
        let path = format!("/dags/surviving/dagRuns/{under_way}/taskInstances/begin/listMapped?state=success&limit=1");
        server.get(&path).await.expect(200)["total_entries"].as_u64().filter(|done| *done > 20)
    };
    eventually("some items are done", count).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = backup_of(&server, &folder);
    assert!(server.finished("surviving", &under_way).await["state"] == "success", "the server goes on");
    let before = server.get(&format!("/dags/squares/dagRuns/{done}")).await.expect(200);
    let log = format!("/dags/squares/dagRuns/{done}/taskInstances/sum/logs/1");
    let log_before = server.get(&log).await.text;
    let epoch = told(&["db", "status"], &server.data())["epoch"].as_u64().expect("an epoch");
    server.kill().await;

    let restored = Server::restored(&file).await;
    assert_eq!(restored.get(&format!("/dags/squares/dagRuns/{done}")).await.expect(200), before);
    assert_eq!(restored.get(&log).await.text, log_before);
    let ended = restored.finished("surviving", &under_way).await;
    assert_eq!(ended["state"], "success", "{ended:#}");
    assert_eq!(restored.mapped("surviving", &under_way, "begin").await.len(), 300);
    let now = told(&["db", "status"], &restored.data())["epoch"].as_u64().expect("an epoch");
    assert!(now > epoch + 1_000, "fences of before are stale: {epoch}, {now}");
}

#[tokio::test]
async fn what_is_damaged_or_in_the_way_is_not_restored() {
    let server = Server::with_bundle("flows-guest").await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = backup_of(&server, &folder);
    let whole = std::fs::read(&file).expect("the backup is there");
    let name = file.to_str().expect("a plain path");
    refused(&["backup", name], &server.data(), "exists already");

    let place = folder.path().join("data");
    let check = |bytes: &[u8], words: &str| {
        let damaged = folder.path().join("damaged.backup");
        std::fs::write(&damaged, bytes).expect("the folder can be written");
        refused(&["restore", damaged.to_str().expect("a plain path")], &place, words);
        assert!(!place.exists(), "{words}");
    };
    for part in [1, 2, 3] {
        check(&whole[..whole.len() * part / 4], "cannot be used");
    }
    for place in [3, 5, 7] {
        let mut flipped = whole.clone();
        flipped[whole.len() * place / 9] ^= 1;
        check(&flipped, "cannot restore");
    }
    check(b"no backup at all", "cannot restore");
    let names = std::fs::read_dir(folder.path()).expect("the folder can be read").count();
    assert_eq!(names, 2, "nothing but the backups is left");

    std::fs::create_dir(&place).expect("the folder can be written");
    std::fs::write(place.join("something"), "here").expect("the folder can be written");
    refused(&["restore", name], &place, "is not empty");
    std::fs::remove_file(place.join("something")).expect("the folder can be written");
    told(&["restore", name], &place);
}

/// Bytes of all files below a folder, of which some may be going at this moment.
fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let bytes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => bytes_below(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

#[tokio::test]
async fn who_is_killed_in_a_backup_or_a_restoration_leaves_nothing_that_can_be_taken_for_one() {
    let server = Server::with_bundle("flows-guest").await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = backup_of(&server, &folder);
    let (killed, place) = (folder.path().join("killed.backup"), folder.path().join("data"));
    let size = std::fs::metadata(&whole).expect("the backup is there").len();
    for eighth in 0..8 {
        for (command, file) in [("backup", &killed), ("restore", &whole)] {
            let data = if command == "backup" { server.data() } else { place.clone() };
            let mut process = waft().arg(command).arg(file).arg("--data").arg(data).spawn().expect("waft starts");
            // It has written so much, or has ended by itself.
            let begun = bytes_below(folder.path());
            while bytes_below(folder.path()) < begun + size * eighth / 8
                && process.try_wait().expect("a child").is_none()
            {
                std::thread::yield_now();
            }
            let _ = kill(Pid::from_raw(process.id().cast_signed()), Signal::SIGKILL);
            process.wait().expect("a child");
        }
        // What is there under its name is whole.
        if killed.exists() {
            let copy = folder.path().join("copy");
            told(&["restore", killed.to_str().expect("a plain path")], &copy);
            std::fs::remove_dir_all(&copy).expect("the folder can be written");
            std::fs::remove_file(&killed).expect("the folder can be written");
        }
        if !place.exists() {
            told(&["restore", whole.to_str().expect("a plain path")], &place);
        }
        let status = told(&["db", "status"], &place);
        assert_eq!(status["schema"], status["known"], "{status:#}");
        std::fs::remove_dir_all(&place).expect("the folder can be written");
    }
}

#[tokio::test]
async fn who_dies_beside_the_last_step_of_a_backup_or_a_restoration_has_done_it_or_not() {
    let server = Server::with_bundle("flows-guest").await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = backup_of(&server, &folder);
    let whole = whole.to_str().expect("a plain path");
    for (side, is_done) in [("before", false), ("after", true)] {
        let file = folder.path().join(format!("{side}.backup"));
        let file = file.to_str().expect("a plain path");
        dies(&["backup", file], &server.data(), &format!("backup::snapshot.{side}=kill@1"));
        let place = folder.path().join(side);
        dies(&["restore", whole], &place, &format!("restore::swap.{side}=kill@1"));
        assert_eq!((Path::new(file).exists(), place.exists()), (is_done, is_done), "{side}");
        if !is_done {
            told(&["backup", file], &server.data());
            told(&["restore", whole], &place);
        }
        told(&["restore", file], &folder.path().join(format!("{side}-again")));
        let well = on(&["db", "check"], &place);
        assert!(well.status.success() && well.stdout.is_empty(), "{well:?}");
    }
}

#[tokio::test]
async fn a_check_finds_what_is_missing_and_nothing_where_all_is_well() {
    let mut server = Server::with_bundle("flows-guest").await;
    let run = server.run("squares", json!({ "n": 10 })).await;
    assert_eq!(run["state"], "success", "{run:#}");
    refused(&["db", "check"], &server.data(), "another server uses");
    assert_eq!(on(&["gc", "--dry-run", "--output", "json"], &server.data()).stdout, b"", "a component is referred to");
    server.terminate().await;
    let well = on(&["db", "check"], &server.data());
    assert!(well.status.success() && well.stdout.is_empty(), "{well:?}");

    let blobs = server.data().join("objects/blobs");
    std::fs::rename(&blobs, server.data().join("elsewhere")).expect("the folder can be written");
    let found = on(&["db", "check", "--output", "json"], &server.data());
    assert_eq!(found.status.code(), Some(7), "{found:?}");
    let finding: Value = serde_json::from_slice(&found.stdout).expect("one finding, in one line");
    assert_eq!(finding["invariant"], "I14", "{finding:#}");
    assert!(finding["advice"].as_str().is_some_and(|advice| advice.contains("deploy")), "{finding:#}");
}

#[tokio::test]
async fn a_full_disk_is_told_and_survived() {
    let server = Server::with_bundle("flows-guest").await;
    let before = server.trigger_id("chain", json!({ "start": 1 })).await;
    server.finished("chain", &before).await;
    limit_files(&server, "0");
    let refusal = server
        .post("/dags/chain/dagRuns", json!({ "logical_date": null, "dag_run_id": "too-late", "conf": { "start": 2 } }))
        .await;
    let problem = refusal.expect_problem(507, "storage-not-writable");
    assert!(problem["hint"].as_str().is_some_and(|hint| hint.contains("make room")), "{problem:#}");
    let upload = async || server.send(server.request(Method::PUT, BLOB).body("hello")).await;
    upload().await.expect_problem(507, "storage-not-writable");
    // What needs no room goes on.
    assert_eq!(server.get(&format!("/dags/chain/dagRuns/{before}")).await.expect(200)["state"], "success");

    limit_files(&server, "unlimited");
    let after = server.trigger_id("chain", json!({ "start": 3 })).await;
    assert_eq!(server.finished("chain", &after).await["state"], "success");
    assert_eq!(server.get("/dags/chain/dagRuns/too-late").await.status, 404, "what was refused was not done");
    assert!(upload().await.status.is_success());
}

/// The five bytes "hello".
const BLOB: &str = "/blobs/sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// Limits how large any file may grow that the server writes, from now on: a full disk without a disk.
fn limit_files(server: &Server, bytes: &str) {
    let limit = format!("--fsize={bytes}:unlimited");
    let output = Command::new("prlimit").args(["--pid", &server.pid().to_string(), &limit]).output();
    let output = output.expect("prlimit is there");
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_with_a_word_on_what_to_do() {
    let mut server = Server::start().await;
    server.terminate().await;
    let database = server.data().join("waft.db");
    let mut bytes = std::fs::read(&database).expect("the database is there");
    // The number of the schema, where SQLite keeps it in a file's head.
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&database, &bytes).expect("the folder can be written");
    refused(&["serve", "--listen", "127.0.0.1:0"], &server.data(), "the database has schema 99");
    refused(&["db", "migrate"], &server.data(), "start a newer program");
    refused(&["db", "status"], &server.data(), "or a newer one");
    assert_eq!(std::fs::read(&database).expect("the database is there"), bytes, "it was left alone");
}
