use super::*;

const DAYS: [&str; 3] = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"];

async fn api_with_daily(task: Value) -> Api {
    let api = Api::start().await;
    let mut daily = dag("daily", json!([task]));
    daily["schedule"] = json!({"cron": {"expression": "@daily"}});
    daily["params"] = json!({"n": {"schema": {"type": "integer"}, "default": 1}});
    api.house.deploy("b", &[daily, dag("d", json!([{"task_id": "t"}]))]).await;
    api
}

fn days() -> Value {
    json!({"dag_id": "daily", "from_date": DAYS[0], "to_date": DAYS[2]})
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

async fn dates(api: &Api, body: Value) -> Vec<(String, String)> {
    let planned = api.post("/backfills/dry_run", body).await.ok();
    let text = |date: &Value, key: &str| date[key].as_str().expect("text").to_owned();
    let dates = planned["backfills"].as_array().expect("a list").iter();
    dates.map(|date| (text(date, "logical_date"), text(date, "action"))).collect()
}

async fn ended(api: &Api, id: &Value) -> Value {
    let ask = async || {
        let backfill = api.get(&format!("/backfills/{id}")).await.ok();
        (backfill["state"] == "completed").then_some(backfill)
    };
    api.until("the backfill is complete", ask).await
}

#[tokio::test]
async fn a_backfill_makes_a_run_for_each_date() {
    let api = api_with_daily(json!({"task_id": "params"})).await;
    let expect = DAYS.map(|day| (day.to_owned(), "create".to_owned()));
    assert_eq!(dates(&api, days()).await, expect);
    let wanted = with(with(days(), "dag_run_conf", json!({"n": 7})), "max_active_runs", json!(2));
    let made = api.post("/backfills", wanted).await.ok();
    assert_eq!((&made["is_paused"], &made["max_active_runs"]), (&json!(false), &json!(2)), "{made:#}");
    let backfill = ended(&api, &made["id"]).await;
    assert_eq!(backfill["dates"], json!({"waiting": 0, "begun": 0, "ended": 3, "left": 0}), "{backfill:#}");
    assert!(backfill["completed_at"].is_string());
    let runs = api.get("/dags/daily/dagRuns?run_type=backfill&order_by=logical_date").await.ok();
    let runs = runs["dag_runs"].as_array().expect("a list").clone();
    assert_eq!(runs.iter().map(|run| run["logical_date"].clone()).collect::<Vec<_>>(), DAYS);
    for run in &runs {
        assert_eq!((&run["state"], &run["triggered_by"]), (&json!("success"), &json!("backfill")), "{run:#}");
        assert_eq!((&run["params"], &run["data_interval_end"]), (&json!({"n": 7}), &run["run_after"]), "{run:#}");
        assert!(run["triggering_user_name"].is_string());
    }
    assert_eq!(dates(&api, days()).await, []);
    let again = dates(&api, with(days(), "reprocess_behavior", json!("completed"))).await;
    assert_eq!(again, DAYS.map(|day| (day.to_owned(), "clear".to_owned())));
    assert_eq!(api.get("/backfills?dag_id=daily").await.ok()["total_entries"], 1);
    assert_eq!(api.get("/backfills?dag_id=d").await.ok()["total_entries"], 0);
}

#[tokio::test]
async fn dates_may_go_backwards_and_runs_may_be_repeated() {
    let api = api_with_daily(json!({"task_id": "fail"})).await;
    let first = api.post("/backfills", days()).await.ok();
    ended(&api, &first["id"]).await;
    let again = with(with(days(), "run_backwards", json!(true)), "reprocess_behavior", json!("failed"));
    let planned = dates(&api, again.clone()).await;
    assert_eq!(planned[0], (DAYS[2].to_owned(), "clear".to_owned()));
    let second = api.post("/backfills", again).await.ok();
    ended(&api, &second["id"]).await;
    let runs = api.get("/dags/daily/dagRuns").await.ok();
    assert_eq!((&runs["total_entries"], &runs["dag_runs"][0]["clear_number"]), (&json!(3), &json!(1)), "{runs:#}");
}

#[tokio::test]
async fn a_backfill_is_paused_goes_on_and_is_cancelled() {
    let api = api_with_daily(json!({"task_id": "t", "entrypoint": "hold"})).await;
    let made = api.post("/backfills", with(days(), "max_active_runs", json!(1))).await.ok();
    let path = format!("/backfills/{}", made["id"]);
    api.post("/backfills", days()).await.problem(409, "backfill-runs");
    let paused = api.put(&format!("{path}/pause")).await.ok();
    assert_eq!((&paused["is_paused"], &paused["state"]), (&json!(true), &json!("paused")), "{paused:#}");
    assert_eq!(api.put(&format!("{path}/pause")).await.ok()["is_paused"], true);
    assert_eq!(api.put(&format!("{path}/unpause")).await.ok()["is_paused"], false);
    assert_eq!(api.put(&format!("{path}/cancel")).await.ok()["state"], "cancelled");
    api.put(&format!("{path}/unpause")).await.problem(409, "backfill-ended");
    api.house.release();
    assert!(api.get(&path).await.ok()["completed_at"].is_string());
}

#[tokio::test]
async fn what_cannot_be_made_up_for_is_told() {
    let api = api_with_daily(json!({"task_id": "t", "depends_on_past": true})).await;
    let check = async |body: Value, slug: &str, status: u16| {
        for path in ["/backfills/dry_run", "/backfills"] {
            api.post(path, body.clone()).await.problem(status, slug);
        }
    };
    check(with(days(), "dag_id", json!("d")), "not-backfillable", 422).await;
    check(with(days(), "dag_id", json!("absent")), "dag-not-found", 404).await;
    check(with(days(), "to_date", json!("2025-01-01T00:00:00Z")), "not-backfillable", 422).await;
    check(with(days(), "from_date", json!("1970-01-01T00:00:00Z")), "not-backfillable", 422).await;
    check(with(days(), "run_backwards", json!(true)), "not-backfillable", 422).await;
    check(with(days(), "max_active_runs", json!(0)), "not-backfillable", 422).await;
    check(with(days(), "reprocess_behavior", json!("all")), "not-backfillable", 422).await;
    check(with(days(), "version_number", json!(7)), "version-not-found", 404).await;
    let future =
        with(with(days(), "from_date", json!("2190-01-01T00:00:00Z")), "to_date", json!("2190-01-03T00:00:00Z"));
    check(future, "not-backfillable", 422).await;
    let between =
        with(with(days(), "from_date", json!("2026-01-01T01:00:00Z")), "to_date", json!("2026-01-01T02:00:00Z"));
    assert_eq!(dates(&api, between.clone()).await, []);
    api.post("/backfills", between).await.problem(422, "not-backfillable");
    api.post("/backfills", with(days(), "dag_run_conf", json!({"n": "x"}))).await.problem(422, "invalid-params");
}
