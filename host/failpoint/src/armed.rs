//! The plan of this process, and how often each of its points was passed.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Injected;
use crate::plan::{self, Action, Point, Side};

const VARIABLE: &str = "WAFT_FAILPOINTS";

fn armed() -> &'static [(Point, AtomicU32)] {
    static ARMED: OnceLock<Vec<(Point, AtomicU32)>> = OnceLock::new();
    ARMED.get_or_init(|| {
        let text = std::env::var(VARIABLE).unwrap_or_default();
        match plan::parse(&text) {
            Ok(points) => points.into_iter().map(|point| (point, AtomicU32::new(0))).collect(),
            Err(error) => {
                eprintln!("{VARIABLE}: {error}");
                std::process::exit(2)
            }
        }
    })
}

/// Does what the plan says of a point.
pub(crate) fn pass(step: &str, side: Side) -> Result<(), Injected> {
    let here = |(point, _): &&(Point, AtomicU32)| point.step == step && point.side == side;
    for (point, passed) in armed().iter().filter(here) {
        if passed.fetch_add(1, Ordering::SeqCst) + 1 == point.passage {
            // Standard error may be on a full disk.
            let _ = writeln!(std::io::stderr(), "failpoint {step}: {point:?}");
            fire(step, point.action)?;
        }
    }
    Ok(())
}

fn fire(step: &str, action: Action) -> Result<(), Injected> {
    match action {
        Action::Kill => die(),
        Action::Stop => {
            // It returns when somebody lets the process go on.
            let _ = kill(Pid::this(), Signal::SIGSTOP);
            Ok(())
        }
        Action::Error => Err(Injected(step.to_owned())),
    }
}

fn die() -> ! {
    // The signal may take a moment to arrive, in which nothing more may happen.
    let _ = kill(Pid::this(), Signal::SIGKILL);
    loop {
        std::thread::park();
    }
}
