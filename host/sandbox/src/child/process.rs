//! What a child process gives up before it meets hostile bytes.

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;

/// The process dies with its parent, gains no rights and leaves no core file.
pub(super) fn bind_to_parent() -> nix::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    prctl::set_no_new_privs()?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)
}

/// No other process of the same user may look into this one. Comes after the engine, which opens the process's own pagemap.
pub(super) fn hide() -> nix::Result<()> {
    prctl::set_dumpable(false)
}
