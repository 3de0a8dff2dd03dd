//! The OpenAPI document says what the routes do.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::app::App;
use crate::router::routes;

const UPDATE: &str = "UPDATE_OPENAPI";

fn document() -> Value {
    serde_json::from_str(&crate::openapi_json()).expect("JSON")
}

#[test]
fn the_checked_in_document_is_that_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let made = crate::openapi_json();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &made).expect("the file can be written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == made,
        "openapi.json differs from the code; run `{UPDATE}=1 cargo test -p api openapi` and look at the difference"
    );
}

#[tokio::test]
async fn every_route_is_documented_and_nothing_else() {
    let api = Api::start().await;
    let table = routes(&App::new(parts(&api.house, &api.shutdown))).table;
    let served: BTreeSet<_> =
        table.iter().map(|(method, path)| (method.as_str().to_lowercase(), (*path).to_owned())).collect();
    let document = document();
    let paths = document["paths"].as_object().expect("paths");
    let methods = |(path, item): (&String, &Value)| {
        let path = path.clone();
        let methods: Vec<_> = item.as_object().expect("an item").keys().cloned().collect();
        methods.into_iter().map(move |method| (method, path.clone()))
    };
    let documented: BTreeSet<_> = paths.iter().flat_map(methods).collect();
    assert_eq!(served, documented);
}

/// A handler tells which parameters it knows when it meets one that it does not.
#[tokio::test]
async fn the_documented_query_parameters_are_those_that_are_taken() {
    let api = Api::start().await;
    let document = document();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            if crate::OPEN_ROUTES.contains(&path.as_str()) || method == "head" {
                continue;
            }
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let documented: BTreeSet<_> = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| parameter["name"].as_str().expect("a name").to_owned())
                .collect();
            let path_below = routes::filled(path);
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let request =
                api.request(method, &format!("{}?nobody=1", path_below.strip_prefix("/api/v2").expect("below")));
            let problem = api.send(request.body(Body::empty()).expect("a request")).await.problem(400, "invalid-query");
            let message = problem["errors"][0]["message"].as_str().expect("a message").to_owned();
            let known = message.split("known are: ").nth(1).expect("a list").to_owned();
            let taken: BTreeSet<_> = known.split(", ").filter(|name| *name != "none").map(str::to_owned).collect();
            assert_eq!(documented, taken, "{path}");
        }
    }
}

/// What an operation may answer stands in the document: its statuses as responses, its problems by slug. That each answer of the other
/// tests is among them is checked where they get it.
#[test]
fn every_problem_belongs_to_an_operation_and_every_operation_tells_its_problems() {
    let document = document();
    let mut told = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let problems = operation["x-problems"].as_object().expect("problems");
            for (status, slugs) in problems {
                let response = &operation["responses"][status];
                assert!(response.is_object(), "{method} {path} {status}");
                if let Some(name) = response["$ref"].as_str() {
                    let found = document.pointer(name.trim_start_matches('#')).expect("the response is there");
                    assert!(found["content"]["application/problem+json"].is_object(), "{name}");
                }
                told.extend(slugs.as_array().expect("slugs").iter().map(|it| it.as_str().expect("a slug").to_owned()));
            }
            let is_open = crate::OPEN_ROUTES.contains(&path.as_str());
            assert_eq!(problems.contains_key("401") && !path.starts_with("/auth"), !is_open, "{method} {path}");
        }
    }
    let codes = control::Code::ALL.iter().filter(|code| **code != control::Code::NotAvailableYet);
    let untold: Vec<_> = codes.map(|code| code.slug()).filter(|slug| !told.contains(*slug)).collect();
    assert!(untold.is_empty(), "no operation tells {untold:?}");
}
