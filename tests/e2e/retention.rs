//! What is kept no longer, and who dies while it deletes that.

use serde_json::{Value, json};

use crate::harness::{Server, dies, on};

#[tokio::test]
async fn what_is_kept_no_longer_goes_beside_a_running_server() {
    let server = Server::start_with(&["--grace-s", "1"]).await;
    server.deploy("flows-guest").await;
    only_the_newest_stay(server, &[]).await;
}

#[tokio::test]
async fn what_is_kept_no_longer_goes_on_postgresql_too() {
    let (database, objects) = (testkit_postgres::database(), tempfile::tempdir().expect("a temporary folder"));
    let (database, objects) = (database.url(), format!("file://{}", objects.path().display()));
    let place = ["--database", database.as_str(), "--objects", objects.as_str()];
    let server = Server::start_with(&[&["--grace-s", "1"][..], &place].concat()).await;
    server.deploy("flows-guest").await;

    let refused = on(&["backup", "a.backup", "--database", database.as_str()], &server.data());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && said.contains("pg_dump"), "{refused:?}");
    let refused = on(&[&["db", "check"][..], &place].concat(), &server.data());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(7) && said.contains("servers use the database"), "{refused:?}");
    only_the_newest_stay(server, &place).await;
}

/// Runs go but for the newest of each DAG and for those that have not ended. `place` is where rows and objects are.
async fn only_the_newest_stay(mut server: Server, place: &[&str]) {
    let mut ended = Vec::new();
    for n in [3, 4, 5] {
        let run = server.run("squares", json!({ "n": n })).await;
        ended.push(run["dag_run"]["dag_run_id"].as_str().expect("an id").to_owned());
    }
    let mut under_way = Vec::new();
    for _ in 0..2 {
        // Longer than this test.
        under_way.push(server.trigger_id("surviving", json!({ "n": 2, "pause_ms": 300_000 })).await);
    }
    let pass = |more: &[&str]| {
        let arguments = [&["gc", "--runs-max-per-dag", "1", "--output", "json"][..], more, place].concat();
        let output = on(&arguments, &server.data());
        assert!(output.status.success(), "{output:?}");
        let lines = String::from_utf8(output.stdout).expect("text");
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>()
    };
    let would = pass(&["--dry-run"]);
    let told: Vec<_> = would.iter().map(|it| (&it["dag_id"], &it["dag_run_id"])).collect();
    let squares = json!("squares");
    assert_eq!(told, [(&squares, &json!(ended[0])), (&squares, &json!(ended[1]))], "{would:?}");
    let found = async |run: &str| server.get(&format!("/dags/squares/dagRuns/{run}")).await.status.as_u16();
    assert_eq!(found(&ended[0]).await, 200, "a dry run changes nothing");
    assert_eq!(pass(&[]), would);
    assert_eq!(pass(&[]), [] as [Value; 0]);
    for (run, status) in ended.iter().zip([404, 404, 200]) {
        assert_eq!(found(run).await, status);
    }
    assert_eq!(server.get("/dags/squares/dagRuns").await.expect(200)["total_entries"], 1);
    for run in &under_way {
        let found = server.get(&format!("/dags/surviving/dagRuns/{run}")).await.expect(200);
        assert!(found["end_date"].is_null(), "{found:#}");
    }

    server.terminate().await;
    let well = on(&[&["db", "check"][..], place].concat(), &server.data());
    assert!(well.status.success() && well.stdout.is_empty(), "{well:?}");
}

#[tokio::test]
async fn who_dies_while_it_deletes_what_is_kept_no_longer_is_followed_by_the_next() {
    let mut server = Server::with_bundle("flows-guest").await;
    for words in ["one", "two", "three", "four"] {
        assert_eq!(server.run("talk", json!({ "words": words })).await["state"], "success");
    }
    server.terminate().await;
    let pass = ["gc", "--runs-max-per-dag", "1"];
    for plan in ["erase::step.before=kill@1", "erase::step.after=kill@1", "erase::log.after=kill@1"] {
        dies(&pass, &server.data(), plan);
        let well = on(&["db", "check"], &server.data());
        assert!(well.status.success() && well.stdout.is_empty(), "{plan}: {well:?}");
    }
    let done = on(&pass, &server.data());
    assert!(done.status.success(), "{done:?}");
    let again = on(&[&pass[..], &["--dry-run", "--output", "json"]].concat(), &server.data());
    assert_eq!(String::from_utf8_lossy(&again.stdout), "", "nothing is left to do");
}
