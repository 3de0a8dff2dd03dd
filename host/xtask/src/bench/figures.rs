//! Figures and the table that they make.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

/// Times of many repetitions of one thing, sorted.
#[derive(Debug, Clone)]
pub(crate) struct Figures(Vec<Duration>);

impl Figures {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time that so many percent of the repetitions did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let at = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).copied().unwrap_or_default()
    }

    pub(crate) fn p50_ms(&self) -> f64 {
        milliseconds(self.percentile(50))
    }

    pub(crate) fn p95_ms(&self) -> f64 {
        milliseconds(self.percentile(95))
    }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What a figure must keep to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Floor {
    AtMost(f64),
    AtLeast(f64),
    /// Told for comparison.
    None,
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) floor: Floor,
    pub(crate) measured: f64,
    pub(crate) unit: &'static str,
}

/// All figures of one run of the bench.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    /// What the disk alone took, and when.
    disk: Vec<(&'static str, Figures)>,
}

impl Report {
    /// Sets what the disk takes beside the figures.
    pub(crate) fn disk(&mut self, when: &'static str, sync: Figures) {
        self.disk.push((when, sync));
    }

    /// Adds a line, and tells it at once to whoever waits.
    pub(crate) fn add(&mut self, what: impl Into<String>, floor: Floor, measured: f64, unit: &'static str) {
        let row = Row { what: what.into(), floor, measured, unit };
        eprintln!("{}: {} {unit}", row.what, number(measured));
        self.rows.push(row);
    }

    pub(crate) fn to_json(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let (at_least, at_most) = match row.floor {
                Floor::AtLeast(floor) => (Some(floor), None),
                Floor::AtMost(floor) => (None, Some(floor)),
                Floor::None => (None, None),
            };
            json!({
                "what": row.what, "unit": row.unit, "measured": row.measured,
                "at_least": at_least, "at_most": at_most, "is_met": row.is_met(),
            })
        });
        let processors = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let disk =
            self.disk.iter().map(|(when, sync)| json!({ "when": when, "p50": sync.p50_ms(), "p95": sync.p95_ms() }));
        let report = json!({
            "processors": processors,
            "fdatasync_ms": disk.collect::<Vec<Value>>(),
            "rows": rows.collect::<Vec<Value>>(),
        });
        format!("{report:#}\n")
    }
}

impl Row {
    fn is_met(&self) -> bool {
        match self.floor {
            Floor::AtMost(floor) => self.measured <= floor,
            Floor::AtLeast(floor) => self.measured >= floor,
            Floor::None => true,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | floor | measured | |")?;
        writeln!(f, "| --- | --- | --- | --- |")?;
        for row in &self.rows {
            let floor = match row.floor {
                Floor::AtMost(floor) => format!("≤ {} {}", number(floor), row.unit),
                Floor::AtLeast(floor) => format!("≥ {} {}", number(floor), row.unit),
                Floor::None => String::new(),
            };
            let verdict = if row.is_met() { "" } else { "missed" };
            writeln!(f, "| {} | {floor} | {} {} | {verdict} |", row.what, number(row.measured), row.unit)?;
        }
        for (when, sync) in &self.disk {
            let (p50, p95) = (number(sync.p50_ms()), number(sync.p95_ms()));
            writeln!(f, "| fdatasync of 4 KiB, this disk alone, {when} | | p50 {p50} ms, p95 {p95} ms | |")?;
        }
        Ok(())
    }
}

/// Three digits, or all before the point.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        magnitude if magnitude < 1.0 => format!("{value:.3}"),
        magnitude if magnitude < 10.0 => format!("{value:.2}"),
        magnitude if magnitude < 100.0 => format!("{value:.1}"),
        _ => {
            let digits = format!("{value:.0}");
            let mut grouped = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) && grouped != "-" {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            grouped
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let figures = Figures::of((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(
            (figures.percentile(50), figures.percentile(95)),
            (Duration::from_millis(51), Duration::from_millis(96))
        );
        assert_eq!(Figures::of(Vec::new()).percentile(50), Duration::ZERO);
    }

    #[test]
    fn a_missed_floor_is_said() {
        let mut report = Report::default();
        report.disk("before", Figures::of(vec![Duration::from_micros(90)]));
        report.add("runs a second", Floor::AtLeast(1_000.0), 12_345.6, "/s");
        report.add("memory", Floor::AtMost(80.0), 80.5, "MiB");
        let expected = "| what | floor | measured | |\n| --- | --- | --- | --- |\n\
                        | runs a second | ≥ 1,000 /s | 12,346 /s |  |\n\
                        | memory | ≤ 80.0 MiB | 80.5 MiB | missed |\n\
                        | fdatasync of 4 KiB, this disk alone, before | | p50 0.090 ms, p95 0.090 ms | |\n";
        assert_eq!(report.to_string(), expected);
    }
}
