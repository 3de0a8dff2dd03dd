//! A caller who waits has the answer, or the failure, before what was opened for it is closed.

use reqwest::Method;
use serde_json::{Value, json};

use super::states;
use crate::harness::{Server, run_id};

async fn asked(server: &Server, conf: Value) -> Value {
    let request = server.request(Method::POST, "/dags/answer_a_question/dagRuns").header("prefer", "wait=60");
    server.send(request.json(&json!({ "logical_date": null, "conf": conf }))).await.expect(200)
}

#[tokio::test]
async fn the_answer_comes_before_the_session_is_closed() {
    let server = Server::with_bundle("answer-a-question").await;
    let (one, other) = tokio::join!(
        asked(&server, json!({ "question": "How is a task mapped?" })),
        asked(&server, json!({ "question": "What is a map?" })),
    );
    for (run, question) in [(&one, "How is a task mapped?"), (&other, "What is a map?")] {
        assert_eq!((&run["result"], &run["state"]), (&json!("available"), &json!("running")), "{run:#}");
        let answer = &run["results"]["answer"];
        assert_eq!(
            (&answer["question"], &answer["sources"]),
            (&json!(question), &json!("reference, guide")),
            "{run:#}"
        );
        assert_eq!(server.mapped("answer_a_question", &run_id(run), "ask").await.len(), 4);
        assert_eq!(server.mapped("answer_a_question", &run_id(run), "verify").await.len(), 2);
    }
    let run = run_id(&one);
    assert_eq!(server.finished("answer_a_question", &run).await["state"], "success");
    assert_eq!(states(&server, "answer_a_question", &run, &["close_session"]).await, ["success"]);
}

#[tokio::test]
async fn a_failure_comes_before_the_session_is_closed() {
    let server = Server::with_bundle("answer-a-question").await;
    let run = asked(&server, json!({ "trusted": ["guide"] })).await;
    assert_eq!((&run["result"], &run["state"]), (&json!("impossible"), &json!("running")), "{run:#}");
    let failed = &run["failed"];
    assert_eq!((&failed["task_id"], &failed["map_index"]), (&json!("verify"), &json!(0)), "{run:#}");
    assert_eq!(failed["message"], "nobody trusts \"reference\"", "{run:#}");
    let run = run_id(&run);
    assert_eq!(server.finished("answer_a_question", &run).await["state"], "failed");
    assert_eq!(
        states(&server, "answer_a_question", &run, &["answer", "close_session"]).await,
        ["upstream_failed", "success"]
    );
}
