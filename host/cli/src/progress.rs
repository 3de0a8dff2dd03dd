//! How a command goes on, on standard error: a bar on a terminal, plain lines elsewhere, nothing where programs read.

use std::io::IsTerminal;
use std::time::Duration;

use client::TaskCounts;
use indicatif::{ProgressBar, ProgressStyle};
use model::{RunState, TaskState};

use crate::clean::clean_line;
use crate::screen::Format;

const TICK: Duration = Duration::from_millis(100);

/// Where progress goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A line that is written again and again.
    Terminal,
    /// A line for each stage, and for each tenth of a long one.
    Lines,
    Silent,
}

/// A stage that is going on.
pub(crate) struct StageProgress {
    kind: Progress,
    name: &'static str,
    bar: ProgressBar,
    /// Tenths that were told.
    tenths: u64,
    told: String,
}

impl Progress {
    pub(crate) fn new(format: Format) -> Self {
        match format {
            Format::Json => Self::Silent,
            Format::Table | Format::Plain if std::io::stderr().is_terminal() => Self::Terminal,
            Format::Table | Format::Plain => Self::Lines,
        }
    }

    /// Begins a stage whose length is not known.
    pub(crate) fn stage(self, name: &'static str) -> StageProgress {
        let bar = match self {
            Self::Terminal => ProgressBar::new_spinner().with_style(style("{spinner} {prefix:<10} {wide_msg}")),
            Self::Lines | Self::Silent => ProgressBar::hidden(),
        };
        bar.set_prefix(name);
        bar.enable_steady_tick(TICK);
        if self == Self::Lines {
            eprintln!("{name} …");
        }
        StageProgress { kind: self, name, bar, tenths: 0, told: String::new() }
    }

    /// Begins a stage of `total` steps.
    pub(crate) fn steps(self, name: &'static str, total: u64) -> StageProgress {
        let stage = self.stage(name);
        stage.bar.set_length(total);
        stage.bar.set_style(style("{spinner} {prefix:<10} [{bar:30}] {human_pos}/{human_len} {wide_msg}"));
        stage
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a literal").progress_chars("=> ")
}

impl StageProgress {
    /// One more step is done.
    pub(crate) fn step(&mut self) {
        self.bar.inc(1);
        self.tell_tenth();
    }

    /// So many steps of so many are done.
    pub(crate) fn set(&mut self, done: u64, total: u64, message: &str) {
        if self.bar.length() != Some(total) {
            self.bar.set_length(total);
            self.bar.set_style(style("{spinner} {prefix:<10} [{bar:30}] {human_pos}/{human_len} {wide_msg}"));
        }
        self.bar.set_position(done);
        self.bar.set_message(clean_line(message).into_owned());
        self.told = message.to_owned();
        self.tell_tenth();
    }

    fn tell_tenth(&mut self) {
        let (done, total) = (self.bar.position(), self.bar.length().unwrap_or_default());
        let tenths = (done * 10).checked_div(total).unwrap_or_default();
        if self.kind == Progress::Lines && tenths > self.tenths {
            self.tenths = tenths;
            let line = format!("{:<10} {done}/{total} {}", self.name, clean_line(&self.told));
            eprintln!("{}", line.trim_end());
        }
    }

    /// Ends the stage with a line that stays.
    pub(crate) fn done(self, summary: &str) {
        self.bar.finish_and_clear();
        if self.kind != Progress::Silent {
            eprintln!("{:<10} {}", self.name, clean_line(summary));
        }
    }
}

impl Drop for StageProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What the counts of a run's tasks come to: ended instances, all instances, and a line that names each task under way.
pub(crate) fn of_counts(state: RunState, tasks: &TaskCounts) -> (u64, u64, String) {
    let (mut ended, mut all) = (0, 0);
    let mut parts = Vec::new();
    for (task_id, counts) in tasks {
        let total: u64 = counts.values().sum();
        let done: u64 = counts.iter().filter(|(state, _)| state.is_ended()).map(|(_, count)| count).sum();
        (ended, all) = (ended + done, all + total);
        let of = |state| counts.get(&state).copied().unwrap_or_default();
        let (running, failed) = (of(TaskState::Running), of(TaskState::Failed) + of(TaskState::UpstreamFailed));
        if (done > 0 || running > 0) && done < total || failed > 0 {
            let mut part = format!("{task_id} {done}/{total}");
            for (count, word) in [(running, "running"), (of(TaskState::UpForRetry), "to retry"), (failed, "failed")] {
                if count > 0 {
                    part += &format!(", {count} {word}");
                }
            }
            parts.push(part);
        }
    }
    let message = if parts.is_empty() { state.to_string() } else { parts.join("; ") };
    (ended, all, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_the_tasks_under_way() {
        let counts = |text: &str| serde_json::from_str::<TaskCounts>(text).unwrap();
        let check = |text: &str, expect: (u64, u64, &str)| {
            let (done, total, message) = of_counts(RunState::Running, &counts(text));
            assert_eq!((done, total, message.as_str()), expect);
        };
        check(r#"{"list":{"none":1}}"#, (0, 1, "running"));
        check(
            r#"{"list":{"success":1},"count":{"success":40,"running":8,"scheduled":2},"sum":{"none":1}}"#,
            (41, 52, "count 40/50, 8 running"),
        );
        check(
            r#"{"count":{"failed":1,"up_for_retry":2,"success":7},"sum":{"upstream_failed":1}}"#,
            (9, 11, "count 8/10, 2 to retry, 1 failed; sum 1/1, 1 failed"),
        );
    }
}
