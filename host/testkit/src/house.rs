//! A whole server in one process, but for HTTP and guests: database, scheduler and use-cases are the real ones, bodies are played.
//!
//! What a body does is told by the entrypoint of its task (see [`bodies`]); DAGs come as documents, for which
//! [`House::component`] makes a component that the parser double knows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use blobs::{BlobStore, LogStore};
use bytes::Bytes;
use clock::{Clock, Ids, Real};
use control::{Control, ControlParts, Deployed, Naming, ParseFailure, Parsing, Scheduling, Secret, Session};
use futures::StreamExt;
use futures::stream::BoxStream;
use model::{BundleName, Digest, MapIndex, NodeIdx, RunKey, TaskId, TenantId, TenantScope, WorkerId};
use scheduler::{
    Act, Asker, Changes, ControlError, Explained, NewTrigger, RunProgress, Scheduler, SchedulerLimits, SchedulerParts,
    Started, Timekeeper, TimekeeperParts, TriggerError, Versions,
};
use serde_json::Value;
use store::{AuthStore, ClaimedRun, NewSignal, NewToken};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

mod bodies;
mod component;

/// A server. Everything of it ends with this value.
pub struct House {
    pub control: Arc<Control>,
    token: Secret,
    store: Arc<SqliteStore>,
    scheduling: Arc<Watched>,
    parser: Arc<Parser>,
    held: watch::Sender<bool>,
    loops: Vec<JoinHandle<()>>,
    _timekeeper: Timekeeper,
    _folder: TempDir,
}

impl House {
    /// A server without any DAG.
    ///
    /// # Panics
    /// When one of the parts does not start.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock: Arc<dyn Clock> = Arc::new(Real);
        let store = SqliteStore::open(&folder.path().join("waft.db"), clock.clone()).await.expect("a database");
        let store = Arc::new(store);
        let (blobs, logs) = (BlobStore::in_memory(), LogStore::in_memory());
        let token = control::ensure_admin_token(&*store, &Real, &Real, None).await.expect("a token can be kept");
        let versions = Arc::new(Versions::new(store.clone()));
        let parts = SchedulerParts {
            runs: store.clone(),
            reader: store.clone(),
            waits: store.clone(),
            pools: store.clone(),
            variables: store.clone(),
            callbacks: store.clone(),
            versions: versions.clone(),
            clock: clock.clone(),
            limits: SchedulerLimits::default(),
        };
        let Started { scheduler, queue, run_loop, .. } = Scheduler::start(parts).await.expect("the scheduler starts");
        let timekeeper = TimekeeperParts {
            store: store.clone(),
            versions: versions.clone(),
            clock: clock.clone(),
            ids: Arc::new(Real),
        };
        let timekeeper = Timekeeper::start(scheduler.clone(), timekeeper);
        let (held, is_held) = watch::channel(true);
        let worker = WorkerId::from_uuid(Real.uuid());
        let bodies = bodies::Bodies { worker, queue, blobs: blobs.clone(), logs: logs.clone(), is_held };
        let parser = Arc::new(Parser::default());
        let scheduling = Arc::new(Watched { scheduler, watchers: Arc::default() });
        let control = Control::new(ControlParts {
            catalog: store.clone(),
            runs: store.clone(),
            values: store.clone(),
            auth: store.clone(),
            times: store.clone(),
            variables: store.clone(),
            connections: store.clone(),
            pools: store.clone(),
            waits: store.clone(),
            notes: store.clone(),
            event_logs: store.clone(),
            callbacks: store.clone(),
            retention: store.clone(),
            versions,
            scheduling: scheduling.clone(),
            naming: Arc::new(NoNames),
            parsing: parser.clone(),
            blobs,
            logs,
            clock,
            ids: Arc::new(Real),
            rng: Arc::new(Real),
        });
        let loops = vec![run_loop, tokio::spawn(bodies.play())];
        let token = token.expect("a new server has no token yet");
        Self {
            control: Arc::new(control),
            token,
            store,
            scheduling,
            parser,
            held,
            loops,
            _timekeeper: timekeeper,
            _folder: folder,
        }
    }

    /// The first token.
    pub fn token(&self) -> &str {
        self.token.expose()
    }

    /// A token of another tenant.
    ///
    /// # Panics
    /// When it cannot be kept.
    pub async fn foreign_token(&self) -> &'static str {
        let token = NewToken {
            tenant: TenantId::from_row(2),
            digest: Digest::of(FOREIGN_TOKEN.as_bytes()),
            name: "foreign".to_owned(),
            created_at: Real.now(),
            expires_at: None,
        };
        self.store.token_insert(token).await.expect("a token can be kept");
        FOREIGN_TOKEN
    }

    /// How many follow a run at this moment.
    pub fn watched(&self) -> usize {
        self.scheduling.watchers.load(Ordering::SeqCst)
    }

    /// The session of the first token.
    ///
    /// # Panics
    /// When the token is not taken.
    pub async fn session(&self) -> Session {
        self.control.authenticate(self.token()).await.expect("the first token is taken")
    }

    /// A component that tells these documents.
    ///
    /// # Panics
    /// When another test panicked here.
    pub fn component(&self, documents: &[Value]) -> Bytes {
        let documents: Vec<String> = documents.iter().map(Value::to_string).collect();
        let component = component::of_documents(&documents);
        self.parser.told.lock().expect("no panic").insert(Digest::of(&component), documents);
        component
    }

    /// Deploys documents, which must be legal, as a bundle.
    ///
    /// # Panics
    /// When they are refused.
    pub async fn deploy(&self, bundle: &str, documents: &[Value]) -> Deployed {
        let name = BundleName::new(bundle).expect("a name");
        let deployed = self.control.bundle_deploy(&self.session().await, &name, self.component(documents), false).await;
        deployed.unwrap_or_else(|error| panic!("{error}: {:#?}", error.all_problems()))
    }

    /// How often the parser was asked.
    pub fn parses(&self) -> usize {
        *self.parser.parses.lock().expect("no panic")
    }

    /// Lets all bodies go on that hold.
    pub fn release(&self) {
        self.held.send_replace(false);
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for running in &self.loops {
            running.abort();
        }
    }
}

