//! What happens to a run from outside.

use model::outcome::{Answer, End};
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
        /// What a success said: a branch's choice, a short circuit's truth, lengths of lists that something is mapped over.
        answer: Answer,
    },
    /// What a deferred instance waits for is there, or somebody has filled in an approval's form.
    Woken { node: NodeIdx, map_index: MapIndex },
    /// The run before lets these tasks run now: there they have ended in success or were skipped, and what stands directly
    /// downstream of them too where they wait for that.
    PastMet { nodes: Vec<NodeIdx> },
    /// The last decisions are durable; the machine may go on with what it had to hold back (further rows of an expansion).
    Committed,
    /// Time has passed; retries may be due and the run may be over its timeout.
    Tick,
    /// Somebody wants the run to end here and now: nothing is undone any more.
    Cancel { reason: String },
}
