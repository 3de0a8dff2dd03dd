//! What one cycle takes of what has arrived.

use model::limits::run::COMMIT_BYTES_MAX;
use store::{EventKind, Report};

use super::RunLoop;
use crate::command::Command;
use crate::cycle::Cycle;

/// Commands of one cycle; bounds the rows of a commit.
const COMMANDS_PER_CYCLE: usize = 2_000;

impl RunLoop {
    /// Applies what has arrived, as far as it goes into one commit.
    pub(super) fn take(&mut self, cycle: &mut Cycle, first: Option<Command>) {
        let most = if self.one_by_one == 0 { COMMANDS_PER_CYCLE } else { 1 };
        let (mut taken, mut bytes) = (0, 0);
        let mut next = first;
        while taken < COMMANDS_PER_CYCLE && cycle.commands < most && bytes < COMMIT_BYTES_MAX {
            let Some(command) = next.take().or_else(|| self.inbox.try_recv().ok()) else { break };
            taken += 1;
            bytes += command_bytes(&command);
            cycle.commands += usize::from(brings_rows(&command));
            self.command(cycle, command);
        }
        if cycle.commands > 0 {
            self.one_by_one = self.one_by_one.saturating_sub(1);
        }
    }
}

/// Whether the database may refuse what a command brings.
fn brings_rows(command: &Command) -> bool {
    matches!(command, Command::Trigger { .. } | Command::Report { .. } | Command::Events { .. })
}

/// What a command brings into the commit, besides rows of a bounded size.
fn command_bytes(command: &Command) -> usize {
    match command {
        Command::Trigger { trigger, .. } => trigger.conf.len() + trigger.params.len(),
        Command::Report { reports, .. } => reports.iter().map(Report::value_bytes).sum(),
        Command::Events { events, .. } => events.iter().map(|event| event_bytes(&event.kind)).sum(),
        _ => 0,
    }
}

fn event_bytes(event: &EventKind) -> usize {
    match event {
        EventKind::Reported(report) => report.value_bytes(),
        EventKind::Asked { request, .. } => request.len(),
        EventKind::Look(_) | EventKind::Met(_) => 0,
    }
}
