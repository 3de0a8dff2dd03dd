use std::time::Duration;

use control::{ResultState, RunStatus, Until, WaitEnd, WaitRequest};
use model::{DagId, RunId, RunState};

use super::*;

/// The result is there while `hold` still runs.
async fn api_with_result() -> Api {
    let api = Api::start().await;
    let mut document =
        dag("d", json!([{"task_id": "t"}, {"task_id": "hold"}, {"task_id": "never", "entrypoint": "fail"}]));
    document["result"] = json!(["t"]);
    document["edges"] = json!([{"from": "hold", "to": "never"}]);
    api.house.deploy("b", &[document]).await;
    api
}

async fn trigger_preferring(api: &Api, prefer: &str) -> Reply {
    let request = api.request(Method::POST, "/dags/d/dagRuns").header("content-type", "application/json");
    api.send(request.header("prefer", prefer).body("{}".into()).expect("a request")).await
}

#[tokio::test]
async fn the_result_ends_a_wait_though_other_branches_run() {
    let api = api_with_result().await;
    let reply = trigger_preferring(&api, "wait=60").await;
    let waited = reply.ok();
    assert_eq!(
        (reply.status.as_u16(), &waited["state"], &waited["result"]),
        (200, &json!("running"), &json!("available"))
    );
    assert_eq!(waited["results"], json!({"t": -1}));
    assert_eq!(reply.headers["preference-applied"], "wait=60");
    // Somebody who comes later learns it from the rows, for no commit will tell.
    let run = format!("/dags/d/dagRuns/{}", waited["dag_run_id"].as_str().expect("an id"));
    let later = api.get(&format!("{run}/wait?until=result")).await.ok();
    assert_eq!((&later["results"], &later["timed_out"]), (&waited["results"], &json!(false)));
    let unfinished = api.get(&format!("{run}/wait?timeout=0")).await.ok();
    assert_eq!((&unfinished["timed_out"], &unfinished["state"]), (&json!(true), &json!("running")));
    assert_eq!((&unfinished["result"], &unfinished["results"]), (&json!("available"), &json!({"t": -1})));
    api.house.release();
    let ended = api.get(&format!("{run}/wait")).await.ok();
    assert_eq!((&ended["state"], &ended["result"]), (&json!("failed"), &json!("available")), "{ended:#}");
}

#[tokio::test]
async fn a_result_that_can_no_longer_come_ends_a_wait_with_the_culprit() {
    let api = Api::start().await;
    let mut document =
        dag("d", json!([{"task_id": "fail"}, {"task_id": "mid"}, {"task_id": "end"}, {"task_id": "hold"}]));
    document["result"] = json!(["end"]);
    document["edges"] = json!([{"from": "fail", "to": "mid"}, {"from": "mid", "to": "end"}]);
    api.house.deploy("b", &[document]).await;
    let waited = trigger_preferring(&api, "wait=60").await.ok();
    let culprit = json!({"task_id": "fail", "map_index": -1, "state": "failed", "message": "boom"});
    assert_eq!((&waited["result"], &waited["failed"]), (&json!("impossible"), &culprit), "{waited:#}");
    assert_eq!(waited["state"], "running");
    let run = format!("/dags/d/dagRuns/{}", waited["dag_run_id"].as_str().expect("an id"));
    let later = api.get(&format!("{run}/wait?until=result")).await.ok();
    assert_eq!(later["failed"], culprit);
}

#[tokio::test]
async fn a_result_that_is_not_there_in_time_is_accepted_with_its_place() {
    let api = Api::start().await;
    api.house.deploy("b", &[dag("d", json!([{"task_id": "hold"}]))]).await;
    trigger_preferring(&api, "wait=-1").await.problem(400, "invalid-request");
    assert_eq!(api.get("/dags/d/dagRuns").await.ok()["total_entries"], 0);
    let reply = trigger_preferring(&api, "wait=0").await;
    let run = reply.json()["dag_run_id"].as_str().expect("an id").to_owned();
    assert_eq!(reply.status, 202);
    assert_eq!(reply.headers["location"], format!("/api/v2/dags/d/dagRuns/{run}"));
    assert_eq!(reply.headers["link"], format!("</api/v2/dags/d/dagRuns/{run}/wait>; rel=\"monitor\""));
}

