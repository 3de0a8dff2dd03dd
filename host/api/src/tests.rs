//! The API over a whole server in one process whose bodies are played.

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use bytes::Bytes;
use clock::Real;
use futures::StreamExt;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use testkit::house::House;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{ApiParts, metrics, router};

mod asset;
mod backfill;
mod bad_input;
mod blob;
mod bulk;
mod bundle;
mod connection;
mod dag;
mod dag_run;
mod dag_run_event;
mod dashboard;
mod docs;
mod etag;
mod log;
mod login;
mod openapi;
mod pool;
mod routes;
mod server;
mod shapes;
mod task;
mod task_instance;
mod variable;
mod wait;

/// A server with its API.
struct Api {
    house: House,
    router: Router,
    shutdown: CancellationToken,
}

/// An answer, read to its end.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Bytes,
}

impl Api {
    async fn start() -> Self {
        let house = House::start().await;
        let shutdown = CancellationToken::new();
        let router = router(parts(&house, &shutdown));
        Self { house, router, shutdown }
    }

    /// With one DAG `d`.
    async fn with_dag(tasks: Value) -> Self {
        let api = Self::start().await;
        api.house.deploy("b", &[dag("d", tasks)]).await;
        api
    }

    async fn open(&self, request: Request<Body>) -> (StatusCode, HeaderMap, BodyDataStream) {
        let response = self.router.clone().oneshot(request).await.expect("a router always answers");
        let (head, body) = response.into_parts();
        (head.status, head.headers, body.into_data_stream())
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        let asked = (request.method().as_str().to_lowercase(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.expect("a router always answers");
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.expect("the body comes").to_bytes();
        let reply = Reply { status: head.status, headers: head.headers, bytes };
        documented(&asked, &reply);
        reply
    }

    /// A request below `/api/v2` with the first token.
    fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let token = format!("Bearer {}", self.house.token());
        Request::builder()
            .method(method)
            .uri(format!("/api/v2{path}"))
            .header("host", "waft")
            .header("authorization", token)
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path).body(Body::empty()).expect("a request")).await
    }

    async fn get_as(&self, path: &str, accept: &str) -> Reply {
        let request = self.request(Method::GET, path).header("accept", accept);
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        let request = self.request(Method::POST, path).header("content-type", "application/json");
        self.send(request.body(body.to_string().into()).expect("a request")).await
    }

    async fn patch(&self, path: &str, body: Value) -> Reply {
        let request = self.request(Method::PATCH, path).header("content-type", "application/json");
        self.send(request.body(body.to_string().into()).expect("a request")).await
    }

    async fn put(&self, path: &str) -> Reply {
        self.send(self.request(Method::PUT, path).body(Body::empty()).expect("a request")).await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path).body(Body::empty()).expect("a request")).await
    }

    /// Asks again and again until there is an answer, within a bound far above what it takes.
    async fn until<T>(&self, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        let answer = tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                pause.tick().await;
                if let Some(answer) = ask().await {
                    return answer;
                }
            }
        });
        answer.await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
    }

    async fn post_bytes(&self, path: &str, media_type: &str, body: impl Into<Body>) -> Reply {
        let request = self.request(Method::POST, path).header("content-type", media_type);
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// Triggers the DAG `d`; gives the path of the run.
    async fn trigger(&self, conf: Value) -> String {
        let run = self.post("/dags/d/dagRuns", json!({"logical_date": null, "conf": conf})).await.ok();
        format!("/dags/d/dagRuns/{}", run["dag_run_id"].as_str().expect("an id"))
    }

    /// Triggers the DAG `d` and waits for its end.
    async fn finished(&self, conf: Value) -> (String, Value) {
        let run = self.trigger(conf).await;
        let ended = self.get(&format!("{run}/wait")).await.ok();
        (run, ended)
    }
}

impl Reply {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.json()
    }

    /// The problem document that a refusal must be.
    #[track_caller]
    fn problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:waft:error:{slug}"), "{problem:#}");
        assert_eq!(problem["status"], status);
        problem
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("text")
    }
}

fn parts(house: &House, shutdown: &CancellationToken) -> ApiParts {
    ApiParts {
        control: house.control.clone(),
        metrics: metrics::builder().expect("buckets").build_recorder().handle(),
        clock: Arc::new(Real),
        shutdown: shutdown.clone(),
    }
}

fn dag(dag_id: &str, tasks: Value) -> Value {
    json!({"schema": "waft.dag/v1", "dag_id": dag_id, "tasks": tasks})
}

/// `list` returns three items, `each` runs once for each of them.
fn mapped_tasks() -> Value {
    let over = json!({"product": [{"arg": "item", "source": {"output": {"task": "list"}}}]});
    json!([{"task_id": "list"}, {"task_id": "each", "expand": over}])
}

/// Pairs of code and path of what is wrong.
fn errors(problem: &Value) -> Vec<(String, String)> {
    let text = |error: &Value, key: &str| error[key].as_str().expect("text").to_owned();
    let errors = problem["errors"].as_array().expect("a list");
    errors.iter().map(|error| (text(error, "code"), text(error, "path"))).collect()
}

/// Every problem that an operation answers with stands in the document.
#[track_caller]
fn documented((method, path): &(String, String), reply: &Reply) {
    static DOCUMENT: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(&crate::openapi_json()).expect("the document is JSON"));
    let is_problem = reply.headers.get("content-type").is_some_and(|it| it == "application/problem+json");
    // An answer to `HEAD` has no body.
    let is_problem = is_problem && !reply.bytes.is_empty();
    let parts: Vec<_> = path.split('/').collect();
    let fits = |template: &str| {
        let named: Vec<_> = template.split('/').collect();
        named.len() == parts.len() && named.iter().zip(&parts).all(|(name, part)| name.starts_with('{') || name == part)
    };
    let mut found: Vec<_> = DOCUMENT["paths"].as_object().expect("paths").iter().filter(|(it, _)| fits(it)).collect();
    // Words come before names.
    found.sort_by_key(|(template, item)| (item.get(method).is_none(), template.matches('{').count()));
    let Some((template, item)) = found.first().filter(|_| is_problem) else { return };
    let (status, problem) = (reply.status.as_u16().to_string(), reply.json());
    let Some(operation) = item.get(method) else { return };
    let slugs = operation["x-problems"][&status].as_array().cloned().unwrap_or_default();
    let slug = problem["type"].as_str().and_then(|it| it.strip_prefix("urn:waft:error:")).expect("a slug");
    assert!(slugs.iter().any(|it| it == slug), "{method} {template} does not document {status} {slug}: {problem:#}");
}

/// The next piece of a stream, which must come.
async fn piece(stream: &mut BodyDataStream) -> String {
    let piece = stream.next().await.expect("one more piece").expect("it comes");
    String::from_utf8(piece.to_vec()).expect("text")
}
