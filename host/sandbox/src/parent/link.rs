//! The parent's end of the socket of one runner process that has said that it is ready.

use std::collections::VecDeque;
use std::time::Duration;

use model::limits::worker::START_MAX_MS;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Child;

use super::command::{RunnerCommand, StartError, Started};
use super::last_words::LastWords;
use crate::Artefact;
use crate::frame::{FrameError, FrameReader, FrameWriter};
use crate::protocol::{FromChild, LOAD_PIECE_BYTES, Mode, ToChild};

/// A runner process with its socket.
pub(super) struct Link {
    pub(super) child: Child,
    pub(super) words: LastWords,
    pub(super) reader: FrameReader<OwnedReadHalf>,
    pub(super) writer: FrameWriter<OwnedWriteHalf>,
    /// Messages that were read and not received.
    pub(super) arrived: VecDeque<FromChild>,
}

/// Why a runner process could not be talked to.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the process ended: {0}")]
    Ended(String),
    #[error("the process was not ready after {START_MAX_MS} ms")]
    Slow,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the process broke the protocol")]
    Violation,
    #[error("{0}")]
    Refused(String),
}

impl Link {
    /// Starts a runner process and waits until it is ready.
    pub(super) async fn open(command: &RunnerCommand, mode: Mode) -> Result<Self, LinkError> {
        let patience = Duration::from_millis(START_MAX_MS);
        tokio::time::timeout(patience, Self::start(command, mode)).await.map_err(|_| LinkError::Slow)?
    }

    async fn start(command: &RunnerCommand, mode: Mode) -> Result<Self, LinkError> {
        let Started { child, socket, stderr } = command.runner().await?;
        let (reading, writing) = socket.into_split();
        let mut link = Self {
            child,
            words: LastWords::of(stderr),
            reader: FrameReader::new(reading),
            writer: FrameWriter::new(writing),
            arrived: VecDeque::new(),
        };
        link.send(&ToChild::Open(mode)).await?;
        match link.receive().await? {
            FromChild::Ready => Ok(link),
            _ => Err(LinkError::Violation),
        }
    }

    /// Hands over a component and waits until it is loaded.
    pub(super) async fn load(&mut self, artefact: &Artefact) -> Result<(), LinkError> {
        for message in load_messages(artefact) {
            self.writer.push(&message)?;
            self.writer.flush().await?;
        }
        match self.receive().await? {
            FromChild::Loaded { outcome, .. } => outcome.map_err(LinkError::Refused),
            _ => Err(LinkError::Violation),
        }
    }

    pub(super) async fn send(&mut self, message: &ToChild) -> Result<(), LinkError> {
        self.writer.push(message)?;
        match self.writer.flush().await {
            Ok(()) => Ok(()),
            // It ended before it read: why is more telling than that.
            Err(FrameError::Io(_)) => Err(LinkError::Ended(self.obituary().await)),
            Err(error) => Err(error.into()),
        }
    }

    /// The next message.
    pub(super) async fn receive(&mut self) -> Result<FromChild, LinkError> {
        loop {
            if let Some(message) = self.arrived.pop_front() {
                return Ok(message);
            }
            let mut messages = Vec::new();
            if !self.reader.read(&mut messages).await? {
                return Err(LinkError::Ended(self.obituary().await));
            }
            self.arrived.extend(messages);
        }
    }

    async fn obituary(&mut self) -> String {
        let status = self.child.wait().await.ok();
        self.words.obituary(status).await
    }
}

/// The messages that carry an artefact.
pub(super) fn load_messages(artefact: &Artefact) -> impl Iterator<Item = ToChild> {
    let announced = ToChild::Load { component: artefact.component, bytes: artefact.bytes.len() as u64 };
    let pieces = artefact.bytes.chunks(LOAD_PIECE_BYTES);
    std::iter::once(announced).chain(pieces.map(|piece| ToChild::LoadPiece(bytes::Bytes::copy_from_slice(piece))))
}
