//! Asks rows and objects whether what must hold of them does. Nothing should be written meanwhile.

use std::collections::HashSet;

use blobs::BlobStore;
use model::limits::http::PIECE_BYTES;
use model::{Digest, TenantScope};
use serde::Serialize;
use store::{Catalog, RetentionStore, RunReader, RunStore, StoreError, ValueStore};

use crate::BackupError;
use crate::invariant;
use crate::references::References;
use crate::run_rows::RunRows;

/// Keys of one page.
const PAGE: u32 = 500;
/// Blobs that are remembered as checked; after that some are checked twice.
const SEEN_MAX: usize = 100_000;

/// Something that must hold and does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its number in the contract.
    pub invariant: &'static str,
    /// Of what.
    pub place: String,
    pub detail: String,
    pub advice: &'static str,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    pub runs: u64,
    pub blobs: u64,
    pub findings: u64,
}

const CLEAR: &str = "clear the run so that it runs again, or restore a backup in which nothing is found";
const RESTORE: &str = "restore a backup in which nothing is found";
const UPLOAD: &str =
    "send the bytes again (PUT /api/v2/blobs/{digest}, or deploy the component again), or take the blob from a backup";

/// Tells every finding.
pub async fn check<S>(store: &S, blobs: &BlobStore, mut tell: impl FnMut(Finding)) -> Result<Checked, BackupError>
where
    S: RunStore + RunReader + ValueStore + Catalog + RetentionStore,
{
    let mut checked = Checked::default();
    let mut tell = |checked: &mut Checked, finding| {
        checked.findings += 1;
        tell(finding);
    };
    for scope in store.tenant_list().await? {
        let mut after = None;
        loop {
            let keys = store.run_keys(scope, after, PAGE).await?;
            for key in &keys {
                checked.runs += 1;
                match RunRows::read(store, scope, *key).await {
                    Ok(Some(run)) => {
                        for (invariant, detail) in invariant::of_run(&run) {
                            let place =
                                format!("run {:?} of DAG {:?}", run.row.run_id.as_str(), run.row.dag_id.as_str());
                            tell(&mut checked, Finding { invariant, place, detail, advice: CLEAR });
                        }
                    }
                    Ok(None) => {}
                    Err(error @ (StoreError::CorruptRow { .. } | StoreError::Unusable { .. })) => {
                        let (place, detail) = (format!("run {key}"), error.to_string());
                        tell(&mut checked, Finding { invariant: "rows", place, detail, advice: RESTORE });
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            match keys.last() {
                Some(last) if keys.len() == PAGE as usize => after = Some(*last),
                _ => break,
            }
        }
    }
    let stock = blobs.stock();
    let mut seen = HashSet::new();
    let mut references = References::begin(store, &stock).await?;
    while let Some((scope, named)) = references.next().await? {
        for digest in named {
            if seen.len() >= SEEN_MAX {
                seen.clear();
            }
            if !seen.insert((scope, digest)) {
                continue;
            }
            checked.blobs += 1;
            if let Some((invariant, detail)) = of_blob(blobs, scope, digest).await? {
                let place = format!("blob {digest} of tenant {}", scope.tenant());
                tell(&mut checked, Finding { invariant, place, detail, advice: UPLOAD });
            }
        }
    }
    Ok(checked)
}

/// What is wrong with a blob that something refers to.
async fn of_blob(
    blobs: &BlobStore,
    scope: TenantScope,
    digest: Digest,
) -> Result<Option<(&'static str, String)>, BackupError> {
    use blobs::BlobError::{Damaged, NotFound};
    let mut reader = match blobs.reader(scope, digest, PIECE_BYTES).await {
        Err(error @ NotFound(_)) => return Ok(Some(("I14", error.to_string()))),
        reader => reader?,
    };
    loop {
        match reader.next().await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(error @ (Damaged(_) | NotFound(_))) => return Ok(Some(("I8", error.to_string()))),
            Err(error) => return Err(error.into()),
        }
    }
}
