//! Bytes that somebody sent → checked bundle: the component's frame and world, and the DAGs that it tells.
//!
//! Pure: no files, no network, no engine. `control` calls [`scan`] before a component is stored, and [`dags`] with what the component
//! answered in its sandbox. What needs the engine (validating code, linking types) happens in the compiler process.

mod ceilings;
mod component;
mod dags;
mod format;
mod world;

pub use component::{Scanned, scan};
pub use dags::{CheckedDag, dags};
