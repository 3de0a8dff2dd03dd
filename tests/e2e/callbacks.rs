//! Callbacks and deadlines: what happens to runs and instances is told to those whom the document names, and how that went can be seen.
//! The guest `document` writes what it hears into its log; a name that begins with `broken` fails, and one with `trap` traps.

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit_postgres::Database;

use crate::harness::{Server, act, dag, eventually, over, text, with};

/// A server on PostgreSQL with these DAGs, and what it stands on.
async fn on_postgres(documents: &[Value]) -> (Server, (Database, TempDir)) {
    let (database, objects) = (testkit_postgres::database(), tempfile::tempdir().expect("a temporary folder"));
    let (url, folder) = (database.url(), format!("file://{}", objects.path().display()));
    let server = Server::start_with(&["--database", &url, "--objects", &folder]).await;
    server.deploy_dags(documents).await;
    (server, (database, objects))
}

async fn list(server: &Server, dag: &str, run: &str) -> Value {
    server.get(&format!("/dags/{dag}/dagRuns/{run}/callbacks?limit=100")).await.expect(200)
}

fn callbacks(list: &Value) -> &[Value] {
    list["callbacks"].as_array().expect("callbacks")
}

/// The callbacks of a run when all of them have ended.
async fn settled(server: &Server, dag: &str, run: &str) -> Vec<Value> {
    let what = format!("the callbacks of {dag} end");
    eventually(&what, async || {
        let list = list(server, dag, run).await;
        let is_over = |it: &Value| it["state"] == "success" || it["state"] == "failed";
        callbacks(&list).iter().all(is_over).then(|| callbacks(&list).to_vec())
    })
    .await
}

/// `event callback task[index]/try state`, sorted.
fn told(callbacks: &[Value]) -> Vec<String> {
    let mut told: Vec<_> = callbacks
        .iter()
        .map(|it| {
            let subject = match it["task_id"].as_str() {
                Some(task) => format!("{task}[{}]/{}", it["map_index"], it["task_try_number"]),
                None => "run".to_owned(),
            };
            format!("{} {} {subject} {}", text(it, "event"), text(it, "callback"), text(it, "state"))
        })
        .collect();
    told.sort();
    told
}

/// What a callback heard at a try, as its log has it.
async fn heard(server: &Server, dag: &str, run: &str, callback: &Value, try_number: u32) -> Vec<Value> {
    let number = &callback["callback_number"];
    let path = format!("/dags/{dag}/dagRuns/{run}/callbacks/{number}/logs/{try_number}?full_content=true");
    let log = server.get(&path).await.expect(200);
    let lines = log["content"].as_array().expect("lines").iter();
    let events = lines.filter_map(|line| line["event"].as_str()?.strip_prefix("notified ").map(str::to_owned));
    events.map(|event| serde_json::from_str(&event).expect("JSON")).collect()
}

fn everything() -> Vec<Value> {
    let all = json!({
        "callbacks": {
            "on_success": ["well"], "on_failure": ["badly"], "on_retry": ["again"], "on_skipped": ["not_needed"],
        },
        "retries": 1, "retry_delay_ms": 1,
    });
    let flaky = json!({ "tries": { "1": { "fail": "not yet" } } });
    let of_runs = json!({ "callbacks": { "on_success": ["run_well"], "on_failure": ["run_badly", "run_page"] } });
    let tasks = json!([
        with(act("flaky", flaky), all.clone()),
        with(act("skips", json!({ "skip": "told so" })), all.clone()),
        with(act("quiet", json!({})), json!({})),
    ]);
    let failing = json!([
        with(act("fails", json!({ "fail": "told so", "retry": false })), all.clone()),
        with(
            act("each", json!({ "at": { "1": { "fail": "odd", "retry": false } } })),
            with(all, json!({ "expand": over("x", json!({ "literal": [1, 2, 3] })) }),)
        ),
        with(
            act("after", json!({})),
            json!({ "callbacks": { "on_failure": ["badly"], "on_skipped": ["not_needed"] } })
        ),
    ]);
    let failing = with(dag("failing", failing), json!({ "edges": [{ "from": "fails", "to": "after" }] }));
    vec![with(dag("well", tasks), of_runs.clone()), with(failing, of_runs), dag("plain", json!([act("t", json!({}))]))]
}

