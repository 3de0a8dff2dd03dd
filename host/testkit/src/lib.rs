//! What tests of several crates share. A dev-dependency only.

pub mod dag;
pub mod guest;
#[cfg(feature = "house")]
pub mod house;
