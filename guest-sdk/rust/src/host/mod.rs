//! What a task asks of its host: in a component the imports of the contract, elsewhere a double in memory.
//!
//! Both have the same functions and the handles [`SequenceHandle`], [`BlobHandle`] and [`BlobWriterHandle`]; the rest of the
//! crate does not know which one it has.

#[cfg(target_arch = "wasm32")]
mod component;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod memory;

#[cfg(target_arch = "wasm32")]
pub(crate) use component::*;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use memory::*;
