//! The data of one guest's store: what its host functions may touch, and nothing of another guest.

use std::sync::Arc;

use model::limits::hostcall::{RANDOM_MAX_BYTES, RESOURCES_MAX};
use model::outcome::Woken;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::attempt::Attempt;
use super::host_calls::HostAccess;
use super::limiter::Limiter;
use super::output::Output;
use super::world::World;
use crate::SequenceRef;
use crate::capability::{AssetEvents, Xcoms};
use crate::completion::LogSource;
use crate::host::{HostReply, HostRequest};

/// One guest.
pub(crate) struct Guest {
    pub(crate) table: ResourceTable,
    pub(crate) sequences: Vec<SequenceRef>,
    pub(crate) xcoms: Xcoms,
    pub(crate) asset_events: AssetEvents,
    pub(crate) woken: Option<Arc<Woken>>,
    pub(super) limiter: Limiter,
    wasi: WasiCtx,
    attempt: Arc<Attempt>,
    host: HostAccess,
    writers: u32,
    runs: u32,
}

impl Guest {
    pub(super) fn new(attempt: Arc<Attempt>, host: HostAccess, world: &World, limiter: Limiter) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        let mut wasi = WasiCtxBuilder::new();
        wasi.allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .max_random_size(RANDOM_MAX_BYTES)
            .stdout(Output { attempt: Arc::clone(&attempt), source: LogSource::Stdout })
            .stderr(Output { attempt: Arc::clone(&attempt), source: LogSource::Stderr });
        world.furnish(&mut wasi);
        Self {
            table,
            sequences: Vec::new(),
            xcoms: Xcoms::default(),
            asset_events: AssetEvents::default(),
            woken: None,
            limiter,
            wasi: wasi.build(),
            attempt,
            host,
            writers: 0,
            runs: 0,
        }
    }

    pub(crate) fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// Asks the parent.
    pub(crate) async fn call_host(&mut self, request: HostRequest) -> HostReply {
        self.host.call(self.attempt.id, request).await
    }

    /// A number for a run that the guest starts.
    pub(crate) fn next_run(&mut self) -> u32 {
        self.runs += 1;
        self.runs
    }

    /// A number for a new writer of blobs.
    pub(crate) fn next_writer(&mut self) -> u32 {
        self.writers += 1;
        self.writers
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
