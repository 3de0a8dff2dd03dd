//! The components that this process holds, and how they arrive.

use std::collections::HashMap;
use std::sync::Arc;

use model::Digest;
use model::limits::component::ARTEFACT_MAX_BYTES;
use model::limits::worker::COMPONENTS_LOADED_MAX;

use super::sandbox::{Loaded, Sandbox};
use crate::protocol::FromChild;

/// Loaded components by digest, and the one that arrives now.
#[derive(Default)]
pub(super) struct Components {
    loaded: HashMap<Digest, Arc<Loaded>>,
    arriving: Option<Arriving>,
}

struct Arriving {
    component: Digest,
    expected: usize,
    bytes: Vec<u8>,
}

/// A component that has arrived, and whether it could be loaded.
pub(super) struct Arrived {
    component: Digest,
    outcome: Result<(), String>,
}

impl From<Arrived> for FromChild {
    fn from(Arrived { component, outcome }: Arrived) -> Self {
        Self::Loaded { component, outcome }
    }
}

/// The parent broke the protocol.
#[derive(Debug, thiserror::Error)]
#[error("the parent broke the protocol: {0}")]
pub(super) struct Violation(pub(super) &'static str);

impl Components {
    pub(super) fn get(&self, component: &Digest) -> Option<Arc<Loaded>> {
        self.loaded.get(component).cloned()
    }

    pub(super) fn announce(&mut self, component: Digest, bytes: u64) -> Result<(), Violation> {
        let expected = usize::try_from(bytes).unwrap_or(usize::MAX);
        if self.arriving.is_some() || expected == 0 || expected > ARTEFACT_MAX_BYTES {
            return Err(Violation("an artefact is announced that cannot be taken"));
        }
        self.arriving = Some(Arriving { component, expected, bytes: Vec::with_capacity(expected) });
        Ok(())
    }

    /// Takes the next piece; something has arrived with the last one.
    pub(super) fn receive(&mut self, piece: &[u8], sandbox: &Sandbox) -> Result<Option<Arrived>, Violation> {
        let Some(arriving) = &mut self.arriving else { return Err(Violation("a piece of no artefact")) };
        if arriving.bytes.len() + piece.len() > arriving.expected {
            return Err(Violation("more of an artefact than was announced"));
        }
        arriving.bytes.extend_from_slice(piece);
        if arriving.bytes.len() < arriving.expected {
            return Ok(None);
        }
        let Some(Arriving { component, bytes, .. }) = self.arriving.take() else { return Ok(None) };
        let outcome = if self.loaded.len() >= COMPONENTS_LOADED_MAX {
            Err(format!("a runner holds at most {COMPONENTS_LOADED_MAX} components"))
        } else {
            sandbox
                .load(&bytes)
                .map(|loaded| drop(self.loaded.insert(component, Arc::new(loaded))))
                .map_err(|error| format!("{error:#}"))
        };
        Ok(Some(Arrived { component, outcome }))
    }

    pub(super) fn forget(&mut self, component: &Digest) {
        self.loaded.remove(component);
    }
}
