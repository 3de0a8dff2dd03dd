//! The command line against a real server.

use std::process::Output;

use serde_json::{Value, json};

use crate::harness::{Server, component, run_id, waft};

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[track_caller]
fn json_of(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The component of a package as a file in the server's folder.
fn file(server: &Server, package: &str) -> String {
    let path = server.data().with_file_name(format!("{package}.wasm"));
    std::fs::write(&path, component(package)).expect("the folder can be written");
    path.to_str().expect("a plain path").to_owned()
}

#[tokio::test]
async fn deploy_trigger_and_look() {
    let server = Server::start().await;
    let hello = file(&server, "hello");
    let deployed = server.waft(&["deploy", &hello]);
    assert!(deployed.status.success() && stdout(&deployed).contains("greeting"), "{deployed:?}");

    let run = json_of(&server.waft(&[
        "trigger",
        "greeting",
        "--conf",
        r#"{"name":"Ada"}"#,
        "--wait",
        "60",
        "--output",
        "json",
    ]));
    assert_eq!(run["results"], json!({ "hello": "Hello, Ada!" }), "{run:#}");
    let id = &run_id(&run);

    for arguments in [
        &["dags"][..],
        &["versions", "greeting"],
        &["runs"],
        &["tasks", id, "--dag", "greeting"],
        &["xcom", "greeting", id, "hello"],
        &["logs", "greeting", id, "hello"],
    ] {
        let plain = server.waft(arguments);
        assert!(plain.status.success() && !plain.stdout.is_empty(), "{arguments:?}: {plain:?}");
        json_of(&server.waft(&[arguments, &["--output", "json"]].concat()));
    }
    assert!(stdout(&server.waft(&["logs", "greeting", id, "hello"])).contains("greeting Ada"));
    assert!(stdout(&server.waft(&["xcom", "greeting", id, "hello"])).contains("Hello, Ada!"));
}

#[tokio::test]
async fn scripts_can_tell_what_went_wrong() {
    let server = Server::start().await;
    let flows = file(&server, "flows-guest");
    let text_file = server.data().with_file_name("text.wasm");
    std::fs::write(&text_file, "no component").expect("the folder can be written");
    let text_file = text_file.to_str().expect("a plain path");
    let nobody = ["runs", "--server", "http://127.0.0.1:1"];
    let ticking = ["trigger", "ticking", "--conf", r#"{"times":200}"#, "--wait", "1"];

    let check = |arguments: &[&str], code: i32, words: &str| {
        let output = server.waft(arguments);
        let told = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {words:?} is not in {told}");
    };
    check(&["deploy", &flows], 0, "squares");
    check(&["trigger", "doomed", "--wait", "60"], 1, "there is nothing to be done");
    check(&["trigger"], 2, "DAG");
    check(&["trigger", "nowhere"], 3, "nowhere");
    check(&["deploy", text_file], 4, "component");
    check(&nobody, 5, "127.0.0.1:1");
    check(&ticking, 6, "ticking");
}

#[tokio::test]
async fn one_run_without_a_server() {
    let server = Server::start().await;
    let flows = file(&server, "flows-guest");
    let run = server.waft(&["run", &flows, "--dag", "squares", "--conf", r#"{"n":10}"#]);
    assert!(run.status.success() && stdout(&run).contains("285"), "{run:?}");
    let failed = server.waft(&["run", &flows, "--dag", "doomed"]);
    assert!(!failed.status.success(), "{failed:?}");
}

#[tokio::test]
async fn the_demo_counts_the_words_of_a_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = [("short.txt", "one two"), ("long.txt", "one two three four\nfive"), ("empty.txt", "")];
    for (name, words) in files {
        std::fs::write(folder.path().join(name), words).expect("the folder can be written");
    }
    std::fs::write(folder.path().join("picture.png"), [0x89, b'P', 0xff, 0xfe]).expect("the folder can be written");
    let demo = waft().args(["demo"]).arg(folder.path()).output().expect("waft starts");
    assert!(demo.status.success(), "{demo:?}");
    let told = stdout(&demo);
    assert!(told.contains("long.txt") && told.contains('5'), "{told}");
}

#[tokio::test]
async fn follow_change_compare_and_delete() {
    let server = Server::start().await;
    let hello = file(&server, "hello");
    assert!(server.waft(&["deploy", &hello]).status.success());
    let run = json_of(&server.waft(&["trigger", "greeting", "--wait", "60", "--output", "json"]));
    let id = &run_id(&run);
    let followed = server.waft(&["runs", "greeting", "--follow", id]);
    assert!(
        followed.status.success() && stdout(&followed).ends_with(&format!("run {id} is success\n")),
        "{followed:?}"
    );

    let xcom = ["xcom", "greeting", id, "hello", "--key", "note"];
    for value in ["1", r#"{"by":"hand"}"#] {
        assert!(server.waft(&[&xcom[..], &["--set", value]].concat()).status.success());
        assert_eq!(json_of(&server.waft(&xcom)), serde_json::from_str::<Value>(value).expect("JSON"));
    }
    assert!(server.waft(&[&xcom[..], &["--delete"]].concat()).status.success());
    assert_eq!(server.waft(&xcom).status.code(), Some(3));

    let diff = server.waft(&["versions", "greeting", "--diff", "1", "1"]);
    assert_eq!(stdout(&diff), "the documents are the same\n");
    assert!(server.waft(&["versions", "greeting", "--activate", "1"]).status.success());

    assert!(server.waft(&["delete", "greeting"]).status.success());
    assert_eq!(server.waft(&["delete", "greeting"]).status.code(), Some(3));
    assert_eq!(server.waft(&["tasks", id, "--dag", "greeting"]).status.code(), Some(3));
    assert!(server.waft(&["deploy", &hello]).status.success());
    let run = json_of(&server.waft(&["trigger", "greeting", "--wait", "60", "--output", "json"]));
    assert_eq!(run["results"], json!({ "hello": "Hello, world!" }), "{run:#}");
}
