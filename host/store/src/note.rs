//! Notes that people put beside runs and task instances.

use async_trait::async_trait;
use model::{MapIndex, NodeIdx, RunKey, TenantScope};

use crate::StoreError;

/// A note beside an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceNote {
    pub node: NodeIdx,
    pub map_index: MapIndex,
    pub note: String,
}

/// Notes.
#[async_trait]
pub trait NoteStore: Send + Sync {
    /// Puts a note beside a run in the place of its old one, or takes that away. False when there is no such run.
    async fn run_note_put(&self, scope: TenantScope, run: RunKey, note: Option<&str>) -> Result<bool, StoreError>;

    /// The same beside the instances of a task between two map indexes, inclusive; gives how many got one, or lost theirs.
    async fn instance_note_put(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        between: (MapIndex, MapIndex),
        note: Option<&str>,
    ) -> Result<u64, StoreError>;

    /// Notes beside the instances of a run between two of them, inclusive, in the order of tasks and map indexes.
    async fn instance_notes(
        &self,
        scope: TenantScope,
        run: RunKey,
        between: ((NodeIdx, MapIndex), (NodeIdx, MapIndex)),
    ) -> Result<Vec<InstanceNote>, StoreError>;
}
