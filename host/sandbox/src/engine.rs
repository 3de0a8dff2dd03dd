//! The engine: its settings and the key of what it compiles.
//!
//! One `Engine` per process and one profile. The compiler process and the key use [`compiler`], the runner uses [`runner`];
//! they differ only in what does not reach the artefact: the allocator and whether the compiler is there.

use std::hash::Hash;

use model::digest::Hasher;
use model::limits::task::MEMORY_MAX_BYTES;
use model::limits::worker::SLOTS_MAX;
use wasmtime::{Config, Enabled, Engine, OptLevel, PoolingAllocationConfig, Strategy, WasmFeatures};

use crate::artefact::EngineKey;

/// Between two increments of the epoch.
pub(crate) const EPOCH_TICK_MS: u64 = 10;

const MAX_WASM_STACK: usize = 512 << 10;
const ASYNC_STACK: usize = 2 << 20;
const MEMORY_KEEP_RESIDENT: usize = 8 << 20;
const TABLE_KEEP_RESIDENT: usize = 64 << 10;
const INSTANCE_SIZE_MAX: usize = 1 << 20;
const TABLE_ELEMENTS_MAX: usize = 20_000;
const MEMORIES_PER_COMPONENT: u32 = 8;
const TABLES_PER_COMPONENT: u32 = 64;
const INSTANCES_PER_COMPONENT: u32 = 128;
const TOTAL_MEMORIES: u32 = 2_000;
const TOTAL_TABLES: u32 = 8_000;
const TOTAL_INSTANCES: u32 = 16_000;
/// Component instances and stacks: more than a runner has slots, so that the pool is never what refuses an attempt.
const TOTAL_COMPONENTS: u32 = 2 * SLOTS_MAX;

/// Proposals that no guest may use: recent holes sit there, and the toolchains of guests do not need them.
const REFUSED: WasmFeatures = WasmFeatures::GC
    .union(WasmFeatures::EXCEPTIONS)
    .union(WasmFeatures::LEGACY_EXCEPTIONS)
    .union(WasmFeatures::FUNCTION_REFERENCES)
    .union(WasmFeatures::THREADS)
    .union(WasmFeatures::SHARED_EVERYTHING_THREADS)
    .union(WasmFeatures::MEMORY64)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::STACK_SWITCHING)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::CUSTOM_PAGE_SIZES)
    .union(WasmFeatures::WIDE_ARITHMETIC)
    .union(WasmFeatures::CM_ASYNC)
    .union(WasmFeatures::CM_ASYNC_STACKFUL)
    .union(WasmFeatures::CM_MORE_ASYNC_BUILTINS)
    .union(WasmFeatures::CM_THREADING)
    .union(WasmFeatures::CM_ERROR_CONTEXT)
    .union(WasmFeatures::CM_GC)
    .union(WasmFeatures::CM_MAP)
    .union(WasmFeatures::CM64)
    .union(WasmFeatures::CM_FIXED_LENGTH_LISTS)
    .union(WasmFeatures::CM_IMPLEMENTS);

/// The engine of `waft compile`: allocates on demand, never runs anything.
pub(crate) fn compiler() -> wasmtime::Result<Engine> {
    let mut config = config();
    config.strategy(Strategy::Cranelift).cranelift_opt_level(OptLevel::Speed);
    Engine::new(&config)
}

/// The engine of `waft runner`: pooled, without a compiler.
pub(crate) fn runner() -> wasmtime::Result<Engine> {
    let mut config = config();
    config.enable_compiler(false).allocation_strategy(pool());
    Engine::new(&config)
}