const FOREIGN_TOKEN: &str = "waft_foreign";

/// The scheduler, with a count of those who watch.
struct Watched {
    scheduler: Scheduler,
    watchers: Arc<AtomicUsize>,
}

/// One who watches, while this lives.
struct Watcher(Arc<AtomicUsize>);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Scheduling for Watched {
    async fn trigger(&self, trigger: NewTrigger) -> Result<(), TriggerError> {
        Scheduling::trigger(&self.scheduler, trigger).await
    }

    async fn act(
        &self,
        scope: TenantScope,
        run: RunKey,
        act: Act,
        asker: Asker,
        dry_run: bool,
    ) -> Result<Changes, ControlError> {
        Scheduling::act(&self.scheduler, scope, run, act, asker, dry_run).await
    }

    async fn signal(&self, signal: NewSignal) -> Result<bool, ControlError> {
        Scheduling::signal(&self.scheduler, signal).await
    }

    async fn explain(
        &self,
        scope: TenantScope,
        run: RunKey,
        task_id: TaskId,
        map_index: MapIndex,
    ) -> Result<Explained, ControlError> {
        Scheduling::explain(&self.scheduler, scope, run, task_id, map_index).await
    }

    fn poke(&self) {
        Scheduling::poke(&self.scheduler);
    }

    fn watch(&self, scope: TenantScope, run: RunKey) -> BoxStream<'static, RunProgress> {
        self.watchers.fetch_add(1, Ordering::SeqCst);
        let watcher = Watcher(self.watchers.clone());
        let progress = Scheduling::watch(&self.scheduler, scope, run);
        progress
            .map(move |progress| {
                let _alive = &watcher;
                progress
            })
            .boxed()
    }
}

/// Names nothing.
struct NoNames;

#[async_trait]
impl Naming for NoNames {
    async fn names(&self, _run: &ClaimedRun, _node: NodeIdx, indexes: &[MapIndex]) -> Vec<Option<String>> {
        vec![None; indexes.len()]
    }
}

/// Knows the documents of the components that [`House::component`] made.
#[derive(Default)]
struct Parser {
    told: Mutex<HashMap<Digest, Vec<String>>>,
    parses: Mutex<usize>,
}

#[async_trait]
impl Parsing for Parser {
    async fn compile_and_describe(&self, _scope: TenantScope, component: &[u8]) -> Result<Vec<String>, ParseFailure> {
        *self.parses.lock().expect("no panic") += 1;
        tokio::task::yield_now().await;
        let told = self.told.lock().expect("no panic").get(&Digest::of(component)).cloned();
        told.ok_or_else(|| ParseFailure::Undescribed {
            message: "the component trapped while it was parsed: unreachable".to_owned(),
            log: vec!["about to trap".to_owned()],
        })
    }
}
