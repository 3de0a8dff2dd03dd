//! What the disk alone takes: the other figures cannot be better.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use anyhow::Result;

use crate::bench::figures::Figures;
use crate::stopwatch::Stopwatch;

/// Appending 4 KiB and making it durable, in the folder where the servers keep theirs.
pub(crate) fn sync_time() -> Result<Figures> {
    let mut file: File = tempfile::tempfile()?;
    let block = [7; 4096];
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..300 {
        file.write_all(&block)?;
        let watch = Stopwatch::start();
        file.sync_data()?;
        times.push(watch.elapsed());
    }
    Ok(Figures::of(times))
}
