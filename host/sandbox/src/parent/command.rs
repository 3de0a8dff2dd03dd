//! How child processes are started: with an empty environment, one socket and nothing else.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{OnceLock, mpsc};
use std::thread;

use command_fds::{CommandFdExt, FdMapping};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::protocol::SOCKET_FD;

/// The program that holds `runner` and `compile` as subcommands: the `waft` binary, usually the running one.
#[derive(Debug, Clone)]
pub struct RunnerCommand {
    /// Started as `PROGRAM runner` and `PROGRAM compile`.
    pub program: PathBuf,
}

/// A started child process could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {program:?}; is it the waft binary?")]
pub struct StartError {
    program: PathBuf,
    source: io::Error,
}

/// A fresh runner process, its socket and what it says about itself.
pub(super) struct Started {
    pub(super) child: Child,
    pub(super) socket: UnixStream,
    pub(super) stderr: Option<ChildStderr>,
}

impl RunnerCommand {
    /// The running program.
    pub fn this_program() -> io::Result<Self> {
        // The link stays good when the file is replaced while the program runs, and always names the same build.
        let link = Path::new("/proc/self/exe");
        if link.exists() {
            return Ok(Self { program: link.to_owned() });
        }
        std::env::current_exe().map(|program| Self { program })
    }

    /// Starts `runner` with one end of a socket pair.
    pub(super) async fn runner(&self) -> Result<Started, StartError> {
        let failed = |source| start_error(&self.program, source);
        let (ours, theirs) = pair().map_err(failed)?;
        let mut command = self.bare("runner");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .fd_mappings(vec![FdMapping { parent_fd: theirs, child_fd: SOCKET_FD }])
            .map_err(|error| failed(io::Error::other(error)))?;
        let mut child = spawn(command).await.map_err(failed)?;
        let stderr = child.stderr.take();
        Ok(Started { child, socket: ours, stderr })
    }

    /// Starts `compile` with pipes.
    pub(super) async fn compiler(&self) -> Result<Child, StartError> {
        let mut command = self.bare("compile");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        spawn(command).await.map_err(|source| start_error(&self.program, source))
    }

    fn bare(&self, role: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(role).env_clear().current_dir("/").stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

fn start_error(program: &Path, source: io::Error) -> StartError {
    StartError { program: program.to_owned(), source }
}

fn pair() -> io::Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?;
    let ours = std::os::unix::net::UnixStream::from(ours);
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, theirs))
}

/// Children ask to die with the thread that started them, and threads of the runtime come and go: one thread that stays starts all.
async fn spawn(command: Command) -> io::Result<Child> {
    static STARTER: OnceLock<mpsc::Sender<Start>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<Start>();
        thread::spawn(move || {
            for Start { mut command, runtime, answer } in receiver {
                let _entered = runtime.enter();
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (answer, answered) = oneshot::channel();
    let ended = |_| io::Error::other("the thread that starts processes has ended");
    starter.send(Start { command, runtime: Handle::current(), answer }).map_err(|_| ended(()))?;
    answered.await.map_err(|_| ended(()))?
}

struct Start {
    command: Command,
    runtime: Handle,
    answer: oneshot::Sender<io::Result<Child>>,
}
