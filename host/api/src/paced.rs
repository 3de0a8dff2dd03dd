//! A connection whose peer has to take what is sent to it: while an answer waits for its reader, so many bytes must go out in each window of
//! time, or the connection ends with what it holds.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use model::limits::http::{ANSWER_BYTES_PER_SECOND_MIN, ANSWER_WINDOW_MS};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

const WINDOW: Duration = Duration::from_millis(ANSWER_WINDOW_MS);
const WINDOW_MIN_BYTES: u64 = ANSWER_BYTES_PER_SECOND_MIN * ANSWER_WINDOW_MS / 1000;

/// A stream with a lower bound on the pace of its reader.
#[derive(Debug)]
pub(crate) struct Paced<S> {
    stream: S,
    /// Since the reader first let us wait; none while it takes all at once.
    window: Option<Window>,
}

#[derive(Debug)]
struct Window {
    end: Pin<Box<Sleep>>,
    taken_bytes: u64,
}

impl<S> Paced<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, window: None }
    }

    /// Looks at what came of a write.
    fn watched(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => {
                if let Some(window) = &mut self.window {
                    window.taken_bytes += *bytes as u64;
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => self.wait(cx),
        }
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let fresh = || Window { end: Box::pin(tokio::time::sleep(WINDOW)), taken_bytes: 0 };
        loop {
            let window = self.window.get_or_insert_with(fresh);
            if window.end.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if window.taken_bytes < WINDOW_MIN_BYTES {
                return Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the peer takes its answer too slowly",
                )));
            }
            self.window = None;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watched(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watched(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked for when all that there was has been written, so nobody waits for the reader now.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.window = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::sleep;

    use super::*;

    const ANSWER: usize = 1 << 20;

    /// Writes an answer to a reader that takes `piece` bytes at a time, with `pause` before each.
    async fn answered(piece: usize, pause: Duration) -> io::Result<()> {
        let (stream, mut peer) = duplex(1 << 10);
        let reading = tokio::spawn(async move {
            let mut taken = vec![0; piece];
            loop {
                sleep(pause).await;
                if peer.read_exact(&mut taken).await.is_err() {
                    return;
                }
            }
        });
        let mut stream = Paced::new(stream);
        let written = async {
            stream.write_all(&vec![0; ANSWER]).await?;
            stream.flush().await
        };
        let written = written.await;
        reading.abort();
        written
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_or_drips_is_ended() {
        for (piece, pause) in [(1, Duration::MAX / 2), (1, WINDOW / 10), (WINDOW_MIN_BYTES as usize / 20, WINDOW / 10)]
        {
            let error = answered(piece, pause).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{piece} bytes each {pause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_keeps_the_pace_gets_all() {
        answered(WINDOW_MIN_BYTES as usize / 5, WINDOW / 10).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn silence_between_writes_is_nobodys_fault() {
        let (stream, mut peer) = duplex(1 << 10);
        let mut stream = Paced::new(stream);
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            peer.read_to_end(&mut all).await.map(|_| all.len())
        });
        for _ in 0..5 {
            stream.write_all(&[0; 4 << 10]).await.unwrap();
            stream.flush().await.unwrap();
            sleep(WINDOW * 10).await;
        }
        drop(stream);
        assert_eq!(reading.await.unwrap().unwrap(), 5 * (4 << 10));
    }
}
