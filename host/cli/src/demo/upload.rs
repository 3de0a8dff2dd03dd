//! Sending the files as blobs.

use std::collections::BTreeMap;

use client::{BlobSent, Client, ClientError};
use futures::stream::{self, StreamExt, TryStreamExt};
use model::limits::demo::UPLOADS;

use super::files::TextFile;
use crate::progress::Progress;

/// Sends what the server lacks, several at a time; answers how many were sent.
pub(crate) async fn upload(client: &Client, files: &[TextFile], progress: Progress) -> Result<u64, ClientError> {
    // Files with the same bytes are one blob.
    let blobs: BTreeMap<_, _> = files.iter().map(|file| (file.digest, &file.bytes)).collect();
    let mut stage = progress.steps("upload", blobs.len() as u64);
    let mut sent = 0;
    let mut puts =
        stream::iter(blobs).map(|(digest, bytes)| client.blob_put(digest, bytes.clone())).buffer_unordered(UPLOADS);
    while let Some(put) = puts.try_next().await? {
        sent += u64::from(put == BlobSent::Sent);
        stage.step();
    }
    stage.done(&format!("{sent} blobs sent"));
    Ok(sent)
}
