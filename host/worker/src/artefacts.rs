//! Compiled components: compiled once, in a process of their own, shared by all runners of the tenant, kept in memory and on
//! this machine's disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use blobs::BlobStore;
use clock::Clock;
use lru::LruCache;
use metrics::histogram;
use model::limits::component::COMPILERS_MAX;
use model::{Digest, TenantScope};
use sandbox::{Artefact, CompileError, RunnerCommand};
use tokio::sync::{OnceCell, Semaphore};

use tracing::{info, warn};

use crate::artefact_folder::ArtefactFolder;
use crate::metric_names::COMPILE_SECONDS;

/// Bytes of native code that are kept; the least recently used go first.
const KEPT_MAX_BYTES: usize = 256 << 20;

/// Why there is no artefact.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ArtefactError {
    /// The component itself cannot be compiled.
    #[error("{0}")]
    Invalid(String),
    /// Not the component's fault.
    #[error("{0}")]
    Unavailable(String),
}

type Key = (TenantScope, Digest);
type Cell = Arc<OnceCell<Artefact>>;

/// A bounded cache. Artefacts are bound to a tenant: two tenants never share one, though their components be equal.
pub struct Artefacts {
    command: RunnerCommand,
    blobs: BlobStore,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    /// Compiles that are under way; whoever wants the same artefact waits for the same one.
    pending: Mutex<HashMap<Key, Cell>>,
    compilers: Semaphore,
    folder: Option<ArtefactFolder>,
}

/// Takes a compile out of the pending ones, also when whoever waited for it has gone.
struct Pending<'a>(&'a Artefacts, Key);

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.pending().remove(&self.1);
    }
}

struct Kept {
    artefacts: LruCache<Key, Artefact>,
    bytes: usize,
}

impl Artefacts {
    /// An empty cache over `blobs`.
    pub fn new(command: RunnerCommand, blobs: BlobStore, clock: Arc<dyn Clock>) -> Self {
        let kept = Mutex::new(Kept { artefacts: LruCache::unbounded(), bytes: 0 });
        let compilers = Semaphore::new(COMPILERS_MAX);
        Self { command, blobs, clock, kept, pending: Mutex::default(), compilers, folder: None }
    }

    /// Keeps artefacts on disk as well.
    pub fn with_folder(self, folder: ArtefactFolder) -> Self {
        Self { folder: Some(folder), ..self }
    }

    /// Replaces what another build of the engine has compiled, one after the other; the old ones go when the new ones are there.
    pub async fn renew(&self) {
        let Some(folder) = self.folder.clone() else { return };
        let outdated = blocking(&folder, ArtefactFolder::outdated).await.unwrap_or_default();
        if !outdated.is_empty() {
            info!(count = outdated.len(), "compiling components again for this engine");
        }
        for artefact in outdated {
            match self.fetch(artefact.scope, artefact.component).await {
                Ok(_) | Err(ArtefactError::Invalid(_)) => {
                    blocking(&folder, move |folder| folder.discard(&artefact)).await;
                }
                Err(ArtefactError::Unavailable(error)) => warn!(error, "an artefact of another engine stays"),
            }
        }
    }

    /// The artefact of a component whose bytes are in the blobs.
    pub async fn fetch(&self, scope: TenantScope, component: Digest) -> Result<Artefact, ArtefactError> {
        self.compiled((scope, component), async {
            let unavailable =
                |error: blobs::BlobError| ArtefactError::Unavailable(format!("component {component}: {error}"));
            Ok(self.blobs.get(scope, component).await.map_err(unavailable)?.to_vec())
        })
        .await
    }

    /// The artefact of a component that is being uploaded.
    pub async fn compile(&self, scope: TenantScope, component: &[u8]) -> Result<Artefact, ArtefactError> {
        self.compiled((scope, Digest::of(component)), async { Ok(component.to_vec()) }).await
    }

    async fn compiled(
        &self,
        key: Key,
        bytes: impl Future<Output = Result<Vec<u8>, ArtefactError>>,
    ) -> Result<Artefact, ArtefactError> {
        if let Some(artefact) = self.kept().artefacts.get(&key) {
            return Ok(artefact.clone());
        }
        let cell = self.pending().entry(key).or_default().clone();
        let _pending = Pending(self, key);
        let artefact = cell.get_or_try_init(|| self.load_or_compile(key, bytes)).await.cloned()?;
        self.keep(key, artefact.clone());
        Ok(artefact)
    }

    async fn load_or_compile(
        &self,
        (scope, component): Key,
        bytes: impl Future<Output = Result<Vec<u8>, ArtefactError>>,
    ) -> Result<Artefact, ArtefactError> {
        let Some(folder) = &self.folder else { return self.compile_now(&bytes.await?).await };
        if let Some(found) = blocking(folder, move |folder| folder.load(scope, component)).await.flatten() {
            return Ok(found);
        }
        let artefact = self.compile_now(&bytes.await?).await?;
        let made = artefact.clone();
        let folder = folder.clone();
        // Nobody waits for the disk.
        tokio::task::spawn_blocking(move || folder.keep(scope, &made));
        Ok(artefact)
    }

    async fn compile_now(&self, bytes: &[u8]) -> Result<Artefact, ArtefactError> {
        let _turn = self.compilers.acquire().await.map_err(|error| ArtefactError::Unavailable(error.to_string()))?;
        let start = self.clock.monotonic();
        let artefact = sandbox::compile(&self.command, bytes).await.map_err(|error| match error {
            CompileError::Invalid(_) | CompileError::Died(_) => ArtefactError::Invalid(error.to_string()),
            CompileError::Start { .. } => ArtefactError::Unavailable(error.to_string()),
        })?;
        failpoint::after("upload::compiled").map_err(|error| ArtefactError::Unavailable(error.to_string()))?;
        histogram!(COMPILE_SECONDS).record((self.clock.monotonic() - start).as_secs_f64());
        Ok(artefact)
    }

    fn keep(&self, key: Key, artefact: Artefact) {
        let mut kept = self.kept();
        kept.bytes += artefact.bytes().len();
        if let Some(replaced) = kept.artefacts.put(key, artefact) {
            kept.bytes -= replaced.bytes().len();
        }
        while kept.bytes > KEPT_MAX_BYTES
            && kept.artefacts.len() > 1
            && let Some((_, oldest)) = kept.artefacts.pop_lru()
        {
            kept.bytes -= oldest.bytes().len();
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no panic while the lock is held")
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<Key, Cell>> {
        self.pending.lock().expect("no panic while the lock is held")
    }
}

/// Does something with the folder on a thread that may block; `None` when it panicked.
async fn blocking<T: Send + 'static>(
    folder: &ArtefactFolder,
    act: impl FnOnce(&ArtefactFolder) -> T + Send + 'static,
) -> Option<T> {
    let folder = folder.clone();
    tokio::task::spawn_blocking(move || act(&folder)).await.ok()
}

#[cfg(test)]
mod tests;
