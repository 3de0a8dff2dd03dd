//! Compiled components on this machine's disk, so that a restart compiles nothing again.
//!
//! An artefact is native code, so what lies here is believed only under a signature: a key that never leaves the folder of this
//! server signs tenant, component, engine and bytes together. A file that is damaged, was swapped for another one, or came
//! from elsewhere is deleted and counted, and its component is compiled again. The folder never lies in a shared store.
//!
//! Layout: `KEY` has the signing key; `ENGINE/TENANT-COMPONENT` an artefact of one engine, the signature first.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use clock::{Clock, Rng};
use hmac::{Hmac, KeyInit, Mac};
use metrics::counter;
use model::limits::component::ARTEFACTS_KEPT_MAX_BYTES;
use model::{Digest, TenantId, TenantScope};
use sandbox::{Artefact, EngineKey};
use sha2::Sha256;
use tracing::{info, warn};

use crate::metric_names::ARTEFACTS_REFUSED;

const KEY_FILE: &str = "KEY";
const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 32;
const ONLY_OWNER_FOLDER: u32 = 0o700;
const ONLY_OWNER_FILE: u32 = 0o600;

/// A folder of artefacts. Its calls block; they read and write some megabytes.
#[derive(Clone)]
pub struct ArtefactFolder(Arc<Inner>);

struct Inner {
    path: PathBuf,
    key: [u8; KEY_BYTES],
    engine: EngineKey,
    limit_bytes: u64,
    clock: Arc<dyn Clock>,
}

/// An artefact that this build of the engine cannot use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outdated {
    pub(crate) scope: TenantScope,
    pub(crate) component: Digest,
    file: PathBuf,
}

impl ArtefactFolder {
    /// Opens the folder; makes it, and its key, where they are missing.
    pub fn open(path: &Path, engine: EngineKey, clock: Arc<dyn Clock>, rng: &dyn Rng) -> io::Result<Self> {
        Self::bounded(path, engine, clock, rng, ARTEFACTS_KEPT_MAX_BYTES)
    }

    fn bounded(
        path: &Path,
        engine: EngineKey,
        clock: Arc<dyn Clock>,
        rng: &dyn Rng,
        limit_bytes: u64,
    ) -> io::Result<Self> {
        let inner = Inner { path: path.to_owned(), key: [0; KEY_BYTES], engine, limit_bytes, clock };
        make_folder(&inner.engine_folder())?;
        let key = read_or_make_key(&path.join(KEY_FILE), rng)?;
        Ok(Self(Arc::new(Inner { key, ..inner })))
    }

    /// The artefact of a component, when it is here and as it was when it was put here.
    pub(crate) fn load(&self, scope: TenantScope, component: Digest) -> Option<Artefact> {
        let file = self.0.file(scope, component);
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                warn!(%error, ?file, "cannot read an artefact");
                return None;
            }
        };
        let Some(code) = self.0.checked(scope, component, &bytes) else {
            counter!(ARTEFACTS_REFUSED).increment(1);
            warn!(?file, "this artefact was not made here or is damaged; compiling its component again");
            remove(&file);
            return None;
        };
        self.0.touch(&file);
        Some(Artefact::trust(component, self.0.engine, code))
    }

    /// Keeps an artefact; the least recently used ones go when all together are too large.
    pub(crate) fn keep(&self, scope: TenantScope, artefact: &Artefact) {
        if let Err(error) = self.0.write(scope, artefact).and_then(|()| self.0.trim()) {
            warn!(%error, "cannot keep an artefact on disk");
        }
    }

    /// Artefacts of other builds of the engine, the most recently used first.
    pub(crate) fn outdated(&self) -> Vec<Outdated> {
        let mut found: Vec<_> = self
            .0
            .files()
            .into_iter()
            .filter(|it| it.file.parent() != Some(&self.0.engine_folder()))
            .filter_map(|it| {
                let (scope, component) = parse_name(it.file.file_name()?.to_str()?)?;
                Some((it.used_at, Outdated { scope, component, file: it.file }))
            })
            .collect();
        found.sort_by_key(|(used_at, _)| std::cmp::Reverse(*used_at));
        found.into_iter().map(|(_, outdated)| outdated).collect()
    }

    /// Deletes an artefact that has been replaced, and its folder when that is empty.
    pub(crate) fn discard(&self, outdated: &Outdated) {
        remove(&outdated.file);
        if let Some(folder) = outdated.file.parent() {
            // Others may still lie there.
            let _ = fs::remove_dir(folder);
        }
    }
}

