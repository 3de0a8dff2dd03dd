//! Everything that runs DAGs, put together over one data folder.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clock::{Clock, Ids, Real};
use control::{Control, ControlParts, Part};
use futures::future::{BoxFuture, FutureExt, Shared, TryFutureExt};
use model::ServerId;
use model::limits::component::COMPILERS_MAX;
use model::limits::worker::OUTAGE_WAIT_MAX_MS;
use sandbox::RunnerCommand;
use scheduler::{
    ClusterParts, Evicted, Scheduler, SchedulerLimits, SchedulerParts, Started, Timekeeper, TimekeeperParts, Versions,
};
use store::NewServer;
use store_sqlite::SqliteStore;
use tokio::sync::Semaphore;
use tokio::task::JoinError;
use upkeep::RetentionPolicy;
use worker::{ArtefactFolder, Artefacts, InstanceNames, Worker, WorkerParts};

use super::DataFolder;
use super::admin_token;
use super::keeper::{Keeper, KeeperParts};
use super::names::Names;
use super::objects;
use super::parser::Parser;
use super::runs::GuestRuns;
use super::stores::Stores;
use crate::config::{DatabaseUrl, ObjectsUrl, RoleSet};
use crate::failure::Failure;

/// How a house is built.
#[derive(Debug, Clone)]
pub(crate) struct HouseOptions {
    pub(crate) database: DatabaseUrl,
    pub(crate) objects: ObjectsUrl,
    pub(crate) roles: RoleSet,
    /// Task instances that run at a time.
    pub(crate) slots: u32,
    /// How long what is kept.
    pub(crate) retention: RetentionPolicy,
    /// The program that holds the processes of guests.
    pub(crate) command: RunnerCommand,
}

impl HouseOptions {
    /// One process, with all its data in its folder.
    pub(crate) fn alone(slots: u32, command: RunnerCommand) -> Self {
        let (database, objects) = (DatabaseUrl::InDataFolder, ObjectsUrl::InDataFolder);
        Self { database, objects, roles: RoleSet::ALL, slots, retention: RetentionPolicy::default(), command }
    }
}

/// The scheduler's loop, as it ends.
type RunLoop = Shared<BoxFuture<'static, Result<(), Arc<JoinError>>>>;

/// A part of the house whose loop has ended though nobody asked it to.
#[derive(Debug, thiserror::Error)]
#[error("the server cannot go on: {why}")]
pub(crate) struct FailedPart {
    part: Part,
    /// Which loop, and how it ended.
    why: String,
}

/// Everything that runs DAGs.
pub(crate) struct House {
    pub(crate) control: Arc<Control>,
    pub(crate) token: client::Token,
    stores: Stores,
    scheduler: Scheduler,
    run_loop: RunLoop,
    /// Why the process is no member of its cluster any more, when it is not.
    membership: Shared<BoxFuture<'static, String>>,
    /// `None` where other processes run everything.
    worker: Option<Worker>,
    /// Makes the runs that nobody asks for; `None` where other processes do.
    timekeeper: Option<Timekeeper>,
    _keeper: Option<Keeper>,
    /// Held to the end.
    _data: DataFolder,
}

impl House {
    /// Opens the data folder and starts all loops; unfinished runs go on.
    pub(crate) async fn open(data: DataFolder, options: HouseOptions) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(Real);
        let HouseOptions { database, objects, roles, slots, retention, command } = options;
        // Everything that can be wrong with the options comes before the database, which is changed when it is opened.
        if database == DatabaseUrl::InDataFolder && roles != RoleSet::ALL {
            return Err(Failure::usage("a process that does a part of the work needs a database that others share")
                .hint("give --database postgres://…, or leave --role out"));
        }
        let (blobs, logs) = objects::open(&objects, &data)?;
        let stores = Stores::open(&database, &data, clock.clone()).await?;
        let token = admin_token::ensure(&*stores.auth, &data.admin_token()).await?;

