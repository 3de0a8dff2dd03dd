//! Everything that runs DAGs, put together over one data folder.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use blobs::{BlobStore, LogStore};
use clock::{Clock, Ids, Real};
use control::{Control, ControlParts};
use model::WorkerId;
use model::limits::component::COMPILERS_MAX;
use sandbox::RunnerCommand;
use scheduler::{Scheduler, SchedulerLimits, SchedulerParts, Started, Versions};
use store::Catalog;
use store_sqlite::SqliteStore;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use worker::{Artefacts, Worker, WorkerParts};

use super::DataFolder;
use super::admin_token;
use super::parser::Parser;
use crate::failure::Failure;

/// How a house is built.
#[derive(Debug, Clone)]
pub(crate) struct HouseOptions {
    /// Task instances that run at a time.
    pub(crate) slots: u32,
    /// The program that holds the processes of guests.
    pub(crate) command: RunnerCommand,
}

/// Everything that runs DAGs.
pub(crate) struct House {
    pub(crate) control: Arc<Control>,
    pub(crate) token: client::Token,
    scheduler: Scheduler,
    run_loop: JoinHandle<()>,
    worker: Worker,
    /// Held to the end.
    _data: DataFolder,
}

impl House {
    /// Opens the data folder and starts all loops; unfinished runs go on.
    pub(crate) async fn open(data: DataFolder, options: HouseOptions) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(Real);
        let HouseOptions { slots, command } = options;
        let database = data.database();
        let store = SqliteStore::open(&database, clock.clone())
            .await
            .with_context(|| format!("cannot open the database {database:?}"))?;
        let store = Arc::new(store);
        let blobs = BlobStore::in_folder(&data.objects()).context("cannot open the blobs")?;
        let logs = LogStore::in_folder(&data.objects()).context("cannot open the logs")?;
        let token = admin_token::ensure(&*store, &data.admin_token()).await?;

        let versions = Arc::new(Versions::new(store.clone() as Arc<dyn Catalog>));
        let parts = SchedulerParts {
            runs: store.clone(),
            versions: versions.clone(),
            clock: clock.clone(),
            limits: SchedulerLimits::default(),
        };
        let Started { scheduler, queue, run_loop, .. } =
            Scheduler::start(parts).await.context("cannot start the scheduler")?;

        let artefacts = Arc::new(Artefacts::new(command.clone(), blobs.clone(), clock.clone()));
        let worker = Worker::start(WorkerParts {
            id: WorkerId::from_uuid(Real.uuid()),
            slots,
            queue,
            values: store.clone(),
            states: store.clone(),
            blobs: blobs.clone(),
            logs: logs.clone(),
            artefacts: artefacts.clone(),
            command: command.clone(),
            clock: clock.clone(),
        })
        .await
        .context("cannot start the worker")?;

        let control = Control::new(ControlParts {
            catalog: store.clone(),
            runs: store.clone(),
            values: store.clone(),
            auth: store,
            versions,
            scheduling: Arc::new(scheduler.clone()),
            parsing: Arc::new(Parser { artefacts, command, turns: Semaphore::new(COMPILERS_MAX) }),
            blobs,
            logs,
            clock,
            ids: Arc::new(Real),
            rng: Arc::new(Real),
        });
        Ok(Self { control: Arc::new(control), token, scheduler, run_loop, worker, _data: data })
    }

    /// Gives out no more work, lets what runs finish for at most `grace`, hands back the rest and ends all loops.
    pub(crate) async fn close(self, grace: Duration) {
        self.scheduler.drain().await;
        self.worker.stop(grace).await;
        self.scheduler.stop().await;
        if let Err(error) = self.run_loop.await {
            tracing::error!(%error, "the scheduler's loop did not end well");
        }
    }
}