#[tokio::test]
async fn results_of_other_tasks_and_of_mapped_ones() {
    let api = Api::with_dag(mapped_tasks()).await;
    let (run, _) = api.finished(json!({})).await;
    let ended = api.get(&format!("{run}/wait?interval=1&result=each&result=list")).await.ok();
    assert_eq!(ended["results"], json!({"each": [0, 1, 2], "list": [0, 1, 2]}));
    api.get(&format!("{run}/wait?result=nothing")).await.problem(404, "task-not-found");
}

#[tokio::test]
async fn a_large_result_is_a_reference() {
    let api = Api::start().await;
    let mut document = dag("d", json!([{"task_id": "big"}]));
    document["result"] = json!(["big"]);
    api.house.deploy("b", &[document]).await;
    let (_, ended) = api.finished(json!({})).await;
    assert_eq!(ended["results"], json!({}));
    let href = ended["result_refs"]["big"]["href"].as_str().expect("a place").strip_prefix("/api/v2").expect("below");
    assert_eq!(
        api.get(href).await.bytes.len() as u64,
        ended["result_refs"]["big"]["size_bytes"].as_u64().expect("a size")
    );
}

#[tokio::test]
async fn lines_tell_what_happens_and_then_the_result() {
    let api = Api::with_dag(json!([{"task_id": "hold"}])).await;
    let run = api.trigger(json!({})).await;
    let path = format!("{run}/wait?interval=0.01&counts=true&result=hold");
    let request = api.request(Method::GET, &path).header("accept", "application/x-ndjson");
    let (_, headers, mut stream) = api.open(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(headers["content-type"], "application/x-ndjson");
    let first: Value = serde_json::from_str(&piece(&mut stream).await).expect("JSON");
    assert_eq!((&first["state"], first["tasks"]["hold"].is_object()), (&json!("running"), true), "{first:#}");
    api.house.release();
    let mut last = Value::Null;
    while let Some(piece) = stream.next().await {
        last = serde_json::from_slice(&piece.expect("it comes")).expect("JSON");
    }
    assert_eq!((&last["state"], &last["results"]), (&json!("success"), &json!({"hold": null})), "{last:#}");
}

#[tokio::test]
async fn events_have_names() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let (run, _) = api.finished(json!({})).await;
    let reply = api.get_as(&format!("{run}/wait"), "text/event-stream").await;
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    assert!(reply.text().starts_with("event: end\ndata: {\"dag_id\":\"d\""), "{}", reply.text());
    assert!(reply.text().ends_with("}\n\n"));
}

#[tokio::test]
async fn a_server_that_stops_lets_nobody_wait() {
    let api = Api::with_dag(json!([{"task_id": "hold"}])).await;
    let run = api.trigger(json!({})).await;
    let request = api.request(Method::GET, &format!("{run}/wait")).header("accept", "application/x-ndjson");
    let (_, _, mut stream) = api.open(request.body(Body::empty()).expect("a request")).await;
    piece(&mut stream).await;
    api.shutdown.cancel();
    api.get(&format!("{run}/wait")).await.problem(503, "stopping");
    let last: Value = serde_json::from_str(&piece(&mut stream).await).expect("JSON");
    assert_eq!(last["type"], "urn:waft:error:stopping");
    assert!(stream.next().await.is_none());
}

/// The last word of the run comes between the end of the wait and the reading of its answer.
#[tokio::test]
async fn an_answer_is_of_one_moment() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let (run, _) = api.finished(json!({})).await;
    let session = api.house.control.authenticate(api.house.token()).await.expect("its token");
    let run_id = RunId::new(run.rsplit('/').next().expect("an id")).expect("a name");
    let dag_id = DagId::new("d").expect("a name");
    let known = api.house.control.dag_run_fetch(&session, &dag_id, &run_id).await.expect("it is there");
    let status = RunStatus { state: RunState::Running, result: ResultState::Pending, generation: 0 };
    let wait = WaitRequest { until: Until::Finished, timeout: Duration::ZERO, results: Vec::new() };
    let waited = api.house.control.waited(&known, status, false, &wait).await.expect("it is told");
    assert_eq!((waited.run.row.state, waited.end), (RunState::Success, WaitEnd::ResultAvailable));
    assert!(!waited.is_timed_out);
}
