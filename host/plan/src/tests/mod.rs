//! Tests of whole runs. A [`world::World`] plays everything around a machine: rows, workers, time, crashes.

mod outcome;
mod properties;
mod recovery;
mod reference;
mod retries;
mod rows;
mod runs;
mod world;

pub(crate) use world::LIMITS;
