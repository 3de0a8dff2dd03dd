//! Logs of tries: read in pages, or followed.

use std::sync::Arc;
use std::time::Duration;

use blobs::{LogKey, LogReader, LogRecord};
use clock::{Clock, Sleep};
use futures::StreamExt;
use futures::stream::BoxStream;
use model::limits::log::PAGE_LINES_MAX;
use model::{TaskState, TenantScope, TryNumber};
use scheduler::RunProgress;
use store::{InstanceFilter, PageRequest, RunReader};

use crate::task_instance::try_not_found;
use crate::{Control, Error, InstanceName, InstanceView, Session};

/// A silent follower asks so often whether the try is over, in case nobody told that it is.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Commits that change a run faster than this are looked at together.
const LOOKS_APART: Duration = Duration::from_millis(250);

/// Part of a log, read piece by piece.
#[derive(Debug)]
pub struct LogRead {
    reader: LogReader,
    may_grow: bool,
}

impl LogRead {
    /// Where to read on after this part; none at the end of a log that nobody writes any more.
    pub fn next_part(&self) -> Option<usize> {
        (self.may_grow || self.reader.until() < self.reader.log_len()).then_some(self.reader.until())
    }

    /// The next records; none at the end of the part.
    pub async fn next(&mut self) -> Result<Option<Vec<LogRecord>>, Error> {
        self.reader.next().await.map_err(Error::from)
    }
}

/// A log that somebody follows. Dropping it leaves nothing behind.
pub struct LogFollow {
    records: blobs::LogFollow,
    /// None when the try is over.
    live: Option<Live>,
}

/// What tells whether a try is over.
struct Live {
    runs: Arc<dyn RunReader>,
    clock: Arc<dyn Clock>,
    scope: TenantScope,
    instance: InstanceFilter,
    try_number: TryNumber,
    /// Commits that change the run.
    changes: BoxStream<'static, RunProgress>,
    /// The run has changed since it was looked at.
    is_changed: bool,
    rest: Option<Sleep>,
}

impl Live {
    /// Waits until it is time to look: the run has changed, and the last look is some time ago; or nobody told anything for long.
    /// May be dropped and asked again.
    async fn due(&mut self) {
        let clock = self.clock.clone();
        let mut silence = clock.sleep(LOOK_EVERY);
        while !self.is_changed {
            tokio::select! {
                biased;
                change = self.changes.next() => match change {
                    Some(_) => self.is_changed = true,
                    None => std::future::pending().await,
                },
                () = &mut silence => self.is_changed = true,
            }
        }
        if let Some(rest) = &mut self.rest {
            rest.await;
        }
        (self.is_changed, self.rest) = (false, Some(clock.sleep(LOOKS_APART)));
    }

    async fn is_over(&mut self) -> bool {
        let page = PageRequest { limit: 1, offset: 0 };
        match self.runs.instance_list(self.scope, &self.instance, page).await {
            Ok(found) => found.rows.first().is_none_or(|row| !may_write(row.state, row.try_number, self.try_number)),
            Err(_) => false,
        }
    }
}

impl LogFollow {
    /// Waits until there is something to read, or the try is over; holds no records meanwhile.
    pub async fn ready(&mut self) {
        while let Some(live) = &mut self.live {
            tokio::select! {
                biased;
                () = self.records.ready() => return,
                () = live.due() => {}
            }
            if live.is_over().await {
                self.records.end_after_stored();
                self.live = None;
            }
        }
        self.records.ready().await;
    }

    /// How many records were told or skipped.
    pub fn told(&self) -> usize {
        self.records.told()
    }

    /// The next records, none where [`LogFollow::ready`] would wait; `None` when the try is over and all was told.
    pub async fn read(&mut self) -> Option<Vec<LogRecord>> {
        self.records.read().await
    }
}

impl Control {
    /// Part of the log of a try, from line `skip` on; all of it where `whole` is said.
    pub async fn log_read(
        &self,
        session: &Session,
        name: &InstanceName,
        try_number: TryNumber,
        skip: usize,
        whole: bool,
    ) -> Result<LogRead, Error> {
        let (instance, key) = self.log_of(session, name, try_number).await?;
        let may_grow = may_write(instance.row.state, instance.row.try_number, try_number);
        self.log_part(key, skip, whole, may_grow).await
    }

    pub(crate) async fn log_part(
        &self,
        key: LogKey,
        skip: usize,
        whole: bool,
        may_grow: bool,
    ) -> Result<LogRead, Error> {
        let limit = if whole { usize::MAX } else { PAGE_LINES_MAX };
        let reader = self.logs.reader(key, skip, limit).await?;
        Ok(LogRead { reader, may_grow })
    }

    /// Follows the log of a try from line `skip` on; ends with the try.
    pub async fn log_follow(
        &self,
        session: &Session,
        name: &InstanceName,
        try_number: TryNumber,
        skip: usize,
    ) -> Result<LogFollow, Error> {
        let (_, key) = self.log_of(session, name, try_number).await?;
        // What is committed after this is heard, so what is read after it is the newest.
        let changes = self.scheduling.watch(session.scope(), key.run);
        let (instance, _) = self.log_of(session, name, try_number).await?;
        let mut records = self.logs.follow(key, skip);
        if !may_write(instance.row.state, instance.row.try_number, try_number) {
            records.end_after_stored();
            return Ok(LogFollow { records, live: None });
        }
        let instance = InstanceFilter {
            run: Some(key.run),
            task_ids: vec![name.task_id.clone()],
            map_indexes: vec![key.map_index],
            ..InstanceFilter::default()
        };
        let (runs, clock) = (self.runs.clone(), self.clock.clone());
        let scope = session.scope();
        let live = Live { runs, clock, scope, instance, try_number, changes, is_changed: false, rest: None };
        Ok(LogFollow { records, live: Some(live) })
    }

    async fn log_of(
        &self,
        session: &Session,
        name: &InstanceName,
        try_number: TryNumber,
    ) -> Result<(InstanceView, LogKey), Error> {
        let instance = self.task_instance_fetch(session, name).await?;
        if try_number.0 == 0 || try_number > instance.row.try_number {
            return Err(try_not_found(try_number));
        }
        let model::InstanceKey { run, node, map_index } = instance.row.key;
        let key = LogKey { scope: session.scope(), run, node, map_index, try_number };
        Ok((instance, key))
    }
}

/// Whether lines may still be added to the log of a try.
fn may_write(state: TaskState, current: TryNumber, try_number: TryNumber) -> bool {
    current == try_number && !state.is_ended() && state != TaskState::UpForRetry
}
