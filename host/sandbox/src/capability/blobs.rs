//! `blobs`: content-addressed bytes, read and written through the host in pieces.

use bytes::Bytes;
use model::Digest;
use model::limits::value::{BLOB_MAX_BYTES, BLOB_PIECE_MAX_BYTES};
use wasmtime::component::Resource;

use super::unexpected;
use crate::bindings::waft::task::blobs::{Host, HostReader, HostWriter};
use crate::bindings::waft::task::types::Error;
use crate::child::Guest;
use crate::host::{HostRequest, HostValue};

/// Longest media type.
const MEDIA_TYPE_MAX_BYTES: usize = 250;

/// A blob that the guest reads.
#[expect(unreachable_pub, reason = "the generated bindings export it again")]
pub struct Reader {
    digest: Digest,
    size: u64,
}

/// A blob that the guest writes.
#[expect(unreachable_pub, reason = "the generated bindings export it again")]
pub struct Writer {
    number: u32,
    media_type: String,
    written: u64,
    state: WriterState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WriterState {
    /// The host does not know of it yet.
    New,
    Open,
    Finished,
}

impl Host for Guest {
    async fn open(&mut self, digest: String) -> wasmtime::Result<Result<Resource<Reader>, Error>> {
        let digest: Digest = match digest.parse() {
            Ok(digest) => digest,
            Err(error) => return Ok(Err(Error::Invalid(format!("{error}")))),
        };
        Ok(match self.call_host(HostRequest::BlobOpen { digest }).await {
            Ok(HostValue::Size(size)) => Ok(self.table.push(Reader { digest, size })?),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }
}

impl HostReader for Guest {
    fn size(&mut self, reader: Resource<Reader>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&reader)?.size)
    }

    async fn read(
        &mut self,
        reader: Resource<Reader>,
        offset: u64,
        max: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, Error>> {
        let &Reader { digest, size } = self.table.get(&reader)?;
        let max = max.min(BLOB_PIECE_MAX_BYTES as u32);
        if max == 0 || offset >= size {
            return Ok(Ok(Vec::new()));
        }
        Ok(match self.call_host(HostRequest::BlobRead { digest, offset, max }).await {
            Ok(HostValue::Bytes(bytes)) => Ok(bytes.into()),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }

    async fn drop(&mut self, reader: Resource<Reader>) -> wasmtime::Result<()> {
        self.table.delete(reader)?;
        Ok(())
    }
}

impl HostWriter for Guest {
    fn new(&mut self, media_type: String) -> wasmtime::Result<Resource<Writer>> {
        let number = self.next_writer();
        Ok(self.table.push(Writer { number, media_type, written: 0, state: WriterState::New })?)
    }

    async fn write(&mut self, resource: Resource<Writer>, bytes: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        if bytes.len() > BLOB_PIECE_MAX_BYTES {
            return Ok(Err(Error::QuotaExceeded(format!(
                "one write has at most {BLOB_PIECE_MAX_BYTES} bytes; this one has {}",
                bytes.len()
            ))));
        }
        let number = match self.opened(&resource).await? {
            Ok(number) => number,
            Err(error) => return Ok(Err(error)),
        };
        let writer = self.table.get_mut(&resource)?;
        let written = writer.written + bytes.len() as u64;
        if written > BLOB_MAX_BYTES {
            return Ok(Err(Error::QuotaExceeded(format!(
                "a blob has at most {BLOB_MAX_BYTES} bytes; this one would have {written}"
            ))));
        }
        writer.written = written;
        self.done(HostRequest::BlobWrite { writer: number, bytes: Bytes::from(bytes) }).await
    }

    async fn finish(&mut self, resource: Resource<Writer>) -> wasmtime::Result<Result<String, Error>> {
        let number = match self.opened(&resource).await? {
            Ok(number) => number,
            Err(error) => return Ok(Err(error)),
        };
        Ok(match self.call_host(HostRequest::BlobFinish { writer: number }).await {
            Ok(HostValue::Digest(digest)) => {
                self.table.get_mut(&resource)?.state = WriterState::Finished;
                Ok(digest.to_string())
            }
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }

    async fn drop(&mut self, resource: Resource<Writer>) -> wasmtime::Result<()> {
        let writer = self.table.delete(resource)?;
        if writer.state == WriterState::Open {
            // The guest cannot be told; the end of the attempt closes what is left.
            let _ = self.call_host(HostRequest::BlobDiscard { writer: writer.number }).await;
        }
        Ok(())
    }
}

impl Guest {
    /// Makes the writer known to the host before its first use; gives its number.
    async fn opened(&mut self, resource: &Resource<Writer>) -> wasmtime::Result<Result<u32, Error>> {
        let writer = self.table.get(resource)?;
        let number = writer.number;
        match writer.state {
            WriterState::Open => return Ok(Ok(number)),
            WriterState::Finished => return Ok(Err(Error::Invalid("this writer is finished".into()))),
            WriterState::New => {}
        }
        let media_type = writer.media_type.clone();
        if media_type.len() > MEDIA_TYPE_MAX_BYTES {
            return Ok(Err(Error::Invalid(format!("the media type is longer than {MEDIA_TYPE_MAX_BYTES} bytes"))));
        }
        let created = self.done(HostRequest::BlobCreate { writer: number, media_type }).await?;
        if created.is_ok() {
            self.table.get_mut(resource)?.state = WriterState::Open;
        }
        Ok(created.map(|()| number))
    }

    async fn done(&mut self, request: HostRequest) -> wasmtime::Result<Result<(), Error>> {
        Ok(match self.call_host(request).await {
            Ok(HostValue::Done) => Ok(()),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }
}
