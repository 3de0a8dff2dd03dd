//! What the child tells its parent: one queue, one writer, many messages in one write.

use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{mpsc, oneshot};

use crate::frame::{FrameError, FrameWriter};
use crate::protocol::FromChild;

const QUEUE: usize = 1_024;
/// Messages are gathered into one write up to about so many bytes.
const WRITE_BYTES: usize = 1 << 20;

/// The queue to the parent. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Outbox(mpsc::Sender<Outgoing>);

struct Outgoing {
    message: FromChild,
    written: Option<oneshot::Sender<()>>,
}

/// A place for one message.
pub(super) struct Place<'a>(mpsc::Permit<'a, Outgoing>);

impl Place<'_> {
    pub(super) fn send(self, message: FromChild) {
        self.0.send(Outgoing { message, written: None });
    }
}

impl Outbox {
    /// Starts the writer. It ends when the parent is gone; what is sent afterwards is lost, as the process is about to end.
    pub(super) fn start(socket: OwnedWriteHalf) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            if let Err(error) = write(FrameWriter::new(socket), receiver).await {
                eprintln!("cannot write to the parent: {error}");
            }
        });
        Self(sender)
    }

    /// Queues a message.
    pub(super) async fn send(&self, message: FromChild) {
        let _ = self.0.send(Outgoing { message, written: None }).await;
    }

    /// A place in the queue, unless it is full.
    pub(super) fn place(&self) -> Option<Place<'_>> {
        self.0.try_reserve().ok().map(Place)
    }

    /// Queues a message and returns when it has been handed to the kernel: it arrives even if this process dies now.
    pub(super) async fn deliver(&self, message: FromChild) {
        let (written, done) = oneshot::channel();
        let _ = self.0.send(Outgoing { message, written: Some(written) }).await;
        let _ = done.await;
    }
}

async fn write(mut frames: FrameWriter<OwnedWriteHalf>, mut queue: mpsc::Receiver<Outgoing>) -> Result<(), FrameError> {
    let mut written = Vec::new();
    while let Some(mut outgoing) = queue.recv().await {
        loop {
            frames.push(&outgoing.message)?;
            written.extend(outgoing.written);
            if frames.pending() >= WRITE_BYTES {
                break;
            }
            match queue.try_recv() {
                Ok(next) => outgoing = next,
                Err(_) => break,
            }
        }
        frames.flush().await?;
        written.drain(..).for_each(|done| {
            let _ = done.send(());
        });
    }
    Ok(())
}
