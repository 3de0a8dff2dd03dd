//! Tests of whole runs. A [`world::World`] plays everything around a machine: rows, workers, time, crashes.

mod clears;
mod mapping;
mod properties;
mod random;
mod recovery;
mod retries;
mod rows;
mod rules;
mod runs;
mod scale;
mod script;
mod world;

pub(crate) use world::LIMITS;

use runs::check;
