//! A runner that measures what one fresh sandbox costs.

use std::sync::Arc;

use clock::{Clock, Real};
use model::limits::task::{MEMORY_MAX_BYTES, TIMEOUT_DEFAULT_MS};
use model::outcome::End;
use model::{DagId, Digest, Entrypoint, MapIndex, RunId, TaskId, TryNumber};

use super::attempt::Attempt;
use super::components::{Components, Violation};
use super::host_calls::HostAccess;
use super::log::Log;
use super::outbox::Outbox;
use super::runner::{Inbox, RunnerError};
use super::sandbox::Sandbox;
use super::task;
use crate::bench::BenchFigures;
use crate::protocol::{FromChild, ToChild};
use crate::{Assignment, TaskContext, Work};

/// Takes one component, measures and ends.
pub(super) async fn serve(sandbox: &Sandbox, mut inbox: Inbox, outbox: &Outbox) -> Result<(), RunnerError> {
    let mut components = Components::default();
    while let Some(message) = inbox.next().await? {
        match message {
            ToChild::Load { component, bytes } => components.announce(component, bytes)?,
            ToChild::LoadPiece(piece) => {
                if let Some(arrived) = components.receive(&piece, sandbox)? {
                    outbox.send(arrived.into()).await;
                }
            }
            ToChild::Bench { component, entrypoint, args, calls } => {
                let figures = measure(sandbox, &components, component, &entrypoint, args, calls).await;
                outbox.deliver(FromChild::Benched(figures)).await;
                return Ok(());
            }
            _ => return Err(Violation("a message of another mode").into()),
        }
    }
    Ok(())
}

async fn measure(
    sandbox: &Sandbox,
    components: &Components,
    component: Digest,
    entrypoint: &str,
    args: String,
    calls: u32,
) -> Result<BenchFigures, String> {
    let loaded = components.get(&component).ok_or("the component is not loaded")?;
    let assignment = Assignment {
        id: 0,
        component,
        work: Work::Body { entrypoint: Entrypoint::new(entrypoint).map_err(|error| error.to_string())?, args },
        context: TaskContext {
            dag_id: DagId::new("bench").map_err(|error| error.to_string())?,
            run_id: RunId::new("bench").map_err(|error| error.to_string())?,
            task_id: TaskId::new("bench").map_err(|error| error.to_string())?,
            map_index: MapIndex::NONE,
            map_path: Vec::new(),
            map_key: None,
            try_number: TryNumber(1),
            logical_date: None,
            data_interval_start: None,
            data_interval_end: None,
            params: "{}".into(),
            woken: None,
        },
        timeout_ms: TIMEOUT_DEFAULT_MS,
        memory_bytes: MEMORY_MAX_BYTES,
        sequences: Vec::new(),
        outlets: Vec::new(),
    };
    let full = Arc::default();
    let mut nanos = Vec::with_capacity(calls as usize);
    for id in 0..u64::from(calls) {
        let began = Real.monotonic();
        let attempt = Arc::new(Attempt::new(id, Log::new(u64::MAX), Arc::clone(&full)));
        let host = HostAccess::Refused("nothing answers while measuring");
        let attempted = task::attempt(sandbox, Some(&loaded), &attempt, host, assignment.clone()).await;
        nanos.push((Real.monotonic() - began).as_nanos() as u64);
        if attempted.completion.end != End::Success {
            return Err(format!("call {id} ended with {:?}", attempted.completion.end));
        }
    }
    BenchFigures::of(nanos).ok_or_else(|| "no calls were asked for".to_owned())
}
