//! Frames: how messages travel over a socket.
//!
//! A frame is the length of its body as four little-endian bytes, then the body, which is one message in postcard. The other
//! side may be hostile: a length above [`FRAME_MAX_BYTES`], a body that is no message, or bytes after the message are violations.
//! Both directions batch: a reader gives all messages that have arrived, a writer turns many messages into one write.

use std::io;

use bytes::{Buf, BytesMut};
use model::limits::frame::FRAME_MAX_BYTES;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const HEADER: usize = 4;
const READ_SIZE: usize = 64 << 10;

/// Why frames cannot be read or written any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("the socket failed")]
    Io(#[from] io::Error),
    #[error("the other side ended in the middle of a frame")]
    Truncated,
    #[error("a frame of {0} bytes is longer than the limit of {FRAME_MAX_BYTES} bytes")]
    TooLong(usize),
    #[error("a frame is no message")]
    Malformed,
}

/// Reads messages.
pub(crate) struct FrameReader<R> {
    socket: R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(crate) fn new(socket: R) -> Self {
        Self { socket, buffer: BytesMut::with_capacity(READ_SIZE) }
    }

    /// Adds all messages that have arrived to `messages`, at least one; false at the end. Nothing is lost when the future is dropped.
    pub(crate) async fn read<M: DeserializeOwned>(&mut self, messages: &mut Vec<M>) -> Result<bool, FrameError> {
        loop {
            let before = messages.len();
            let decoded = self.decode_all(messages);
            if messages.len() > before {
                // What was said before a violation counts; the violation is met again with the next read.
                return Ok(true);
            }
            decoded?;
            self.buffer.reserve(READ_SIZE);
            if self.socket.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() { Ok(false) } else { Err(FrameError::Truncated) };
            }
        }
    }

    fn decode_all<M: DeserializeOwned>(&mut self, messages: &mut Vec<M>) -> Result<(), FrameError> {
        while let Some(message) = self.decode()? {
            messages.push(message);
        }
        Ok(())
    }

    fn decode<M: DeserializeOwned>(&mut self) -> Result<Option<M>, FrameError> {
        let Some(header) = self.buffer.first_chunk::<HEADER>() else { return Ok(None) };
        let length = u32::from_le_bytes(*header) as usize;
        if length > FRAME_MAX_BYTES {
            return Err(FrameError::TooLong(length));
        }
        let Some(body) = self.buffer.get(HEADER..HEADER + length) else {
            self.buffer.reserve(HEADER + length - self.buffer.len());
            return Ok(None);
        };
        let (message, rest) = postcard::take_from_bytes(body).map_err(|_| FrameError::Malformed)?;
        if !rest.is_empty() {
            return Err(FrameError::Malformed);
        }
        self.buffer.advance(HEADER + length);
        Ok(Some(message))
    }
}

/// Writes messages.
pub(crate) struct FrameWriter<W> {
    socket: W,
    buffer: Vec<u8>,
}

impl<W: AsyncWrite + Unpin> FrameWriter<W> {
    pub(crate) fn new(socket: W) -> Self {
        Self { socket, buffer: Vec::new() }
    }

    /// Adds a message to what the next [`FrameWriter::flush`] writes. A message that is too long is refused and leaves no trace.
    pub(crate) fn push<M: Serialize>(&mut self, message: &M) -> Result<(), FrameError> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; HEADER]);
        // Encoding fails only for types that postcard cannot hold, which no message has.
        let mut buffer =
            postcard::to_extend(message, std::mem::take(&mut self.buffer)).map_err(|_| FrameError::Malformed)?;
        let length = buffer.len() - start - HEADER;
        if length > FRAME_MAX_BYTES {
            buffer.truncate(start);
            self.buffer = buffer;
            return Err(FrameError::TooLong(length));
        }
        buffer[start..start + HEADER].copy_from_slice(&(length as u32).to_le_bytes());
        self.buffer = buffer;
        Ok(())
    }

    /// Bytes that wait for [`FrameWriter::flush`].
    pub(crate) fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// Writes all pushed messages.
    pub(crate) async fn flush(&mut self) -> Result<(), FrameError> {
        self.socket.write_all(&self.buffer).await?;
        self.buffer.clear();
        self.buffer.shrink_to(READ_SIZE);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(bytes: &[u8]) -> Result<Vec<String>, FrameError> {
        let mut reader = FrameReader::new(bytes);
        let mut messages = Vec::new();
        while reader.read(&mut messages).await? {}
        Ok(messages)
    }

    async fn written(messages: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = FrameWriter::new(&mut bytes);
        for message in messages {
            writer.push(message).expect("short messages");
        }
        writer.flush().await.expect("a vector takes all");
        bytes
    }

    #[tokio::test]
    async fn messages_arrive_in_order() {
        let bytes = written(&["a", "", "long enough to need more than one byte"]).await;
        assert_eq!(read_all(&bytes).await.expect("valid"), ["a", "", "long enough to need more than one byte"]);
    }

    #[tokio::test]
    async fn a_cut_stream_is_truncated_at_every_byte() {
        let bytes = written(&["hello"]).await;
        for end in 1..bytes.len() {
            assert!(matches!(read_all(&bytes[..end]).await, Err(FrameError::Truncated)), "cut at {end}");
        }
    }

    #[tokio::test]
    async fn a_length_over_the_limit_is_refused_before_it_is_read() {
        let bytes = (FRAME_MAX_BYTES as u32 + 1).to_le_bytes();
        assert!(matches!(read_all(&bytes).await, Err(FrameError::TooLong(_))));
    }

    #[tokio::test]
    async fn what_was_said_before_a_violation_is_read() {
        let mut bytes = written(&["honest"]).await;
        bytes.extend([0xff; 4]);
        let mut reader = FrameReader::new(&bytes[..]);
        let mut messages: Vec<String> = Vec::new();
        assert!(reader.read(&mut messages).await.expect("an honest message"));
        assert_eq!(messages, ["honest"]);
        assert!(matches!(reader.read(&mut messages).await, Err(FrameError::TooLong(_))));
    }

    #[tokio::test]
    async fn a_body_with_bytes_left_over_is_malformed() {
        assert!(matches!(read_all(&[2, 0, 0, 0, 0, 0]).await, Err(FrameError::Malformed)));
        assert!(matches!(read_all(&[1, 0, 0, 0, 0xff]).await, Err(FrameError::Malformed)));
    }

    #[tokio::test]
    async fn a_message_too_long_leaves_the_others() {
        let mut bytes = Vec::new();
        let mut writer = FrameWriter::new(&mut bytes);
        writer.push(&"before").expect("short");
        assert!(matches!(writer.push(&"x".repeat(FRAME_MAX_BYTES)), Err(FrameError::TooLong(_))));
        writer.push(&"after").expect("short");
        writer.flush().await.expect("a vector takes all");
        assert_eq!(read_all(&bytes).await.expect("valid"), ["before", "after"]);
    }
}
