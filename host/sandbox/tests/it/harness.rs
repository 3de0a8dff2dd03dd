//! A worker in miniature.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use model::outcome::End;
use model::{AssetName, DagId, Digest, Entrypoint, Key, MapIndex, RunId, RunState, TaskId, TenantId, TryNumber};
use sandbox::{
    Artefact, Assignment, Completion, Connection, HostError, HostPort, HostReply, HostRequest, HostValue, LogLine,
    Progress, RunStatus, Runner, RunnerCommand, RunnerEvent, TaskContext, Work,
};
use tokio::sync::{OnceCell, mpsc};

/// A test that waits longer than this waits for ever.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn command() -> RunnerCommand {
    RunnerCommand { program: env!("CARGO_BIN_EXE_sandbox-child").into() }
}

/// The bytes of the probe.
pub(crate) fn probe_bytes() -> Vec<u8> {
    std::fs::read(testkit::guest::component("probe-guest")).expect("the component was built")
}

/// The probe with another behaviour while it is instantiated or parsed.
pub(crate) fn probe_that(behaviour: &str) -> Vec<u8> {
    const MARK: &[u8] = b"waft-probe-behaviour";
    let mut bytes = probe_bytes();
    let places: Vec<usize> = (0..bytes.len() - MARK.len()).filter(|at| bytes[*at..].starts_with(MARK)).collect();
    let [place] = places[..] else { panic!("the mark stands {} times in the probe", places.len()) };
    let name = &mut bytes[place + MARK.len()..][..12];
    assert_eq!(name, b"honest      ");
    name.copy_from_slice(format!("{behaviour:12}").as_bytes());
    bytes
}

pub(crate) async fn compiled(bytes: &[u8]) -> Artefact {
    sandbox::compile(&command(), bytes).await.expect("the component compiles")
}

/// The probe, compiled once a process.
pub(crate) async fn probe() -> Artefact {
    static PROBE: OnceCell<Artefact> = OnceCell::const_new();
    PROBE.get_or_init(async || compiled(&probe_bytes()).await).await.clone()
}

/// A runner with the probe loaded, and all that it has told.
pub(crate) struct Worker {
    pub(crate) runner: Runner,
    pub(crate) events: mpsc::Receiver<RunnerEvent>,
    pub(crate) component: Digest,
    pub(crate) started: Vec<u64>,
    pub(crate) done: HashMap<u64, Completion>,
    pub(crate) log: HashMap<u64, Vec<LogLine>>,
    pub(crate) progress: Vec<Progress>,
    pub(crate) died: Option<(String, Vec<u64>, Vec<u64>)>,
    next: u64,
}

impl Worker {
    pub(crate) async fn start(slots: u32) -> Self {
        Self::with_host(slots, Arc::new(Host::default())).await
    }

    pub(crate) async fn with_host(slots: u32, host: Arc<dyn HostPort>) -> Self {
        let (runner, events) =
            Runner::spawn(&command(), TenantId::DEFAULT, slots, host).await.expect("a runner starts");
        let artefact = probe().await;
        runner.load(&artefact).await.expect("the runner takes the probe");
        Self {
            runner,
            events,
            component: artefact.component(),
            started: Vec::new(),
            done: HashMap::new(),
            log: HashMap::new(),
            progress: Vec::new(),
            died: None,
            next: 1,
        }
    }

    /// An assignment that any test may change before it is assigned.
    pub(crate) fn assignment(&mut self, entrypoint: &str, args: &str) -> Assignment {
        let id = self.next;
        self.next += 1;
        assignment(id, self.component, entrypoint, args)
    }

    pub(crate) async fn assign(&self, assignments: Vec<Assignment>) {
        self.runner.assign(assignments).await.expect("the runner lives");
    }

    /// Runs one body to its end.
    pub(crate) async fn run(&mut self, entrypoint: &str, args: &str) -> Completion {
        let assignment = self.assignment(entrypoint, args);
        self.finish(assignment).await
    }

    pub(crate) async fn finish(&mut self, assignment: Assignment) -> Completion {
        let id = assignment.id;
        self.assign(vec![assignment]).await;
        self.until(|worker| worker.done.contains_key(&id)).await;
        self.done.remove(&id).expect("it has just ended")
    }

    /// Takes events until `enough`.
    pub(crate) async fn until(&mut self, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            let event = tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("something happens");
            match event.unwrap_or_else(|| panic!("no more events; {:?}", self.died)) {
                RunnerEvent::Started(ids) => self.started.extend(ids),
                RunnerEvent::Done(completions) => {
                    for completion in completions {
                        assert!(self.started.contains(&completion.id) || !matches!(completion.end, End::Success));
                        self.log.entry(completion.id).or_default().extend(completion.log.clone());
                        assert!(self.done.insert(completion.id, completion).is_none(), "an attempt ends once");
                    }
                }
                RunnerEvent::Log(pieces) => {
                    for piece in pieces {
                        assert!(!self.done.contains_key(&piece.assignment), "no log after the end");
                        self.log.entry(piece.assignment).or_default().extend(piece.lines);
                    }
                }
                RunnerEvent::Progress(reports) => self.progress.extend(reports),
                RunnerEvent::Died { reason, started, waiting } => self.died = Some((reason, started, waiting)),
            }
        }
    }

    pub(crate) async fn until_death(&mut self) -> (String, Vec<u64>, Vec<u64>) {
        self.until(|worker| worker.died.is_some()).await;
        self.died.clone().expect("it has just died")
    }
}

