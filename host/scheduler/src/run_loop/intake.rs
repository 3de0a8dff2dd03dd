//! What one cycle takes of what has arrived.

use model::limits::run::COMMIT_BYTES_MAX;
use store::{EventKind, Report, StoredValue};

use super::RunLoop;
use crate::command::Command;
use crate::cycle::Cycle;

/// Commands of one cycle; bounds the rows of a commit.
const COMMANDS_PER_CYCLE: usize = 2_000;

impl RunLoop {
    /// Applies what has arrived, as far as it goes into one commit.
    pub(super) fn take(&mut self, cycle: &mut Cycle, first: Option<Command>) {
        let most = if self.one_by_one == 0 { COMMANDS_PER_CYCLE } else { 1 };
        let mut bytes = 0;
        let mut next = first;
        while cycle.commands < most && bytes < COMMIT_BYTES_MAX {
            let Some(command) = next.take().or_else(|| self.inbox.try_recv().ok()) else { break };
            bytes += command_bytes(&command);
            cycle.commands += 1;
            self.command(cycle, command);
        }
        if cycle.commands > 0 {
            self.one_by_one = self.one_by_one.saturating_sub(1);
        }
    }
}

/// What a command brings into the commit, besides rows of a bounded size.
fn command_bytes(command: &Command) -> usize {
    match command {
        Command::Trigger { trigger, .. } => trigger.conf.len() + trigger.params.len(),
        Command::Report { reports, .. } => reports.iter().map(report_bytes).sum(),
        Command::Events { events, .. } => events.iter().map(|event| event_bytes(&event.kind)).sum(),
        _ => 0,
    }
}

fn event_bytes(event: &EventKind) -> usize {
    match event {
        EventKind::Reported(report) => report_bytes(report),
        EventKind::Look(_) => 0,
    }
}

fn report_bytes(report: &Report) -> usize {
    let values = report.xcoms.iter().map(|named| match &named.value {
        StoredValue::Inline(text) => text.len(),
        StoredValue::Blob { .. } => 0,
    });
    values.sum()
}