struct Kept {
    file: PathBuf,
    size_bytes: u64,
    used_at: SystemTime,
}

impl Inner {
    fn engine_folder(&self) -> PathBuf {
        self.path.join(self.engine.to_hex())
    }

    fn file(&self, scope: TenantScope, component: Digest) -> PathBuf {
        self.engine_folder().join(format!("{}-{}", scope.tenant().number(), component.to_hex()))
    }

    fn signature(&self, scope: TenantScope, component: Digest, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key of any length is one");
        // Every part but the last has a fixed length, so no two artefacts give the same text.
        mac.update(b"waft artefact 1\n");
        mac.update(&scope.tenant().number().to_be_bytes());
        mac.update(component.bytes());
        mac.update(self.engine.to_hex().as_bytes());
        mac.update(code);
        mac
    }

    fn checked<'a>(&self, scope: TenantScope, component: Digest, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (signature, code) = bytes.split_at_checked(SIGNATURE_BYTES)?;
        self.signature(scope, component, code).verify_slice(signature).ok()?;
        Some(code)
    }

    fn write(&self, scope: TenantScope, artefact: &Artefact) -> io::Result<()> {
        if artefact.engine() != self.engine {
            return Ok(());
        }
        let component = artefact.component();
        let signature = self.signature(scope, component, artefact.bytes()).finalize().into_bytes();
        let mut beside = tempfile::Builder::new().prefix(".new-").tempfile_in(self.engine_folder())?;
        beside.write_all(&signature)?;
        beside.write_all(artefact.bytes())?;
        beside.persist(self.file(scope, component)).map(drop).map_err(|error| error.error)
    }

    /// Notes that a file was used, by its time of change.
    fn touch(&self, file: &Path) {
        let now = fs::FileTimes::new().set_modified(self.clock.now().into());
        let touched = OpenOptions::new().append(true).open(file).and_then(|file| file.set_times(now));
        if let Err(error) = touched {
            warn!(%error, ?file, "cannot note that an artefact was used");
        }
    }

    fn files(&self) -> Vec<Kept> {
        let folders = fs::read_dir(&self.path).into_iter().flatten().flatten().map(|entry| entry.path());
        let entries = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        entries
            .filter_map(|entry| {
                let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                Some(Kept { file: entry.path(), size_bytes: metadata.len(), used_at: metadata.modified().ok()? })
            })
            .collect()
    }

    fn trim(&self) -> io::Result<()> {
        let mut kept = self.files();
        let mut bytes: u64 = kept.iter().map(|it| it.size_bytes).sum();
        kept.sort_by_key(|it| it.used_at);
        for it in kept {
            if bytes <= self.limit_bytes {
                break;
            }
            fs::remove_file(&it.file)?;
            info!(file = ?it.file, bytes = it.size_bytes, "an artefact made room for others");
            bytes -= it.size_bytes;
        }
        Ok(())
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(ONLY_OWNER_FOLDER).create(path)
}