/// The key that artefacts of this build on this CPU have. Computed by whoever trusts the answer, never told by a compiler.
pub fn engine_key() -> EngineKey {
    static KEY: std::sync::OnceLock<EngineKey> = std::sync::OnceLock::new();
    *KEY.get_or_init(|| {
        let engine = compiler().expect("the engine's settings are valid on this machine");
        let mut hasher = HashBytes(Hasher::default());
        // The compatibility hash covers settings and CPU features that the artefact is checked for when it is loaded; the
        // compiler's own flags, such as those against speculation, are in it only as far as the engine compares them.
        engine.precompile_compatibility_hash().hash(&mut hasher);
        for flag in engine.get_cranelift_flags_enabled() {
            flag.hash(&mut hasher);
        }
        for setting in engine.get_cranelift_flags_set() {
            setting.hash(&mut hasher);
        }
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        EngineKey(hasher.0.finish())
    })
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_features(REFUSED, false)
        .epoch_interruption(true)
        .consume_fuel(false)
        .max_wasm_stack(MAX_WASM_STACK)
        .async_stack_size(ASYNC_STACK)
        .async_stack_zeroing(true);
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.max_memory_size(MEMORY_MAX_BYTES as usize)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memories_per_component(MEMORIES_PER_COMPONENT)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .max_core_instances_per_component(INSTANCES_PER_COMPONENT)
        .max_component_instance_size(INSTANCE_SIZE_MAX)
        .max_core_instance_size(INSTANCE_SIZE_MAX)
        .total_memories(TOTAL_MEMORIES)
        .total_tables(TOTAL_TABLES)
        .total_core_instances(TOTAL_INSTANCES)
        .total_component_instances(TOTAL_COMPONENTS)
        .total_stacks(TOTAL_COMPONENTS)
        .linear_memory_keep_resident(MEMORY_KEEP_RESIDENT)
        .table_keep_resident(TABLE_KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Feeds what is hashed into a digest, so that the key is the same in each process.
struct HashBytes(Hasher);

impl std::hash::Hasher for HashBytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        unreachable!("the key is the whole digest, not a u64")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_has_the_settings_of_the_design() {
        let engine = runner().expect("a valid engine");
        assert_eq!(engine.get_wasm_features().intersection(REFUSED), WasmFeatures::empty());
        assert!(engine.get_epoch_interruption());
        assert!(!engine.get_consume_fuel());
        assert_eq!(engine.get_max_wasm_stack(), 512 << 10);
        assert_eq!(engine.get_async_stack_size(), 2 << 20);
        assert!(engine.get_async_stack_zeroing());
        assert!(!engine.get_shared_memory());
        assert!(!engine.get_concurrency_support());
        assert!(!engine.get_guest_debug());
        assert_eq!(engine.get_strategy(), None, "a runner has no compiler");

        let stock = Engine::new(&Config::new()).expect("the stock engine");
        assert_eq!(engine.get_memory_reservation(), stock.get_memory_reservation());
        assert_eq!(engine.get_memory_guard_size(), stock.get_memory_guard_size());
        assert_eq!(engine.get_guard_before_linear_memory(), stock.get_guard_before_linear_memory());
        assert_eq!(engine.get_memory_init_cow(), stock.get_memory_init_cow());
        assert_eq!(engine.get_signals_based_traps(), stock.get_signals_based_traps());
        assert!(engine.get_signals_based_traps());

        let pool = engine.get_pooling_config().expect("the pooling allocator");
        assert_eq!(pool.get_max_memory_size(), 256 << 20);
        assert_eq!(pool.get_table_elements(), 20_000);
        assert_eq!(pool.get_max_memories_per_component(), 8);
        assert_eq!(pool.get_max_tables_per_component(), 64);
        assert_eq!(pool.get_max_core_instances_per_component(), 128);
        assert_eq!(pool.get_max_component_instance_size(), 1 << 20);
        assert_eq!(pool.get_max_core_instance_size(), 1 << 20);
        assert_eq!(pool.get_total_memories(), 2_000);
        assert_eq!(pool.get_memory_keep_resident(), 8 << 20);
        assert_eq!(pool.get_table_keep_resident(), 64 << 10);
    }

    #[test]
    fn the_compiler_is_cranelift_for_speed_and_makes_what_the_runner_takes() {
        let engine = compiler().expect("a valid engine");
        assert_eq!(engine.get_strategy(), Some(Strategy::Cranelift));
        assert_eq!(engine.get_cranelift_opt_level(), Some(OptLevel::Speed));
        assert_eq!(engine.get_wasm_features(), runner().expect("a valid engine").get_wasm_features());
    }

    #[test]
    fn the_key_does_not_change_within_a_build() {
        assert_eq!(engine_key(), engine_key());
    }
}
