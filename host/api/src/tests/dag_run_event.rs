use model::limits::http::STREAMS_PER_TOKEN_MAX;

use super::*;

/// An event: its kind, its id, and its data.
type Event = (String, Option<String>, Value);

fn events(text: &str) -> Vec<Event> {
    let of = |block: &str| {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        Some((field("event: ")?, field("id: "), serde_json::from_str(&field("data: ")?).expect("JSON")))
    };
    text.split("\n\n").filter_map(of).collect()
}

async fn begun(api: &Api, run: &str, seen: Option<&str>) -> BodyDataStream {
    let mut request = api.request(Method::GET, &format!("{run}/events"));
    if let Some(seen) = seen {
        request = request.header("last-event-id", seen);
    }
    let (status, headers, stream) = api.open(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(status.as_u16(), 200);
    assert_eq!(headers["content-type"], "text/event-stream");
    stream
}

async fn rest(mut stream: BodyDataStream) -> Vec<Event> {
    let mut text = String::new();
    while let Some(piece) = stream.next().await {
        text.push_str(std::str::from_utf8(&piece.expect("it comes")).expect("text"));
    }
    events(&text)
}

#[tokio::test]
async fn a_stream_tells_how_everything_stands_then_what_changes_then_the_end() {
    let api = Api::start().await;
    let mut document = dag("d", json!([{"task_id": "t"}, {"task_id": "hold"}, {"task_id": "last", "entrypoint": "t"}]));
    document["edges"] = json!([{"from": "hold", "to": "last"}]);
    api.house.deploy("b", &[document]).await;
    let run = api.trigger(json!({})).await;
    api.until("the task has ended", async || {
        (api.get(&format!("{run}/taskInstances/t")).await.ok()["state"] == "success").then_some(())
    })
    .await;
    let mut stream = begun(&api, &run, None).await;
    let first = events(&piece(&mut stream).await);
    let kinds: Vec<_> = first.iter().map(|(kind, _, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["task", "task", "task", "dag_run"]);
    let task = |events: &[Event], id: &str| events.iter().rev().find(|it| it.2["task_id"] == id).map(|it| it.2.clone());
    assert_eq!(task(&first, "t").expect("told")["state"], "success");
    assert_eq!(task(&first, "last").expect("told")["state"], Value::Null);
    assert_eq!(first[3].2["state"], "running");
    let seen = first[3].1.clone().expect("an id");

    // Who comes back with the id is told nothing of it again.
    let mut again = begun(&api, &run, Some(&seen)).await;
    assert_eq!(events(&piece(&mut again).await), []);
    api.house.release();
    for stream in [stream, again] {
        let later = rest(stream).await;
        assert_eq!(task(&later, "t"), None, "{later:#?}");
        assert_eq!(task(&later, "hold").expect("told")["states"], json!({"success": 1}));
        assert_eq!(task(&later, "last").expect("told")["state"], "success");
        let (kind, id, end) = later.last().expect("the end");
        assert_eq!((kind.as_str(), &end["state"], &end["result"]), ("end", &json!("success"), &json!("available")));
        // Who has seen the end is told of it alone.
        let seen = id.clone().expect("an id");
        let after = rest(begun(&api, &run, Some(&seen)).await).await;
        assert_eq!(after.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), ["end"]);
    }
    let forged = rest(begun(&api, &run, Some("forged")).await).await;
    assert_eq!(forged.len(), 5, "all is told where the id is not known: {forged:#?}");
    let lines = api.get_as(&format!("{run}/events"), "application/x-ndjson").await;
    let last: Value = serde_json::from_str(lines.text().lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["event"], &last["state"]), (&json!("end"), &json!("success")));
    api.get("/dags/d/dagRuns/absent/events").await.problem(404, "run-not-found");
}

#[tokio::test]
async fn streams_are_counted_by_token_and_forgotten_with_their_clients() {
    let api = Api::with_dag(json!([{"task_id": "hold"}])).await;
    let run = api.trigger(json!({})).await;
    let mut open = Vec::new();
    for _ in 0..STREAMS_PER_TOKEN_MAX {
        open.push(begun(&api, &run, None).await);
    }
    api.get(&format!("{run}/events")).await.problem(429, "overloaded");
    open.pop();
    let mut last = begun(&api, &run, None).await;
    piece(&mut last).await;
    api.shutdown.cancel();
    let told = events(&piece(&mut last).await);
    assert_eq!((told[0].0.as_str(), &told[0].2["type"]), ("error", &json!("urn:waft:error:stopping")));
    assert!(last.next().await.is_none());
    api.house.release();
}