/// An assignment of any attempt of any component.
pub(crate) fn assignment(id: u64, component: Digest, entrypoint: &str, args: &str) -> Assignment {
    Assignment {
        id,
        component,
        work: Work::Body { entrypoint: Entrypoint::new(entrypoint).expect("a valid entrypoint"), args: args.into() },
        context: TaskContext {
            dag_id: DagId::new("probe").expect("valid"),
            run_id: RunId::new("manual__1").expect("valid"),
            task_id: TaskId::new("body").expect("valid"),
            map_index: MapIndex::at(3),
            map_path: vec![3],
            map_key: Some("\"k\"".into()),
            try_number: TryNumber(2),
            logical_date: Some("2026-01-01T00:00:00Z".parse().expect("valid")),
            data_interval_start: None,
            data_interval_end: None,
            params: "{\"p\":1}".into(),
            woken: None,
        },
        timeout_ms: 60_000,
        memory_bytes: 64 << 20,
        sequences: Vec::new(),
        outlets: vec![AssetName::new("orders").expect("valid")],
    }
}

/// Success with this value.
pub(crate) fn succeeded(completion: &Completion) -> &str {
    assert_eq!(completion.end, End::Success);
    completion.result.as_deref().unwrap_or("")
}

/// State, blobs, XComs and one sequence of the numbers 0 to 99, in memory.
#[derive(Default)]
pub(crate) struct Host {
    state: Mutex<BTreeMap<String, String>>,
    open: Mutex<HashMap<u32, Vec<u8>>>,
    blobs: Mutex<HashMap<Digest, Vec<u8>>>,
    pub(crate) requests: Mutex<Vec<HostRequest>>,
}

#[async_trait]
impl HostPort for Host {
    async fn call(&self, _assignment: u64, request: HostRequest) -> HostReply {
        self.requests.lock().expect("no panic").push(request.clone());
        let mut state = self.state.lock().expect("no panic");
        let mut open = self.open.lock().expect("no panic");
        let mut blobs = self.blobs.lock().expect("no panic");
        Ok(match request {
            HostRequest::XcomPull { task_id, key, .. } => HostValue::Json(Some(format!("\"{task_id}/{key}\""))),
            HostRequest::SequencePage { offset, max, .. } => {
                HostValue::Page((offset..100).take(max as usize).map(|value| value.to_string()).collect())
            }
            HostRequest::SequenceGet { position, .. } => HostValue::Json(Some(position.to_string())),
            HostRequest::StateGet { key } => HostValue::Json(state.get(key.as_str()).cloned()),
            HostRequest::StateSet { key, value, .. } => {
                state.insert(key.as_str().to_owned(), value);
                HostValue::Done
            }
            HostRequest::StateDelete { key } => HostValue::Flag(state.remove(key.as_str()).is_some()),
            HostRequest::StateList { prefix } => {
                HostValue::Keys(state.keys().filter(|key| key.starts_with(&prefix)).cloned().collect())
            }
            HostRequest::BlobCreate { writer, .. } => {
                open.insert(writer, Vec::new());
                HostValue::Done
            }
            HostRequest::BlobWrite { writer, bytes } => {
                open.get_mut(&writer).expect("created before").extend_from_slice(&bytes);
                HostValue::Done
            }
            HostRequest::BlobFinish { writer } => {
                let bytes = open.remove(&writer).expect("created before");
                let digest = Digest::of(&bytes);
                blobs.insert(digest, bytes);
                HostValue::Digest(digest)
            }
            HostRequest::BlobDiscard { writer } => {
                open.remove(&writer).expect("created before");
                HostValue::Done
            }
            HostRequest::BlobOpen { digest } => match blobs.get(&digest) {
                Some(bytes) => HostValue::Size(bytes.len() as u64),
                None => return Err(HostError::Denied("not yours".into())),
            },
            HostRequest::BlobRead { digest, offset, max } => {
                let bytes = blobs.get(&digest).expect("opened before");
                let from = offset as usize;
                HostValue::Bytes(bytes[from..bytes.len().min(from + max as usize)].to_vec().into())
            }
            HostRequest::VariableGet { key } => HostValue::Json((key.as_str() == "region").then(|| "\"eu\"".into())),
            HostRequest::ConnectionGet { connection_id } => {
                let connection = || Connection {
                    conn_type: "postgres".into(),
                    description: None,
                    host: Some("h".into()),
                    login: None,
                    password: Some("hunter2".into()),
                    schema: None,
                    port: Some(5432),
                    extra: None,
                };
                HostValue::Connection((connection_id.as_str() == "db").then(|| Box::new(connection())))
            }
            HostRequest::RunTrigger(request) => {
                let made = || RunId::new(format!("made_{}", request.number)).expect("valid");
                HostValue::Run(request.run_id.clone().unwrap_or_else(made))
            }
            HostRequest::RunStatus { run_id, .. } => HostValue::RunStatus(
                (run_id.as_str() == "r")
                    .then(|| RunStatus { state: RunState::Success, results: Some("{\"t\":1}".into()) }),
            ),
        })
    }
}

/// Never answers.
pub(crate) struct SilentHost;

#[async_trait]
impl HostPort for SilentHost {
    async fn call(&self, _assignment: u64, _request: HostRequest) -> HostReply {
        std::future::pending().await
    }
}

pub(crate) fn key(text: &str) -> Key {
    Key::new(text).expect("a valid key")
}
