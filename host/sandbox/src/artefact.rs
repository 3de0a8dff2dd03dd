//! Compiled components.
//!
//! An artefact is native code: whoever can forge one owns the runner that loads it. It is bound to the component it was
//! compiled from and to the engine that made it; a runner of another build or another CPU refuses it.

use std::fmt;
use std::sync::Arc;

use model::Digest;
use serde::{Deserialize, Serialize};

/// Names everything that an artefact depends on besides its component: version of the engine, its settings and the CPU.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EngineKey(pub(crate) Digest);

impl EngineKey {
    /// The key as text, for the name of a cached artefact.
    pub fn to_hex(self) -> String {
        self.0.to_hex()
    }
}

impl fmt::Debug for EngineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EngineKey({})", self.0.to_hex())
    }
}

/// A compiled component. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Artefact {
    pub(crate) component: Digest,
    pub(crate) engine: EngineKey,
    pub(crate) bytes: Arc<[u8]>,
}

impl Artefact {
    /// Takes back an artefact that [`crate::compile`] made and the caller has kept. `engine` is the key under which it was
    /// kept; the caller looks it up with [`crate::engine_key`], so that an artefact of another build is never found.
    ///
    /// The bytes become native code in a runner: they must come from storage that only the server can write.
    pub fn trust(component: Digest, engine: EngineKey, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { component, engine, bytes: bytes.into() }
    }

    /// The component it was compiled from.
    pub fn component(&self) -> Digest {
        self.component
    }

    /// What it was compiled for.
    pub fn engine(&self) -> EngineKey {
        self.engine
    }

    /// The native code, to be kept.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }
}

impl fmt::Debug for Artefact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Artefact({}, {} bytes)", self.component, self.bytes.len())
    }
}
