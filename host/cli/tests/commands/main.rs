//! The binary from outside, against a server that gives prepared answers: help, forms of output, exit codes, configuration.

mod canned;
mod waft;

use canned::{Answer, Canned};
use waft::{Said, waft};

const COMMANDS: [&[&str]; 36] = [
    &[],
    &["serve"],
    &["demo"],
    &["run"],
    &["deploy"],
    &["trigger"],
    &["runs"],
    &["tasks"],
    &["xcom"],
    &["logs"],
    &["dags"],
    &["versions"],
    &["delete"],
    &["pause"],
    &["unpause"],
    &["backfill"],
    &["backfill", "create"],
    &["assets"],
    &["assets", "tell"],
    &["variables"],
    &["variables", "set"],
    &["connections"],
    &["connections", "set"],
    &["pools"],
    &["pools", "set"],
    &["db"],
    &["db", "status"],
    &["db", "migrate"],
    &["db", "check"],
    &["backup"],
    &["restore"],
    &["gc"],
    &["config"],
    &["config", "show"],
    &["completions"],
    &["man"],
];

const RUN: &str = r#"{"dag_id":"daily","dag_run_id":"r1","state":"success","run_type":"manual","start_date":"2026-01-31T12:00:00Z",
    "end_date":"2026-01-31T12:00:01.500Z","dag_versions":[{"id":"v","dag_id":"daily","version_number":3,"created_at":"2026-01-30T00:00:00Z"}],
    "note":"by \u001b[31mhand"}"#;

