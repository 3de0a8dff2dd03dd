//! Which processes another has started, from `/proc`.

use nix::unistd::Pid;

/// The living children of a process.
pub(crate) fn children_of(parent: Pid) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").expect("/proc is there");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().map(Pid::from_raw));
    pids.filter(|pid| stat(*pid).is_some_and(|stat| stat.parent == parent && !stat.is_dead)).collect()
}

/// Whether a process runs still.
pub(crate) fn is_alive(pid: Pid) -> bool {
    stat(pid).is_some_and(|stat| !stat.is_dead)
}

/// Whether a process stands still.
pub(crate) fn is_stopped(pid: Pid) -> bool {
    stat(pid).is_some_and(|stat| stat.is_stopped)
}

struct Stat {
    parent: Pid,
    /// It was sent `SIGSTOP`.
    is_stopped: bool,
    /// It has ended, and nobody has asked how yet.
    is_dead: bool,
}

fn stat(pid: Pid) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program stands in parentheses and may hold anything.
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    let (is_stopped, is_dead) = (state == "T", matches!(state, "Z" | "X"));
    Some(Stat { parent: Pid::from_raw(fields.next()?.parse().ok()?), is_stopped, is_dead })
}
