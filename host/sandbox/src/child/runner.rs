//! `waft runner`: one process of one tenant.
//!
//! The order matters: bind to the parent, build the engine, hide, then read the first bytes that a stranger had a hand in.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::ExitCode;
use std::time::Duration;

use model::limits::worker::SILENCE_MAX_MS;
use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getsockname};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;

use super::components::Violation;
use super::outbox::Outbox;
use super::process;
use super::sandbox::{Phase, Sandbox};
use super::{bench, parse, tasks};
use crate::error_chain::chain;
use crate::frame::{FrameError, FrameReader};
use crate::protocol::{FromChild, Mode, SOCKET_FD, ToChild};

/// Why a runner ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunnerError {
    #[error("descriptor {SOCKET_FD} is not the socket of a worker; only `waft serve` starts this command")]
    NoSocket(#[source] io::Error),
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot drop rights")]
    Rights(#[from] nix::Error),
    #[error("cannot build the engine: {0:#}")]
    Engine(wasmtime::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error("the parent said nothing for {SILENCE_MAX_MS} ms")]
    Silence,
}

/// `waft runner`.
pub fn runner_main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), RunnerError> {
    let socket = inherited_socket().map_err(RunnerError::NoSocket)?;
    process::bind_to_parent()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(RunnerError::Runtime)?;
    let outcome = runtime.block_on(serve(socket));
    // A guest that does not yield must not hold up the end.
    runtime.shutdown_background();
    outcome
}

async fn serve(socket: StdUnixStream) -> Result<(), RunnerError> {
    let (reading, writing) = UnixStream::from_std(socket).map_err(RunnerError::NoSocket)?.into_split();
    let mut inbox = Inbox::new(reading);
    let Some(ToChild::Open(mode)) = inbox.next().await? else {
        return Err(Violation("the first message does not say what this process is for").into());
    };
    let phase = if mode == Mode::Parse { Phase::Parse } else { Phase::Tasks };
    let sandbox = Sandbox::new(phase).map_err(RunnerError::Engine)?;
    process::hide()?;
    let outbox = Outbox::start(writing);
    outbox.send(FromChild::Ready).await;
    match mode {
        Mode::Tasks { slots } => tasks::serve(sandbox, inbox, outbox, slots).await,
        Mode::Parse => parse::serve(&sandbox, inbox, &outbox).await,
        Mode::Bench => bench::serve(&sandbox, inbox, &outbox).await,
    }
}

/// The messages of the parent, in order.
pub(super) struct Inbox {
    frames: FrameReader<OwnedReadHalf>,
    messages: Vec<ToChild>,
}

impl Inbox {
    fn new(socket: OwnedReadHalf) -> Self {
        Self { frames: FrameReader::new(socket), messages: Vec::new() }
    }

    /// The next message; nothing when the parent is gone.
    pub(super) async fn next(&mut self) -> Result<Option<ToChild>, RunnerError> {
        if self.messages.is_empty() && !self.fill().await? {
            return Ok(None);
        }
        Ok(Some(self.messages.remove(0)))
    }

    /// All messages that have arrived, at least one; nothing when the parent is gone.
    pub(super) async fn batch(&mut self) -> Result<Option<Vec<ToChild>>, RunnerError> {
        if self.messages.is_empty() && !self.fill().await? {
            return Ok(None);
        }
        Ok(Some(std::mem::take(&mut self.messages)))
    }

    async fn fill(&mut self) -> Result<bool, RunnerError> {
        let read = self.frames.read(&mut self.messages);
        Ok(tokio::time::timeout(Duration::from_millis(SILENCE_MAX_MS), read)
            .await
            .map_err(|_| RunnerError::Silence)??)
    }
}

fn inherited_socket() -> io::Result<StdUnixStream> {
    let unix = getsockname::<SockaddrStorage>(SOCKET_FD).map(|address| address.family() == Some(AddressFamily::Unix));
    if unix != Ok(true) {
        return Err(io::Error::from(io::ErrorKind::NotConnected));
    }
    // SAFETY: the descriptor is open, as `getsockname` has just shown, and nothing else in this process has been told of it: this
    // is the first thing that the process does, once.
    let socket = StdUnixStream::from(unsafe { OwnedFd::from_raw_fd(SOCKET_FD) });
    socket.set_nonblocking(true)?;
    Ok(socket)
}
