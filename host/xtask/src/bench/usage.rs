//! Memory and processor time of a server and its children, from `/proc`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The memory that a process and its children hold at this moment, in MiB.
pub(crate) fn resident_mib(pid: u32) -> f64 {
    let kib: u64 = family(pid).into_iter().filter_map(resident_kib).sum();
    kib as f64 / 1024.0
}

/// The processor time that a process and its children have used.
pub(crate) fn processor_time(pid: u32) -> Duration {
    // The kernel counts these fields in hundredths of a second.
    let ticks: u64 = family(pid).into_iter().filter_map(ticks).sum();
    Duration::from_millis(ticks * 10)
}

/// Watches the memory of a process and its children until it is asked for the highest sum.
pub(crate) struct Peak {
    is_over: Arc<AtomicBool>,
    watcher: JoinHandle<f64>,
}

impl Peak {
    pub(crate) fn watch(pid: u32) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = is_over.clone();
        let watcher = std::thread::spawn(move || {
            let mut peak = 0.0_f64;
            while !seen.load(Ordering::Relaxed) {
                peak = peak.max(resident_mib(pid));
                std::thread::park_timeout(Duration::from_millis(20));
            }
            peak
        });
        Self { is_over, watcher }
    }

    pub(crate) fn mib(self) -> f64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.watcher.thread().unpark();
        self.watcher.join().unwrap_or(f64::NAN)
    }
}

/// A process, its children and theirs.
fn family(pid: u32) -> Vec<u32> {
    let mut pids = vec![pid];
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    for thread in threads {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        pids.extend(children.split_whitespace().filter_map(|child| child.parse().ok()).flat_map(family));
    }
    pids
}

fn resident_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

fn ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}
