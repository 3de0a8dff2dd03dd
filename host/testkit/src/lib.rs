//! What tests of several crates share. A dev-dependency only.

pub mod dag;
pub mod dice;
pub mod guest;
#[cfg(feature = "house")]
pub mod house;
pub mod outcome;
pub mod random_dag;
pub mod reference;