fn read_or_make_key(file: &Path, rng: &dyn Rng) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    match OpenOptions::new().read(true).open(file) {
        Ok(mut found) if found.metadata()?.len() == KEY_BYTES as u64 => {
            found.read_exact(&mut key)?;
            return Ok(key);
        }
        Ok(_) => warn!(?file, "the key of the artefacts is damaged; making a new one"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    rng.fill(&mut key);
    let beside = file.with_extension("new");
    let mut new = OpenOptions::new().write(true).create(true).truncate(true).mode(ONLY_OWNER_FILE).open(&beside)?;
    new.write_all(&key)?;
    new.sync_all()?;
    fs::rename(beside, file)?;
    Ok(key)
}

/// Tenant and component of a file's name.
fn parse_name(name: &str) -> Option<(TenantScope, Digest)> {
    let (tenant, component) = name.split_once('-')?;
    // Compiling proves nothing about the tenant: the component is read under this scope, from its blobs alone.
    let scope = TenantScope::assume(TenantId::from_row(tenant.parse().ok()?));
    Some((scope, format!("sha256:{component}").parse().ok()?))
}

fn remove(file: &Path) {
    if let Err(error) = fs::remove_file(file)
        && error.kind() != io::ErrorKind::NotFound
    {
        warn!(%error, ?file, "cannot delete an artefact");
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use clock::Real;

    use super::*;

    const OURS: TenantScope = TenantScope::assume(TenantId::DEFAULT);
    const THEIRS: TenantScope = TenantScope::assume(TenantId::from_row(2));

    fn artefact(text: &str) -> Artefact {
        Artefact::trust(Digest::of(text.as_bytes()), sandbox::engine_key(), text.as_bytes())
    }

    fn folder(path: &Path, limit_bytes: u64) -> ArtefactFolder {
        ArtefactFolder::bounded(path, sandbox::engine_key(), Arc::new(Real), &Real, limit_bytes).expect("a folder")
    }

    #[test]
    fn what_is_kept_is_there_after_a_restart() {
        let path = tempfile::tempdir().unwrap();
        let kept = artefact("native code");
        folder(path.path(), 1 << 20).keep(OURS, &kept);
        let again = folder(path.path(), 1 << 20);
        assert_eq!(again.load(OURS, kept.component()), Some(kept.clone()));
        assert_eq!(again.load(THEIRS, kept.component()), None);
        let key = fs::metadata(path.path().join(KEY_FILE)).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, ONLY_OWNER_FILE);
    }

    #[test]
    fn what_was_changed_is_never_loaded() {
        type Spoil = fn(&ArtefactFolder, &Path);
        let spoils: [(&str, Spoil); 6] = [
            ("a byte of the code", |_, file| {
                let mut bytes = fs::read(file).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                fs::write(file, bytes).unwrap();
            }),
            ("a byte of the signature", |_, file| {
                let mut bytes = fs::read(file).unwrap();
                bytes[0] ^= 1;
                fs::write(file, bytes).unwrap();
            }),
            ("cut", |_, file| fs::write(file, &fs::read(file).unwrap()[..SIGNATURE_BYTES + 3]).unwrap()),
            ("nearly empty", |_, file| fs::write(file, b"x").unwrap()),
            ("another component's", |folder, file| {
                let other = artefact("other code");
                folder.keep(OURS, &other);
                fs::copy(folder.0.file(OURS, other.component()), file).unwrap();
            }),
            ("another tenant's", |folder, file| {
                folder.keep(THEIRS, &artefact("native code"));
                fs::copy(folder.0.file(THEIRS, Digest::of(b"native code")), file).unwrap();
            }),
        ];
        for (name, spoil) in spoils {
            let path = tempfile::tempdir().unwrap();
            let folder = folder(path.path(), 1 << 20);
            let kept = artefact("native code");
            folder.keep(OURS, &kept);
            let file = folder.0.file(OURS, kept.component());
            spoil(&folder, &file);
            assert_eq!(folder.load(OURS, kept.component()), None, "{name}");
            assert!(!file.exists(), "{name}");
        }
    }

    #[test]
    fn a_signature_of_another_machine_is_none() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let kept = artefact("native code");
        let theirs = folder(there.path(), 1 << 20);
        theirs.keep(OURS, &kept);
        let ours = folder(here.path(), 1 << 20);
        fs::copy(theirs.0.file(OURS, kept.component()), ours.0.file(OURS, kept.component())).unwrap();
        assert_eq!(ours.load(OURS, kept.component()), None);
    }

    #[test]
    fn the_least_recently_used_makes_room() {
        let path = tempfile::tempdir().unwrap();
        let texts: Vec<String> = (0..4).map(|i| format!("{i}{}", "x".repeat(99))).collect();
        let room = folder(path.path(), 3 * (100 + SIGNATURE_BYTES as u64));
        let at = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        for (used_at, text) in (1..).zip(&texts[..3]) {
            room.keep(OURS, &artefact(text));
            let file = room.0.file(OURS, Digest::of(text.as_bytes()));
            OpenOptions::new().append(true).open(file).unwrap().set_modified(at(used_at)).unwrap();
        }
        assert!(room.load(OURS, Digest::of(texts[0].as_bytes())).is_some());
        room.keep(OURS, &artefact(&texts[3]));
        let is_there = |text: &String| room.0.file(OURS, Digest::of(text.as_bytes())).exists();
        assert_eq!(texts.iter().map(is_there).collect::<Vec<_>>(), [true, false, true, true]);
    }

    #[test]
    fn artefacts_of_another_engine_are_found_and_go_when_they_are_replaced() {
        let path = tempfile::tempdir().unwrap();
        let folder = folder(path.path(), 1 << 20);
        let kept = artefact("native code");
        folder.keep(OURS, &kept);
        assert_eq!(folder.outdated(), []);
        let old = path.path().join("0".repeat(64));
        fs::rename(folder.0.engine_folder(), &old).unwrap();
        let [outdated] = folder.outdated().try_into().unwrap();
        assert_eq!((outdated.scope, outdated.component), (OURS, kept.component()));
        folder.discard(&outdated);
        assert!(!old.exists());
    }
}
