//! The nouns of Waft: ids, DAGs, states, outcomes, limits, problems, canonical bytes and digests.
//!
//! Pure: no IO, no async, no clock. Everything else in the house may use it; it uses nothing of the house.

pub mod asset;
mod backfill;
pub mod callback;
pub mod canonical;
mod check;
pub mod dag;
pub mod digest;
pub mod document;
pub mod id;
pub mod json;
mod layout;
pub mod limits;
mod number;
pub mod outcome;
pub mod place;
pub mod pointer;
pub mod problem;
pub mod schedule;
pub mod state;
pub mod template;
pub mod text;
pub mod types;
pub mod version;

pub use asset::AssetName;
pub use backfill::{BackfillState, Reprocess, SliceState};
pub use canonical::canonical;
pub use dag::Dag;
pub use digest::Digest;
pub use id::*;
pub use layout::LaidOut;
pub use number::{AssetEventId, AssetId, BackfillId, EventLogId};
pub use place::Place;
pub use problem::{Problem, Problems, Severity};
pub use state::*;
pub use version::version_digest;
