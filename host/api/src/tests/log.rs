use super::*;

const LINES: &str = "application/x-ndjson";

fn events(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["event"].clone()).collect()
}

#[tokio::test]
async fn a_log_is_followed_until_its_try_is_over() {
    let api = Api::with_dag(json!([{"task_id": "talk"}])).await;
    let run = api.trigger(json!({})).await;
    let log = format!("{run}/taskInstances/talk/logs/1");
    let request = api.request(Method::GET, &format!("{log}?follow=true")).header("accept", LINES);
    let (status, headers, mut stream) = api.open(request.body(Body::empty()).expect("a request")).await;
    assert_eq!((status.as_u16(), headers["content-type"].to_str().expect("text")), (200, LINES));
    let mut text = String::new();
    while events(&text).len() < 3 {
        text.push_str(&piece(&mut stream).await);
    }
    assert_eq!(events(&text), [json!("out"), json!("err"), json!("<b>log</b>")]);
    api.house.release();
    assert!(stream.next().await.is_none(), "the stream goes on after the try");

    let part = api.get(&format!("{run}/wait")).await.ok();
    assert_eq!(part["state"], "success");
    let whole = api.get(&log).await.ok();
    assert_eq!((whole["content"].as_array().map(Vec::len), &whole["continuation_token"]), (Some(3), &Value::Null));
    assert_eq!(whole["content"][1]["logger"], "stderr");
    assert_eq!(events(api.get_as(&log, LINES).await.text()).len(), 3);
    for (skip, expect) in [(0, 3), (1, 2), (3, 0), (9, 0)] {
        let part = api.get(&format!("{log}?token={skip}")).await.ok();
        assert_eq!(part["content"].as_array().map(Vec::len), Some(expect), "{part:#}");
    }
    let rest = api.get(&format!("{log}?token=2")).await.ok();
    assert_eq!(rest["content"][0]["event"], "<b>log</b>");
    let followed = api.get_as(&format!("{log}?follow=true"), "text/event-stream").await;
    assert_eq!(followed.text().matches("event: line\n").count(), 3);
    assert!(followed.text().ends_with("event: end\nid: 3\ndata: {}\n\n"), "{}", followed.text());
    for (seen, expect) in [("1", 2), ("3", 0)] {
        let again = api.request(Method::GET, &format!("{log}?follow=true")).header("accept", "text/event-stream");
        let again = again.header("last-event-id", seen).body(Body::empty()).expect("a request");
        let rest = api.send(again).await;
        assert_eq!(rest.text().matches("event: line\n").count(), expect, "{}", rest.text());
        assert_eq!(rest.text().contains("<b>log</b>"), expect > 0);
    }
    let forged = api.request(Method::GET, &format!("{log}?follow=true")).header("last-event-id", "x");
    api.send(forged.body(Body::empty()).expect("a request")).await.problem(400, "invalid-request");
    api.get(&format!("{run}/taskInstances/talk/logs/2")).await.problem(404, "try-not-found");
    api.get(&format!("{run}/taskInstances/talk/logs/0")).await.problem(404, "try-not-found");
}

#[tokio::test]
async fn a_try_that_says_nothing_has_an_empty_log() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let (run, _) = api.finished(json!({})).await;
    let log = api.get(&format!("{run}/taskInstances/t/logs/1")).await.ok();
    assert_eq!(log, json!({"content": [], "continuation_token": null}));
}
