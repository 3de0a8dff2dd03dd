//! The compiler process.

use sandbox::{CompileError, RunnerCommand, compile, engine_key};

use crate::harness::{command, probe_bytes};

async fn refused(bytes: &[u8]) -> String {
    match compile(&command(), bytes).await {
        Err(CompileError::Invalid(why)) => why,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn an_artefact_is_bound_to_its_component_and_engine() {
    let bytes = probe_bytes();
    let artefact = compile(&command(), &bytes).await.expect("it compiles");
    assert_eq!(artefact.component(), model::Digest::of(&bytes));
    assert_eq!(artefact.engine(), engine_key());
    assert_eq!(compile(&command(), &bytes).await.expect("it compiles").bytes(), artefact.bytes(), "the same each time");
}

#[tokio::test]
async fn only_components_are_taken() {
    assert!(refused(b"").await.contains("not a WebAssembly component"));
    assert!(refused(b"(component)").await.contains("not a WebAssembly component"));
    assert!(refused(b"\0asm\x01\0\0\0").await.contains("not a WebAssembly component"));
    let native = compile(&command(), &probe_bytes()).await.expect("it compiles");
    assert!(refused(native.bytes()).await.contains("not a WebAssembly component"));
    let whole = probe_bytes();
    assert!(!refused(&whole[..whole.len() / 2]).await.is_empty());
}

#[tokio::test]
async fn a_program_that_is_missing_is_named() {
    let missing = RunnerCommand { program: "/nowhere/waft".into() };
    let error = compile(&missing, b"").await.expect_err("it cannot start");
    assert!(matches!(&error, CompileError::Start(_)));
    assert!(error.to_string().contains("/nowhere/waft"), "{error}");
}

#[tokio::test]
async fn a_program_that_dies_is_an_error_of_this_upload() {
    let dies = RunnerCommand { program: "/bin/false".into() };
    assert!(matches!(compile(&dies, b"bytes").await, Err(CompileError::Died(_))));
}