        let server = ServerId::from_uuid(Real.uuid());
        let versions = Arc::new(Versions::new(stores.catalog.clone()));
        let parts = SchedulerParts {
            runs: stores.runs.clone(),
            reader: stores.reader.clone(),
            waits: stores.waits.clone(),
            pools: stores.pools.clone(),
            variables: stores.variables.clone(),
            callbacks: stores.callbacks.clone(),
            versions: versions.clone(),
            clock: clock.clone(),
            limits: SchedulerLimits::default(),
        };
        let started = match &stores.shared {
            None => Scheduler::start(parts).await,
            Some(shared) => {
                let server = NewServer {
                    id: server,
                    node: data.node(&Real).map_err(anyhow::Error::new)?,
                    name: name_of_process(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    is_scheduler: roles.scheduler,
                    slots: if roles.worker { slots } else { 0 },
                };
                Scheduler::start_shared(parts, ClusterParts { store: shared.clone(), server }).await
            }
        };
        let Started { scheduler, queue, run_loop, membership } = started.context("cannot start the scheduler")?;
        let run_loop = run_loop.map_err(Arc::new).boxed().shared();
        let membership = membership.map(|ended| left(&ended)).boxed().shared();

        let folder = ArtefactFolder::open(&data.artefacts(), sandbox::engine_key(), clock.clone(), &Real)
            .context("cannot open the folder of compiled components")?;
        let artefacts = Artefacts::new(command.clone(), blobs.clone(), clock.clone()).with_folder(folder);
        let artefacts = Arc::new(artefacts);
        let renewed = artefacts.clone();
        tokio::spawn(async move { renewed.renew().await });
        let timekeeper = TimekeeperParts {
            store: stores.times.clone(),
            versions: versions.clone(),
            clock: clock.clone(),
            ids: Arc::new(Real),
        };
        let timekeeper = roles.scheduler.then(|| Timekeeper::start(scheduler.clone(), timekeeper));
        let keeper = roles.scheduler.then(|| {
            Keeper::start(KeeperParts {
                rows: stores.retention.clone(),
                blobs: blobs.clone(),
                policy: retention,
                shared: stores.shared.clone().map(|shared| (shared, server)),
                clock: clock.clone(),
            })
        });
        let control = Arc::new(Control::new(ControlParts {
            catalog: stores.catalog.clone(),
            runs: stores.reader.clone(),
            values: stores.values.clone(),
            auth: stores.auth.clone(),
            times: stores.times.clone(),
            variables: stores.variables.clone(),
            connections: stores.connections.clone(),
            pools: stores.pools.clone(),
            waits: stores.waits.clone(),
            notes: stores.notes.clone(),
            event_logs: stores.event_logs.clone(),
            callbacks: stores.callbacks.clone(),
            retention: stores.retention.clone(),
            versions,
            scheduling: Arc::new(scheduler.clone()),
            naming: Arc::new(Names(InstanceNames::new(stores.values.clone(), stores.variables.clone(), blobs.clone()))),
            parsing: Arc::new(Parser {
                artefacts: artefacts.clone(),
                command: command.clone(),
                turns: Semaphore::new(COMPILERS_MAX),
            }),
            blobs: blobs.clone(),
            logs: logs.clone(),
            clock: clock.clone(),
            ids: Arc::new(Real),
            rng: Arc::new(Real),
        }));
        let worker = if roles.worker {
            let parts = WorkerParts {
                id: server.worker(),
                slots,
                queue,
                values: stores.values.clone(),
                variables: stores.variables.clone(),
                connections: stores.connections.clone(),
                runs: Arc::new(GuestRuns(control.clone())),
                states: stores.states.clone(),
                blobs,
                logs,
                artefacts,
                command,
                clock,
                outage_wait: Duration::from_millis(OUTAGE_WAIT_MAX_MS),
            };
            Some(Worker::start(parts).await.context("cannot start the worker")?)
        } else {
            None
        };

        Ok(Self {
            control,
            token,
            stores,
            scheduler,
            run_loop,
            membership,
            worker,
            timekeeper,
            _keeper: keeper,
            _data: data,
        })
    }

