//! What happens to a run from outside.

use model::outcome::End;
use model::{Fence, MapIndex, NodeIdx};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An execution ended, as its worker reported it.
    Ended {
        node: NodeIdx,
        map_index: MapIndex,
        fence: Fence,
        end: End,
        /// The attempt left a `return_value`.
        has_value: bool,
        /// Length of the returned list, when another task maps over it.
        list_length: Option<u32>,
    },
    /// The last decisions are durable; the machine may go on with what it had to hold back (further rows of an expansion).
    Committed,
    /// Time has passed; retries may be due and the run may be over its timeout.
    Tick,
    /// Somebody cancelled the run.
    Cancel { reason: String },
}
