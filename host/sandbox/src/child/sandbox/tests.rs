//! Attacks that no toolchain emits: components assembled by hand whose start function is hostile.

use wasm_encoder::{
    BlockType, CodeSection, ComponentBuilder, Function, FunctionSection, HeapType, InstructionSink, MemorySection,
    MemoryType, Module, ModuleArg, RefType, StartSection, TableSection, TableType, TypeSection,
};

use super::*;
use crate::child::log::Log;

const BOUNDS: Bounds =
    Bounds { wall: Duration::from_secs(60), cpu: None, memory_bytes: 8 << 20, hostcall_bytes: 1 << 20 };

/// A core module with a memory of `pages`, a table of `elements` and this start function.
fn module(pages: u64, elements: u64, start: impl FnOnce(&mut InstructionSink<'_>)) -> Module {
    let (mut types, mut functions, mut tables) = (TypeSection::new(), FunctionSection::new(), TableSection::new());
    let (mut memories, mut code) = (MemorySection::new(), CodeSection::new());
    types.ty().function([], []);
    functions.function(0);
    let element_type = RefType::FUNCREF;
    tables.table(TableType { element_type, table64: false, minimum: elements, maximum: None, shared: false });
    memories.memory(MemoryType { minimum: pages, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut function = Function::new([]);
    start(&mut function.instructions());
    function.instructions().end();
    code.function(&function);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&tables)
        .section(&memories)
        .section(&StartSection { function_index: 0 })
        .section(&code);
    module
}

/// A component that instantiates the module so many times.
fn component(module: &Module, instances: u32) -> Vec<u8> {
    let mut component = ComponentBuilder::default();
    let module = component.core_module(None, module);
    for _ in 0..instances {
        component.core_instantiate(None, module, std::iter::empty::<(&str, ModuleArg)>());
    }
    component.finish()
}

fn endless(body: impl FnOnce(&mut InstructionSink<'_>)) -> impl FnOnce(&mut InstructionSink<'_>) {
    move |sink| {
        sink.loop_(BlockType::Empty);
        body(sink);
        sink.br(0).end();
    }
}

fn attempt() -> Arc<Attempt> {
    Arc::new(Attempt::new(1, Log::new(1_000), Arc::default()))
}

fn sandbox() -> Sandbox {
    Sandbox::new(Phase::Tasks).expect("a valid engine")
}

fn load(sandbox: &Sandbox, component: &[u8]) -> wasmtime::Result<Loaded> {
    let compiler = engine::compiler().expect("a valid engine");
    sandbox.load(&compiler.precompile_component(component)?)
}

/// How instantiating the component ends.
async fn end(component: &[u8], bounds: Bounds) -> Result<(), Fault> {
    let sandbox = sandbox();
    let loaded = load(&sandbox, component).expect("it compiles and links");
    let world = (HostAccess::Refused("a test"), &World::Real);
    sandbox.run(&loaded, &attempt(), world, bounds, |_, _| Box::pin(async { Ok(()) })).await.outcome.map(drop)
}

#[track_caller]
fn over_limit(end: Result<(), Fault>, words: &str) {
    match end {
        Err(Fault::OverLimit(message)) if message.contains(words) => {}
        other => panic!("expected a limit that says {words:?}, got {other:?}"),
    }
}

#[tokio::test]
async fn an_honest_component_runs() {
    assert_eq!(end(&component(&module(1, 1, |_| {}), 1), BOUNDS).await, Ok(()));
}

#[tokio::test]
async fn a_table_that_grows_for_ever_reaches_a_limit() {
    let grow = endless(|sink| {
        sink.ref_null(HeapType::FUNC).i32_const(1_000).table_grow(0).drop();
    });
    over_limit(end(&component(&module(0, 0, grow), 1), BOUNDS).await, "a table cannot grow");
}

#[tokio::test]
async fn a_memory_that_grows_for_ever_reaches_the_limit() {
    let grow = endless(|sink| {
        sink.i32_const(1).memory_grow(0).drop();
    });
    over_limit(end(&component(&module(1, 0, grow), 1), BOUNDS).await, "memory limit of 8388608 bytes");
}

#[tokio::test]
async fn memories_of_several_modules_are_summed() {
    let three_mebibytes = module(48, 0, |_| {});
    assert_eq!(end(&component(&three_mebibytes, 2), BOUNDS).await, Ok(()));
    over_limit(end(&component(&three_mebibytes, 3), BOUNDS).await, "9437184 bytes wanted");
}

#[tokio::test]
async fn what_does_not_fit_the_pool_is_refused_when_it_is_loaded() {
    let sandbox = sandbox();
    for (what, bytes) in [
        ("a memory of 4 GiB", component(&module(65_536, 0, |_| {}), 1)),
        ("a table of a million elements", component(&module(0, 1_000_000, |_| {}), 1)),
        ("nine memories", component(&module(1, 0, |_| {}), 9)),
    ] {
        assert!(load(&sandbox, &bytes).is_err(), "{what} is taken");
    }
}

#[tokio::test]
async fn a_loop_of_bulk_operations_is_timed_out() {
    let bounds = Bounds { wall: Duration::from_millis(50), ..BOUNDS };
    let fill = endless(|sink| {
        sink.i32_const(0).i32_const(7).i32_const(6 << 20).memory_fill(0);
    });
    let ended = end(&component(&module(100, 0, fill), 1), bounds).await;
    assert_eq!(ended, Err(Fault::TimedOut("ran past its timeout of 50 ms".into())));
}

#[tokio::test]
async fn cpu_time_is_limited_apart_from_wall_time() {
    let bounds = Bounds { cpu: Some(Duration::from_millis(50)), ..BOUNDS };
    let ended = end(&component(&module(0, 0, endless(|_| {})), 1), bounds).await;
    assert_eq!(ended, Err(Fault::TimedOut("used more than 50 ms of CPU time".into())));
}

#[tokio::test]
async fn a_panic_of_the_host_is_caught_at_the_edge_of_the_attempt() {
    let sandbox = sandbox();
    let loaded = load(&sandbox, &component(&module(1, 0, |_| {}), 1)).expect("it links");
    let world = (HostAccess::Refused("a test"), &World::Real);
    let ended = sandbox.run::<()>(&loaded, &attempt(), world, BOUNDS, |_, _| panic!("a bug of the host")).await;
    assert_eq!(ended.outcome.map(drop), Err(Fault::Panicked("the runner panicked: a bug of the host".into())));
}

#[tokio::test]
async fn a_host_that_waits_too_long_is_timed_out() {
    let sandbox = sandbox();
    let loaded = load(&sandbox, &component(&module(1, 0, |_| {}), 1)).expect("it links");
    let world = (HostAccess::Refused("a test"), &World::Real);
    let bounds = Bounds { wall: Duration::from_millis(5), ..BOUNDS };
    let ended = sandbox.run::<()>(&loaded, &attempt(), world, bounds, |_, _| Box::pin(std::future::pending())).await;
    assert_eq!(ended.outcome.map(drop), Err(Fault::TimedOut("ran past its timeout of 5 ms".into())));
}
