//! Bytes: [`Blob`] stands for them in arguments and results, [`BlobReader`] reads them in pieces, [`BlobWriter`] makes them.

use std::io::{self, BufRead, Read, Write};

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::error::HostError;
use crate::host;
use crate::json_type::{JsonType, Type};

/// Bytes that cross the border at a time; the host takes at most 1 MiB.
const PIECE_BYTES: usize = 256 << 10;

/// Content-addressed bytes. What travels between tasks is a small marker; the bytes stay where they are until read.
///
/// ```
/// use std::io::BufRead;
/// use waft::prelude::*;
///
/// #[task]
/// fn count_lines(file: Blob) -> Result<u64, TaskError> {
///     let mut lines = 0;
///     for line in file.reader()?.lines() {
///         line?;
///         lines += 1;
///     }
///     Ok(lines)
/// }
///
/// let file = waft::testing::blob("one\ntwo\n");
/// assert_eq!(count_lines::body(file).unwrap(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    digest: String,
    size_bytes: u64,
    media_type: String,
}

/// The marker that stands in JSON for a blob.
#[derive(serde::Deserialize)]
struct Marker {
    #[serde(rename = "$waft")]
    kind: String,
    digest: String,
    size: u64,
    media_type: String,
}

impl Blob {
    pub(crate) fn new(digest: String, size_bytes: u64, media_type: String) -> Self {
        Self { digest, size_bytes, media_type }
    }

    /// `sha256:` and 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.size_bytes
    }

    /// What the bytes are, such as `text/plain`.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Opens the bytes from the first on. Each call starts anew.
    ///
    /// # Errors
    /// [`HostError::Denied`] where the blob stands neither in this instance's arguments nor was written by this attempt.
    pub fn reader(&self) -> Result<BlobReader, HostError> {
        Ok(BlobReader { handle: host::BlobHandle::open(&self.digest)?, offset: 0, piece: Vec::new(), taken: 0 })
    }

    /// All bytes as text.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] where they are no UTF-8; otherwise as [`reader`](Self::reader).
    ///
    /// ```
    /// assert_eq!(waft::testing::blob("Grüße").read_to_string().unwrap(), "Grüße");
    /// ```
    pub fn read_to_string(&self) -> io::Result<String> {
        let mut text = String::new();
        self.reader().map_err(io::Error::other)?.read_to_string(&mut text)?;
        Ok(text)
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut marker = serializer.serialize_struct("Blob", 4)?;
        marker.serialize_field("$waft", "blob")?;
        marker.serialize_field("digest", &self.digest)?;
        marker.serialize_field("size", &self.size_bytes)?;
        marker.serialize_field("media_type", &self.media_type)?;
        marker.end()
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let marker = Marker::deserialize(deserializer)?;
        if marker.kind != "blob" {
            return Err(D::Error::custom("not a blob"));
        }
        Ok(Self::new(marker.digest, marker.size, marker.media_type))
    }
}

impl Type for Blob {
    type Present = Self;

    fn json_type() -> JsonType {
        JsonType::Blob
    }
}

/// Reads a [`Blob`], holding at most 256 KiB of it.
#[derive(Debug)]
pub struct BlobReader {
    handle: host::BlobHandle,
    offset: u64,
    piece: Vec<u8>,
    taken: usize,
}

impl BufRead for BlobReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.piece.len() {
            self.piece = self.handle.read(self.offset, PIECE_BYTES as u32).map_err(io::Error::other)?;
            self.offset += self.piece.len() as u64;
            self.taken = 0;
        }
        Ok(&self.piece[self.taken..])
    }

    fn consume(&mut self, amount: usize) {
        self.taken = (self.taken + amount).min(self.piece.len());
    }
}

impl Read for BlobReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let length = from.len().min(into.len());
        into[..length].copy_from_slice(&from[..length]);
        self.consume(length);
        Ok(length)
    }
}

/// Writes a new [`Blob`]. Nothing is stored before [`finish`](Self::finish).
///
/// ```
/// use std::io::Write;
/// use waft::prelude::*;
///
/// #[task]
/// fn render(rows: u64) -> Result<Blob, TaskError> {
///     let mut report = BlobWriter::new("text/csv");
///     for row in 0..rows {
///         writeln!(report, "{row},{}", row * row)?;
///     }
///     Ok(report.finish()?)
/// }
///
/// assert_eq!(render::body(3).unwrap().read_to_string().unwrap(), "0,0\n1,1\n2,4\n");
/// ```
#[derive(Debug)]
pub struct BlobWriter {
    handle: host::BlobWriterHandle,
    media_type: String,
    piece: Vec<u8>,
    written_bytes: u64,
}

impl BlobWriter {
    /// Begins a blob; `media_type` is such as `text/plain`.
    pub fn new(media_type: &str) -> Self {
        Self {
            handle: host::BlobWriterHandle::new(media_type),
            media_type: media_type.to_owned(),
            piece: Vec::new(),
            written_bytes: 0,
        }
    }

    /// Stores what was written. The blob can be read at once, and by others when it stands in what this task returns.
    ///
    /// # Errors
    /// The host cannot store it, or it is over the limit (64 MiB by default).
    pub fn finish(mut self) -> Result<Blob, HostError> {
        self.send()?;
        let digest = self.handle.finish()?;
        Ok(Blob::new(digest, self.written_bytes, self.media_type))
    }

    fn send(&mut self) -> Result<(), HostError> {
        if self.piece.is_empty() {
            return Ok(());
        }
        self.handle.write(&self.piece)?;
        self.written_bytes += self.piece.len() as u64;
        self.piece.clear();
        Ok(())
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(&bytes[..length]);
        if self.piece.len() == PIECE_BYTES {
            self.send().map_err(io::Error::other)?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send().map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn bytes_beyond_one_piece_come_back() {
        let bytes: Vec<u8> = (0..PIECE_BYTES * 2 + 3).map(|i| (i % 251) as u8).collect();
        let mut writer = BlobWriter::new("application/octet-stream");
        writer.write_all(&bytes).unwrap();
        let blob = writer.finish().unwrap();
        let mut back = Vec::new();
        blob.reader().unwrap().read_to_end(&mut back).unwrap();
        assert_eq!((blob.size(), back), (bytes.len() as u64, bytes));
    }

    #[test]
    fn a_marker_is_read_and_written() {
        let blob = testing::blob("x");
        let json = serde_json::to_string(&blob).unwrap();
        assert!(json.starts_with(r#"{"$waft":"blob","digest":"sha256:"#), "{json}");
        assert_eq!(serde_json::from_str::<Blob>(&json).unwrap(), blob);
        assert!(serde_json::from_str::<Blob>(r#"{"$waft":"sequence","digest":"","size":0,"media_type":""}"#).is_err());
    }
}
