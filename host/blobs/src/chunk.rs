//! Chunks of logs: objects that hold consecutive records.
//!
//! An object is named by the number of records before it, so a list of names tells where to read on. It holds one JSON array
//! a line: microseconds since 1970, source, level, message.

use bytes::Bytes;
use futures::TryStreamExt;
use jiff::Timestamp;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};

use crate::{BlobError, LogLevel, LogRecord, LogSource};

type Line<'a> = (i64, LogSource, LogLevel, std::borrow::Cow<'a, str>);

/// What a record adds to a chunk, about.
pub(crate) fn size(record: &LogRecord) -> usize {
    record.message.len() + 40
}

/// Writes a chunk where none begins; says whether that was so.
pub(crate) async fn write(
    objects: &dyn ObjectStore,
    log: &ObjectPath,
    first: usize,
    records: &[LogRecord],
) -> Result<bool, BlobError> {
    let unavailable = |error: serde_json::Error| BlobError::Unavailable { detail: error.to_string() };
    let mut text = Vec::with_capacity(records.iter().map(size).sum());
    for record in records {
        let line: Line<'_> = (record.at.as_microsecond(), record.source, record.level, record.message.as_str().into());
        serde_json::to_writer(&mut text, &line).map_err(unavailable)?;
        text.push(b'\n');
    }
    let (path, text) = (log.clone().join(format!("{first:010}")), Bytes::from(text));
    match objects.put_opts(&path, text.clone().into(), PutMode::Create.into()).await {
        Ok(_) => Ok(true),
        // A request that was thought lost and repeated finds what it has written itself.
        Err(object_store::Error::AlreadyExists { .. }) => Ok(objects.get(&path).await?.bytes().await? == text),
        Err(error) => Err(error.into()),
    }
}

/// The chunks of a log in order: how many records come before each, and its path.
pub(crate) async fn list(objects: &dyn ObjectStore, log: &ObjectPath) -> Result<Vec<(usize, ObjectPath)>, BlobError> {
    let found: Vec<_> = objects.list(Some(log)).try_collect().await?;
    let mut chunks = Vec::with_capacity(found.len());
    for object in found {
        let number = object.location.filename().and_then(|name| name.parse().ok());
        let damaged = || damaged(&object.location, "its name is no number");
        chunks.push((number.ok_or_else(damaged)?, object.location));
    }
    chunks.sort_unstable();
    Ok(chunks)
}

/// How many records a log has, as far as they are stored.
pub(crate) async fn count(objects: &dyn ObjectStore, log: &ObjectPath) -> Result<usize, BlobError> {
    end(objects, &list(objects, log).await?).await
}

/// How many records there are at the end of the last of these chunks.
pub(crate) async fn end(objects: &dyn ObjectStore, chunks: &[(usize, ObjectPath)]) -> Result<usize, BlobError> {
    match chunks.last() {
        None => Ok(0),
        Some((before, path)) => Ok(before + read(objects, path).await?.len()),
    }
}

/// Reads a chunk.
pub(crate) async fn read(objects: &dyn ObjectStore, path: &ObjectPath) -> Result<Vec<LogRecord>, BlobError> {
    let bytes: Bytes = objects.get(path).await?.bytes().await?;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let records = lines.map(|line| {
        let (at, source, level, message): Line<'_> =
            serde_json::from_slice(line).map_err(|error| damaged(path, error))?;
        let at = Timestamp::from_microsecond(at).map_err(|error| damaged(path, error))?;
        Ok(LogRecord { at, level, source, message: message.into_owned() })
    });
    records.collect()
}

fn damaged(path: &ObjectPath, detail: impl ToString) -> BlobError {
    BlobError::DamagedLog { path: path.to_string(), detail: detail.to_string() }
}