async fn each_event_is_told(server: &Server) {
    let (run, state) = server.run_to_end("well", json!({})).await;
    assert_eq!(state, "success");
    let found = settled(server, "well", &run).await;
    assert_eq!(
        told(&found),
        [
            "retry again flaky[-1]/1 success",
            "skipped not_needed skips[-1]/1 success",
            "success run_well run success",
            "success well flaky[-1]/2 success",
        ]
    );
    let retry = found.iter().find(|it| it["event"] == "retry").expect("there");
    assert_eq!(
        (&retry["message"], &retry["try_number"], &retry["error"]),
        (&json!("not yet"), &json!(1), &Value::Null)
    );
    let heard_of = heard(server, "well", &run, retry, 1).await;
    let expected = json!({
        "callback": "again", "event": "retry", "dag_id": "well", "run_id": run, "state": "up_for_retry",
        "task_id": "flaky", "map_index": -1, "try_number": 1, "message": "not yet",
    });
    assert_eq!(heard_of, [expected], "it is called once");
    let ended = found.iter().find(|it| it["callback"] == "run_well").expect("there");
    let heard_of = heard(server, "well", &run, ended, 1).await;
    let expected =
        json!({ "callback": "run_well", "event": "success", "dag_id": "well", "run_id": run, "state": "success" });
    assert_eq!(heard_of, [expected]);

    let (run, state) = server.run_to_end("failing", json!({})).await;
    assert_eq!(state, "failed");
    let found = settled(server, "failing", &run).await;
    assert_eq!(
        told(&found),
        [
            "failure badly each[1]/1 success",
            "failure badly fails[-1]/1 success",
            "failure run_badly run success",
            "failure run_page run success",
            "success well each[0]/1 success",
            "success well each[2]/1 success",
        ]
    );

    let (run, _) = server.run_to_end("plain", json!({})).await;
    let found = list(server, "plain", &run).await;
    assert_eq!(found, json!({ "callbacks": [], "total_entries": 0, "left_out": 0 }));
    server.get(&format!("/dags/plain/dagRuns/{run}/callbacks/0")).await.expect_problem(404, "callback-not-found");
}

#[tokio::test]
async fn each_event_is_told_once() {
    each_event_is_told(&Server::with_dags(&everything()).await).await;
}

#[tokio::test]
async fn each_event_is_told_once_on_postgres() {
    let (server, _ground) = on_postgres(&everything()).await;
    each_event_is_told(&server).await;
}

fn refusing() -> Vec<Value> {
    let names = json!({ "callbacks": { "on_success": ["broken", "trap", "well"] } });
    vec![with(dag("refused", json!([act("t", json!({}))])), names)]
}

async fn what_fails_is_tried_again(server: &Server) {
    let (run, state) = server.run_to_end("refused", json!({})).await;
    assert_eq!(state, "success");
    let found = settled(server, "refused", &run).await;
    let by = |name: &str| found.iter().find(|it| it["callback"] == name).expect("there").clone();
    assert_eq!((&by("well")["state"], &by("well")["try_number"]), (&json!("success"), &json!(1)));
    for name in ["broken", "trap"] {
        let it = by(name);
        assert_eq!((&it["state"], &it["try_number"], &it["max_tries"]), (&json!("failed"), &json!(4), &json!(4)));
        assert!(it["end_date"].is_string() && it["due_at"].is_null(), "{it:#}");
    }
    assert_eq!(by("broken")["error"], "this callback is broken");
    assert!(text(&by("trap"), "error").contains("unreachable"), "{:#}", by("trap"));
    for try_number in 1..=4 {
        assert_eq!(heard(server, "refused", &run, &by("broken"), try_number).await.len(), 1);
    }
    let path = format!("/dags/refused/dagRuns/{run}/callbacks/{}/logs/5", by("broken")["callback_number"]);
    server.get(&path).await.expect_problem(404, "try-not-found");
    let shown = server.get(&format!("/dags/refused/dagRuns/{run}")).await.expect(200);
    assert_eq!(shown["state"], "success");
    assert!(server.metrics().await.contains("waft_callbacks_ended_total{state=\"failed\"} 2"));
}

#[tokio::test]
async fn what_fails_is_tried_again_and_the_run_stays_green() {
    what_fails_is_tried_again(&Server::with_dags(&refusing()).await).await;
}