fn runs() -> Canned {
    let body = format!(r#"{{"dag_runs":[{RUN}],"total_entries":7}}"#);
    Canned::start([("GET /api/v2/dags/~/dagRuns", Answer::json(200, body))])
}

fn waited(state: &str, result: &str, rest: &str) -> Canned {
    let body = format!(r#"{{"state":"{state}","result":"{result}",{rest}"dag_run":{RUN}}}"#);
    Canned::start([("POST /api/v2/dags/daily/dagRuns", Answer::json(200, body))])
}

#[test]
fn help_tells_everything() {
    let mut text = String::new();
    for command in COMMANDS {
        let said = waft().args(command).arg("--help").run();
        assert_eq!(said.code, 0);
        text += &format!("$ waft {} --help\n{}\n", command.join(" "), said.out);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_list_has_three_forms() {
    let server = runs();
    let mut text = String::new();
    for form in ["table", "plain", "json"] {
        let Said { code, out, err } = waft().server(&server).args(&["runs", "--limit", "1", "--output", form]).run();
        assert_eq!(code, 0);
        text += &format!("--output {form}\n{out}\non standard error: {err:?}\n\n");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_run_that_was_waited_for_prints_its_result() {
    let server = waited("success", "available", r#""results":{"sum":{"words":3}},"#);
    let said = waft().server(&server).args(&["trigger", "daily", "--wait", "5"]).run();
    insta::assert_snapshot!(said.out);
    assert_eq!(said.code, 0);
    let request = server.requests().remove(0);
    assert!(request.contains("prefer: wait=5"), "{request}");
    assert!(request.ends_with(r#"{"logical_date":null}"#), "{request}");
}

#[test]
fn a_run_that_failed_says_why_and_has_its_code() {
    let failed = r#""failed":{"task_id":"count","map_index":4,"state":"failed","message":"boom\u001b]0;x\u0007"},"#;
    let server = waited("failed", "impossible", failed);
    let said = waft().server(&server).args(&["trigger", "daily", "--wait", "5"]).run();
    assert_eq!(said.code, 1);
    assert!(said.out.contains("because  task count[4] is failed: boom\n"), "{}", said.out);
}

#[test]
fn a_wait_that_was_too_short_has_its_code() {
    let server = waited("running", "pending", r#""timed_out":true,"#);
    let said = waft().server(&server).args(&["trigger", "daily", "--wait", "5"]).run();
    assert_eq!(said.code, 6);
    assert!(said.err.starts_with("error: run daily/r1 has no result after 5 s; it goes on\n"), "{}", said.err);
}

#[test]
fn what_is_not_there_is_told_from_what_is_refused() {
    let problem = |status: u16, slug: &str| {
        let body = format!(
            r#"{{"type":"urn:waft:error:{slug}","title":"t","status":{status},"detail":"no, because","hint":"do this",
                "errors":[{{"severity":"error","code":"unknown-task","path":"/tasks/1","message":"there is no b"}}]}}"#
        );
        Canned::start([("GET /api/v2/dags/daily/dagVersions", Answer::problem(status, body))])
    };
    let check = |status, slug, code| {
        let said = waft().server(&problem(status, slug)).args(&["versions", "daily"]).run();
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{status}");
        said.err
    };
    insta::assert_snapshot!(check(404, "dag-not-found", 3), @r#"
    error: cannot list the versions of DAG "daily"
      because: no, because [dag-not-found]
      problem: /tasks/1: there is no b [unknown-task]
      hint: do this
    "#);
    check(401, "unauthenticated", 4);
    check(422, "invalid-dags", 4);
    check(500, "internal", 7);
}

#[test]
fn errors_are_json_where_programs_read() {
    let server = Canned::start([]);
    let said = waft().server(&server).args(&["dags", "-o", "json"]).run();
    assert_eq!(said.code, 3);
    let error: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!(error["error"]["exit_code"], 3);
}

#[test]
fn a_server_that_is_not_there_is_told_with_what_to_do() {
    let said = waft().args(&["dags", "--server", "http://127.0.0.1:1"]).run();
    assert_eq!(said.code, 5);
    assert!(said.err.contains("no answer from http://127.0.0.1:1"), "{}", said.err);
    assert!(said.err.contains("hint: start a server with \"waft serve\""), "{}", said.err);
}

#[test]
fn what_answers_may_be_no_server_of_waft() {
    let server = Canned::start([("GET /api/v2/dags", Answer::json(200, "<html>".to_owned()))]);
    let said = waft().server(&server).args(&["dags"]).run();
    assert_eq!(said.code, 5);
    assert!(said.err.contains("is not that of a Waft server"), "{}", said.err);
}

#[test]
fn wrong_arguments_have_their_code() {
    for arguments in [
        &["no-such-command"][..],
        &["trigger"],
        &["trigger", "daily", "--wait", "0"],
        &["trigger", "daily", "--conf", "[1]"],
        &["tasks", "r1"],
        &["runs", "--state", "sleeping"],
        &["serve", "--listen", "localhost"],
        &["dags", "--server", "ftp://x"],
        &["deploy", "/no/such/file.wasm"],
        &["run", "/no/such/file.wasm"],
    ] {
        let said = waft().args(arguments).run();
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments:?}: {}", said.err);
    }
}

#[test]
fn logs_cannot_speak_to_the_terminal() {
    let line = r#"{"timestamp":"2026-01-31T12:00:00.000001Z","level":"info","logger":"stdout","event":"a\u001b[2Jb\u0007\rc"}"#;
    let path = "GET /api/v2/dags/d/dagRuns/r/taskInstances/t/logs/1";
    let server = Canned::start([(path, Answer::json(200, format!("{line}\n")))]);
    let said = waft().server(&server).args(&["logs", "d", "r", "t", "--try", "1"]).run();
    assert_eq!(said.out, "2026-01-31T12:00:00.000001Z INFO    stdout ab\u{fffd} c\n");
    let said = waft().server(&server).args(&["logs", "d", "r", "t", "--try", "1", "-o", "json"]).run();
    assert!(said.out.contains(r#""event":"a\u001b[2Jb\u0007\rc""#), "{}", said.out);
}

#[test]
fn the_token_is_sent_and_never_printed() {
    let server =
        Canned::start([("GET /api/v2/dags", Answer::json(200, r#"{"dags":[],"total_entries":0}"#.to_owned()))]);
    let said = waft().server(&server).variable("WAFT_TOKEN", "waft_secret").args(&["dags"]).run();
    assert_eq!((said.code, said.out.as_str()), (0, "no DAGs; deploy a component with \"waft deploy FILE\"\n"));
    assert!(server.requests()[0].contains("authorization: Bearer waft_secret"));
    let shown = waft().variable("WAFT_TOKEN", "waft_secret").args(&["config", "show"]).run();
    assert!(!shown.out.contains("waft_secret"));
}

#[test]
fn a_folder_cannot_send_the_token_to_a_server_of_its_own() {
    let server = runs();
    let said = waft()
        .file("waft.toml", &format!("server = {:?}", server.url()))
        .variable("WAFT_TOKEN", "waft_secret")
        .args(&["runs"])
        .run();
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("it is not sent there"), "{}", said.err);
    assert!(server.requests().is_empty());
}

#[test]
fn configuration_tells_where_each_value_came_from() {
    let said = waft()
        .file("waft.toml", "slots = 3\nlisten = \"127.0.0.1:1234\"\nslot = 4\n")
        .variable("WAFT_SLOTS", "5")
        .variable("WAFT_GRACE_S", "7")
        .args(&["config", "show", "--grace-s", "9"])
        .run();
    insta::assert_snapshot!(format!("{}---\n{}", said.out, said.err));
    let json = waft().args(&["config", "show", "--output", "json"]).run();
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json[2]["key"], "output");
    assert_eq!(json[2]["origin"], "flag --output");
}

#[test]
fn every_shell_completes_every_command_and_every_command_has_its_page() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = waft().args(&["completions", shell]).run();
        assert_eq!(said.code, 0, "{}", said.err);
        for word in ["versions", "--follow", "--map-index"] {
            assert!(said.out.contains(word.trim_start_matches('-')), "{shell} does not complete {word}");
        }
    }
    assert_eq!(waft().args(&["completions", "cmd"]).run().code, 2);
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    let said = waft().args(&["man", pages.to_str().unwrap()]).run();
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
    for command in COMMANDS {
        let name = [&["waft"], command].concat().join("-");
        let page = std::fs::read_to_string(pages.join(format!("{name}.1"))).unwrap_or_default();
        assert!(page.contains(".SH SYNOPSIS"), "no page of {name}");
    }
}

#[test]
fn a_run_is_followed_to_its_end_and_a_broken_stream_goes_on() {
    let task = |state: &str| {
        let states = format!(r#""states":{{"{state}":1}}"#);
        format!(
            "event: task\ndata: {{\"event\":\"task\",\"task_id\":\"t\",\"state\":\"{state}\",\"map_length\":null,{states}}}\n\n"
        )
    };
    let run = |event: &str, state: &str| {
        let data =
            format!(r#"{{"event":"{event}","dag_id":"daily","dag_run_id":"r1","state":"{state}","reason":null}}"#);
        format!("event: {event}\nid: {state}\ndata: {data}\n\n")
    };
    let path = "GET /api/v2/dags/daily/dagRuns/r1/events";
    let whole = [": alive\n\n".to_owned(), task("failed"), run("dag_run", "running"), run("end", "failed")].concat();
    let server = Canned::start([(path, Answer::json(200, whole))]);
    let said = waft().server(&server).args(&["runs", "daily", "--follow", "r1"]).run();
    assert_eq!((said.code, said.out.as_str()), (1, "task t is failed\nrun r1 is running\nrun r1 is failed\n"));

    // It never ends, so that it is begun again with the last id, and given up in the end.
    let server = Canned::start([(path, Answer::json(200, run("dag_run", "running")))]);
    let said = waft().server(&server).args(&["runs", "daily", "--follow", "r1"]).run();
    assert_eq!(said.code, 5, "{}", said.err);
    let requests = server.requests();
    assert!(!requests[0].contains("last-event-id"), "{}", requests[0]);
    assert!(requests[1].contains("last-event-id: running"), "{}", requests[1]);
}