    /// Waits until a loop ends that nobody asked to; the server's health tells it from then on. Parts that work go on, but what
    /// the loop did is done by nobody until the next start.
    pub(crate) async fn failed(&self) -> FailedPart {
        let (part, why) = tokio::select! {
            // The worker ends with the scheduler, not the other way round.
            biased;
            ended = self.run_loop.clone() => (Part::Scheduler, format!("the loop of the scheduler {}", how(&ended))),
            () = timekeeper_ended(self.timekeeper.as_ref()) => {
                (Part::Scheduler, "the loop of the timekeeper ended".to_owned())
            }
            why = self.membership.clone() => (Part::Scheduler, why),
            why = self.stores.failed.clone() => (Part::Database, why),
            why = worker_failed(self.worker.as_ref()) => (Part::Worker, why),
        };
        self.control.part_failed(part);
        tracing::error!(?part, why, "a loop has ended");
        FailedPart { part, why }
    }

    /// Gives out no more work, lets what runs finish for at most `grace`, hands back the rest and ends all loops. Parts whose
    /// loops have ended are not waited for.
    pub(crate) async fn close(self, grace: Duration) {
        drop(self.timekeeper);
        failpoint::begins("drain::begin");
        self.scheduler.drain().await;
        failpoint::ends("drain::begin");
        if let Some(worker) = &self.worker {
            worker.stop(grace).await;
        }
        if tokio::time::timeout(STOP_MAX, self.scheduler.stop()).await.is_err() {
            tracing::error!("the loop of the scheduler does not stop");
            return;
        }
        if let Err(error) = self.run_loop.await {
            tracing::error!(%error, "the loop of the scheduler did not end well");
        }
        // It leaves the cluster, so that nobody waits for its lease to end.
        if self.stores.shared.is_some() && tokio::time::timeout(LEAVE_MAX, self.membership).await.is_err() {
            tracing::warn!("the database did not hear that this process leaves; its lease ends by itself");
        }
        if let Some(file) = &self.stores.file
            && let Err(error) = SqliteStore::settle(file).await
        {
            tracing::warn!(%error, "the log of the database stays beside it; the next start takes it up");
        }
    }
}

/// Host and process, for people.
fn name_of_process() -> String {
    let host =
        nix::unistd::gethostname().map_or_else(|_| "unknown".to_owned(), |name| name.to_string_lossy().into_owned());
    format!("{host}:{}", std::process::id())
}

async fn worker_failed(worker: Option<&Worker>) -> String {
    match worker {
        Some(worker) => worker.failed().await,
        None => std::future::pending().await,
    }
}

async fn timekeeper_ended(timekeeper: Option<&Timekeeper>) {
    match timekeeper {
        Some(timekeeper) => timekeeper.ended().await,
        None => std::future::pending().await,
    }
}

/// How long the last commit may take.
const STOP_MAX: Duration = Duration::from_secs(10);
/// How long a process that ends waits until the cluster knows.
const LEAVE_MAX: Duration = Duration::from_secs(3);

fn left(ended: &Result<Result<(), Evicted>, JoinError>) -> String {
    match ended {
        Ok(Ok(())) => "the process has left its cluster".to_owned(),
        Ok(Err(evicted)) => evicted.to_string(),
        Err(error) if error.is_panic() => "the loop of the membership panicked".to_owned(),
        Err(_) => "the loop of the membership ended".to_owned(),
    }
}

fn how(ended: &Result<(), Arc<JoinError>>) -> &'static str {
    match ended {
        Err(error) if error.is_panic() => "panicked",
        _ => "ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loop_that_ends_is_told_and_does_not_hold_up_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let command = RunnerCommand::this_program().unwrap();
        let house = House::open(data, HouseOptions::alone(1, command)).await.unwrap();
        assert!(house.control.health().await.is_scheduler_healthy);
        // The loop ends because it is asked to, and the house does not know that.
        house.scheduler.stop().await;
        let failed = house.failed().await;
        assert_eq!((failed.part, failed.why.as_str()), (Part::Scheduler, "the loop of the scheduler ended"));
        let health = house.control.health().await;
        assert!(!health.is_scheduler_healthy && health.is_database_healthy && health.is_worker_healthy);
        house.close(Duration::ZERO).await;
    }
}