#[tokio::test]
async fn what_fails_is_tried_again_and_the_run_stays_green_on_postgres() {
    let (server, _ground) = on_postgres(&refusing()).await;
    what_fails_is_tried_again(&server).await;
}

fn late() -> Vec<Value> {
    let with_deadline = |dag_id: &str, script: Value, within_ms: u64| {
        with(
            dag(dag_id, json!([act("t", script)])),
            json!({
                "deadline": { "from": "queued_at", "within_ms": within_ms },
                "callbacks": { "on_deadline_missed": ["late"], "on_success": ["done"] },
            }),
        )
    };
    vec![
        with_deadline("slow", json!({ "hold": "go" }), 300),
        with_deadline("quick", json!({}), 3_600_000),
        with_deadline("waiting", json!({ "hold": "further" }), 3_600_000),
    ]
}

async fn deadlines_are_watched(server: &mut Server) {
    let slow = server.trigger_id("slow", json!({})).await;
    let what = "the deadline is missed while the run goes on";
    let found = eventually(what, async || {
        let found = list(server, "slow", &slow).await;
        (callbacks(&found)[0]["state"] == "success").then_some(found)
    })
    .await;
    assert_eq!(told(callbacks(&found)), ["deadline_missed late run success"]);
    let heard_of = heard(server, "slow", &slow, &callbacks(&found)[0], 1).await;
    assert_eq!((&heard_of[0]["event"], &heard_of[0]["state"]), (&json!("deadline_missed"), &json!("running")));
    server.release("go").await;
    assert_eq!(server.finished("slow", &slow).await["state"], "success");
    let found = settled(server, "slow", &slow).await;
    assert_eq!(told(&found), ["deadline_missed late run success", "success done run success"], "once");

    let (quick, _) = server.run_to_end("quick", json!({})).await;
    assert_eq!(told(&settled(server, "quick", &quick).await), ["success done run success"]);

    let waiting = server.trigger_id("waiting", json!({})).await;
    let found = list(server, "waiting", &waiting).await;
    assert_eq!(told(callbacks(&found)), ["deadline_missed late run waiting"]);
    assert!(callbacks(&found)[0]["due_at"].is_string(), "{found:#}");
    server.kill().await;
    server.restart().await;
    assert_eq!(list(server, "waiting", &waiting).await, found);
    server.release("further").await;
    server.finished("waiting", &waiting).await;
    assert_eq!(told(&settled(server, "waiting", &waiting).await), ["success done run success"]);
}

#[tokio::test]
async fn deadlines_are_watched_and_go_with_their_runs() {
    deadlines_are_watched(&mut Server::with_dags(&late()).await).await;
}

#[tokio::test]
async fn deadlines_are_watched_and_go_with_their_runs_on_postgres() {
    let (mut server, _ground) = on_postgres(&late()).await;
    deadlines_are_watched(&mut server).await;
}

fn holding() -> Vec<Value> {
    let names = json!({ "callbacks": { "on_success": ["hold", "well"] } });
    vec![with(dag("dies", json!([act("t", json!({}))])), names)]
}

/// The server dies after it has begun a callback, and before it knows how that went.
async fn a_callback_outlives_its_server(server: &mut Server) {
    let (run, state) = server.run_to_end("dies", json!({})).await;
    assert_eq!(state, "success", "nobody waits for callbacks");
    let found = eventually("a callback runs", async || {
        let found = list(server, "dies", &run).await;
        (callbacks(&found)[0]["state"] == "running").then_some(found)
    })
    .await;
    assert_eq!(callbacks(&found)[0]["callback"], "hold");
    server.kill().await;
    server.restart().await;
    server.release("go").await;
    let found = settled(server, "dies", &run).await;
    assert_eq!(told(&found), ["success hold run success", "success well run success"]);
    assert_eq!(found[0]["try_number"], 1, "a lost execution is no try");
}

#[tokio::test]
async fn a_callback_is_called_again_after_a_crash() {
    a_callback_outlives_its_server(&mut Server::with_dags(&holding()).await).await;
}

#[tokio::test]
async fn a_callback_is_called_again_after_a_crash_on_postgres() {
    let (mut server, _ground) = on_postgres(&holding()).await;
    a_callback_outlives_its_server(&mut server).await;
}
