//! `waft demo`: the main job of Waft on real input, from the source of a component to the result of a run.
//!
//! Words: a *stage* is one step of the demo; each is timed. A *left-out* is a file that is not taken, with the reason.
//! Everything goes through the API, as a user's own program would do it.

mod conf;
mod files;
mod left_out;
mod summary;
mod upload;
mod workspace;

pub(crate) use conf::list;
pub(crate) use files::{Files, collect};
pub(crate) use left_out::{LeftOut, LeftOuts};
pub(crate) use summary::{KeptServer, Report, Summary};
pub(crate) use upload::upload;
pub(crate) use workspace::{example, root};
