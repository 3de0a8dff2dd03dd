//! Asking components for their DAGs.

use sandbox::{DescribeFault, describe};

use crate::harness::{command, compiled, probe_bytes, probe_that};

async fn fault_of(behaviour: &str) -> DescribeFault {
    let artefact = compiled(&probe_that(behaviour)).await;
    describe(&command(), &artefact).await.expect_err("the behaviour is refused").fault
}

async fn check(behaviour: &str, code: &str, words: &str) {
    let fault = fault_of(behaviour).await;
    assert_eq!(fault.code(), code, "{fault}");
    assert!(fault.to_string().contains(words), "{fault} does not say {words:?}");
}

#[tokio::test]
async fn an_honest_component_tells_its_dags() {
    let artefact = compiled(&probe_bytes()).await;
    let documents = describe(&command(), &artefact).await.expect("documents");
    assert_eq!(documents, [r#"{"dag_id":"probe"}"#, r#"{"dag_id":"other"}"#]);
}

#[tokio::test]
async fn time_stands_still_and_host_calls_are_refused() {
    let documents = describe(&command(), &compiled(&probe_that("frozen")).await).await.expect("documents");
    assert_eq!(documents, [r#"{"dag_id":"frozen"}"#]);
    let documents = describe(&command(), &compiled(&probe_that("host-call")).await).await.expect("documents");
    assert_eq!(documents, [r#"{"said":"true"}"#]);
}

#[tokio::test]
async fn what_depends_on_time_or_randomness_is_refused_with_the_difference() {
    check("random", "parse-nondeterministic", "DAG 0 differs at byte").await;
    check("time", "parse-nondeterministic", "DAG 0 differs at byte").await;
}

#[tokio::test]
async fn an_error_of_the_component_is_passed_on_with_its_log() {
    let artefact = compiled(&probe_that("error")).await;
    let error = describe(&command(), &artefact).await.expect_err("it reports an error");
    assert_eq!(error.fault, DescribeFault::Reported("no such table: dags".into()));
    assert_eq!(error.log.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["parsing"]);
}

#[tokio::test]
async fn each_attack_while_parsing_has_its_error() {
    check("trap", "parse-trapped", "the probe panics while it is parsed").await;
    check("start-trap", "parse-trapped", "unreachable").await;
    check("bad-json", "parse-bad-json", "DAG 1 of 2").await;
    check("sleep", "parse-trapped", "time stands still").await;
    check("huge", "parse-over-limit", "limit").await;
    check("many", "parse-over-limit", "DAGs").await;
    check("memory", "parse-over-limit", "memory limit").await;
}

#[tokio::test]
async fn endless_loops_end_at_the_limit_of_cpu_time() {
    let (parse, start) = tokio::join!(fault_of("loop"), fault_of("start-loop"));
    for fault in [parse, start] {
        assert_eq!(fault.code(), "parse-timeout", "{fault}");
    }
}

#[tokio::test]
async fn an_artefact_that_is_none_is_refused() {
    let artefact =
        sandbox::Artefact::trust(model::Digest::of(b"x"), sandbox::engine_key(), b"not native code".to_vec());
    let error = describe(&command(), &artefact).await.expect_err("no artefact");
    assert_eq!(error.fault.code(), "component-unlinkable", "{error}");
}
