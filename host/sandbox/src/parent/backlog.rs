//! Events that the worker has not taken yet. Reading from a runner goes on meanwhile, so that a worker that is busy handing over
//! assignments never waits for a runner that waits for it.

use std::collections::VecDeque;

use super::runner::RunnerEvent;
use crate::{Completion, ItemAnswer};

/// Above this nothing more is read from the runner until the worker takes events.
const FULL_BYTES: usize = 64 << 20;

/// Events in order, neighbours of one kind in one event.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    events: VecDeque<RunnerEvent>,
    bytes: usize,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= FULL_BYTES
    }

    pub(super) fn push(&mut self, event: RunnerEvent) {
        self.bytes += size(&event);
        match (self.events.back_mut(), event) {
            (Some(RunnerEvent::Started(all)), RunnerEvent::Started(more)) => all.extend(more),
            (Some(RunnerEvent::Done(all)), RunnerEvent::Done(more)) => all.extend(more),
            (Some(RunnerEvent::Log(all)), RunnerEvent::Log(more)) => all.extend(more),
            (Some(RunnerEvent::Progress(all)), RunnerEvent::Progress(more)) => all.extend(more),
            (_, event) => self.events.push_back(event),
        }
    }

    pub(super) fn take(&mut self) -> Option<RunnerEvent> {
        let event = self.events.pop_front();
        self.bytes -= event.as_ref().map_or(0, size);
        event
    }
}

/// About what an event holds.
fn size(event: &RunnerEvent) -> usize {
    let lines = |lines: &[crate::LogLine]| lines.iter().map(|line| size_of_val(line) + line.text.len()).sum::<usize>();
    match event {
        RunnerEvent::Started(ids) => size_of_val(ids.as_slice()),
        RunnerEvent::Done(completions) => completions
            .iter()
            .map(|Completion { result, xcoms, asset_events, items, log, .. }| {
                let item = |item: &ItemAnswer| match item {
                    ItemAnswer::Value(value) => value.as_ref().map_or(0, |value| value.len()),
                    ItemAnswer::Skipped(reason) => reason.len(),
                };
                size_of::<Completion>()
                    + result.as_ref().map_or(0, String::len)
                    + xcoms.iter().map(|(_, value)| value.len()).sum::<usize>()
                    + asset_events.iter().map(|event| event.extra.len()).sum::<usize>()
                    + items.iter().map(|it| size_of_val(it) + item(it)).sum::<usize>()
                    + lines(log)
            })
            .sum(),
        RunnerEvent::Log(pieces) => pieces.iter().map(|piece| lines(&piece.lines)).sum(),
        RunnerEvent::Progress(reports) => reports.iter().map(|report| size_of_val(report) + report.message.len()).sum(),
        RunnerEvent::Died { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_kind_become_one_event_and_the_order_stays() {
        let mut backlog = Backlog::default();
        for id in 0..3 {
            backlog.push(RunnerEvent::Started(vec![id]));
        }
        backlog.push(RunnerEvent::Log(Vec::new()));
        backlog.push(RunnerEvent::Started(vec![3]));
        assert!(matches!(backlog.take(), Some(RunnerEvent::Started(ids)) if ids == [0, 1, 2]));
        assert!(matches!(backlog.take(), Some(RunnerEvent::Log(_))));
        assert!(matches!(backlog.take(), Some(RunnerEvent::Started(ids)) if ids == [3]));
        assert!(backlog.take().is_none() && backlog.is_empty());
        assert_eq!(backlog.bytes, 0);
    }
}
