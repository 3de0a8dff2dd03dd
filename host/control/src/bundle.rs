//! Deploying bundles. A failure anywhere leaves the version that is current, and is the answer of the call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use bundle::CheckedDag;
use bytes::Bytes;
use model::limits::dag::DAGS_PER_BUNDLE_MAX;
use model::limits::http::{PAGE_MAX, UPLOAD_MAX_BYTES};
use model::{BundleName, BundleVersionKey, Digest, Problem, TenantScope, VersionKey};
use serde_json::json;
use store::{
    BundleRegistered, BundleRow, DagFilter, DagRegistered, NewBundleVersion, NewDagVersion, Page, PageRequest,
    StoreError,
};

use crate::dag_version::schemas;
use crate::event_log::About;
use crate::{Code, Control, Error, ParseFailure, Session};

/// What a deploy did, or would do.
#[derive(Debug, Clone)]
pub struct Deployed {
    pub name: BundleName,
    pub component: Digest,
    pub size_bytes: u64,
    /// None for a dry run of something new.
    pub key: Option<BundleVersionKey>,
    /// False when the same bytes were deployed before.
    pub created: bool,
    pub dry_run: bool,
    pub dags: Vec<DeployedDag>,
    /// What the author should look at.
    pub warnings: Vec<Problem>,
}

/// One DAG of a deployed bundle.
#[derive(Debug, Clone)]
pub struct DeployedDag {
    pub dag_id: model::DagId,
    pub digest: Digest,
    /// None for a dry run of a new version.
    pub version: Option<VersionKey>,
    pub version_number: Option<u32>,
    /// False when the version existed before.
    pub created: bool,
}

/// Deploys that are under way, so that the same bytes are compiled and parsed once however often they arrive at once.
#[derive(Default)]
pub(crate) struct Deploys(Mutex<HashMap<(TenantScope, Digest), Gate>>);

/// Held by the deploy of a component; gone with the last of those who wait for it.
type Gate = Weak<tokio::sync::Mutex<()>>;

impl Deploys {
    /// The turn of a deploy of these bytes; held until it is done.
    async fn turn(&self, scope: TenantScope, component: Digest) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().expect("no panic while the lock is held");
            turns.retain(|_, turn| turn.strong_count() > 0);
            let turn = turns.get(&(scope, component)).and_then(Weak::upgrade).unwrap_or_default();
            turns.insert((scope, component), Arc::downgrade(&turn));
            turn
        };
        turn.lock_owned().await
    }
}

impl Control {
    /// Makes `component` the current version of the bundle `name`; or, for a dry run, tells what that would do.
    pub async fn bundle_deploy(
        &self,
        session: &Session,
        name: &BundleName,
        component: Bytes,
        dry_run: bool,
    ) -> Result<Deployed, Error> {
        let scope = session.scope();
        failpoint::before("upload::body_spooled").map_err(Error::unavailable)?;
        let scanned = bundle::scan(&component).map_err(|problems| {
            Error::new(Code::InvalidComponent, "this is not a component that Waft can take").problems(problems)
        })?;
        let (digest, size_bytes) = (scanned.digest, scanned.size_bytes);
        let _turn = self.deploys.turn(scope, digest).await;
        if let Some(deployed) = self.current_if_same(scope, name, digest, size_bytes, dry_run).await? {
            if !dry_run {
                // Whoever sends the same bytes again may do so because they are damaged or missing here.
                self.blobs.put(scope, component).await?;
            }
            return Ok(deployed);
        }
        let documents =
            self.parsing.compile_and_describe(scope, &component).await.map_err(|failure| refused(failure, digest))?;
        failpoint::after("upload::parsed").map_err(Error::unavailable)?;
        let checked = bundle::dags(digest, documents).map_err(invalid_dags)?;
        let problems = schema_problems(&checked);
        if !problems.is_empty() {
            return Err(invalid_dags(problems));
        }
        let warnings = warnings(&checked);
        let deployed = Deployed {
            name: name.clone(),
            component: digest,
            size_bytes,
            key: None,
            created: true,
            dry_run,
            dags: Vec::new(),
            warnings,
        };
        if dry_run {
            let dags = self.would_register(scope, name, &checked).await?;
            return Ok(Deployed { dags, ..deployed });
        }
        failpoint::before("upload::blob_put").map_err(Error::unavailable)?;
        self.blobs.put(scope, component).await?;
        failpoint::after("upload::blob_put").map_err(Error::unavailable)?;
        let digests: Vec<Digest> = checked.iter().map(|dag| dag.digest).collect();
        failpoint::before("upload::version_tx").map_err(Error::unavailable)?;
        let registered = self.register(scope, name, digest, size_bytes, checked).await?;
        failpoint::after("upload::version_tx").map_err(Error::unavailable)?;
        self.scheduling.poke();
        tracing::info!(
            tenant = %scope.tenant(), bundle = %name, version = %registered.key, created = registered.created,
            by = session.name(), "bundle deployed"
        );
        self.record(session, "deploy", About::default(), json!({"bundle": name.as_str()})).await;
        let dags = registered.dags.into_iter().zip(digests).map(|(dag, digest)| deployed_dag(dag, digest)).collect();
        Ok(Deployed { key: Some(registered.key), created: registered.created, dags, ..deployed })
    }

    /// Deploys a bundle whose files were uploaded before; while bundles are single components there is one.
    pub async fn bundle_deploy_files(
        &self,
        session: &Session,
        name: &BundleName,
        files: &[(String, Digest)],
        dry_run: bool,
    ) -> Result<Deployed, Error> {
        let [(path, digest)] = files else {
            let message = format!("a bundle is one component, and {} files are named", files.len());
            return Err(Error::new(Code::InvalidRequest, message).hint("name one file, the component"));
        };
        let size = self.blobs.size(session.scope(), *digest).await?.ok_or_else(|| {
            Error::new(Code::BlobNotFound, format!("the blob {digest} of {path:?} is not here"))
                .hint("upload it with PUT /api/v2/blobs/{digest} first")
        })?;
        if size > UPLOAD_MAX_BYTES as u64 {
            let message = format!("the component {path:?} has {size} bytes; at most {UPLOAD_MAX_BYTES} are possible");
            return Err(Error::new(Code::TooLarge, message));
        }
        let component = self.blobs.get(session.scope(), *digest).await?;
        self.bundle_deploy(session, name, component, dry_run).await
    }

    /// Whether a bundle consists of this component. It told its DAGs when it came, and would tell the same again.
    pub async fn bundle_parsed(&self, session: &Session, component: Digest) -> Result<(), Error> {
        let mut page = PageRequest { limit: PAGE_MAX, offset: 0 };
        loop {
            let rows = self.catalog.bundle_list(session.scope(), page).await?.rows;
            if rows.iter().any(|row| row.component == component) {
                return Ok(());
            }
            if rows.len() < page.limit as usize {
                return Err(Error::new(Code::FileNotFound, format!("no bundle consists of {component}"))
                    .hint("take the file_token of a DAG as it is now"));
            }
            page.offset += page.limit;
        }
    }

    /// All bundles.
    pub async fn bundle_list(&self, session: &Session, page: PageRequest) -> Result<Page<BundleRow>, Error> {
        Ok(self.catalog.bundle_list(session.scope(), page).await?)
    }

    /// The answer for bytes that are the bundle's current version already: nothing is compiled, parsed or written.
    async fn current_if_same(
        &self,
        scope: TenantScope,
        name: &BundleName,
        component: Digest,
        size_bytes: u64,
        dry_run: bool,
    ) -> Result<Option<Deployed>, Error> {
        let Some(row) = self.bundle_row(scope, name).await?.filter(|row| row.component == component) else {
            return Ok(None);
        };
        let filter = DagFilter { bundle: Some(name.clone()), ..DagFilter::default() };
        let all = PageRequest { limit: DAGS_PER_BUNDLE_MAX as u32, offset: 0 };
        let found = self.catalog.dag_list(scope, &filter, all).await?.rows;
        // Somebody deleted a DAG, or made an older version current: what the bundle says counts again.
        if found.iter().any(|dag| dag.current.component != component)
            || self.catalog.bundle_lacks_dags(scope, row.current).await?
        {
            return Ok(None);
        }
        let dags = found.into_iter().map(|dag| DeployedDag {
            dag_id: dag.dag_id,
            digest: dag.current.digest,
            version: Some(dag.current.key),
            version_number: Some(dag.current.version_number),
            created: false,
        });
        Ok(Some(Deployed {
            name: name.clone(),
            component,
            size_bytes,
            key: Some(row.current),
            created: false,
            dry_run,
            dags: dags.collect(),
            warnings: Vec::new(),
        }))
    }

    async fn bundle_row(&self, scope: TenantScope, name: &BundleName) -> Result<Option<BundleRow>, Error> {
        let mut page = PageRequest { limit: PAGE_MAX, offset: 0 };
        loop {
            let rows = self.catalog.bundle_list(scope, page).await?.rows;
            let is_last = rows.len() < page.limit as usize;
            if let Some(row) = rows.into_iter().find(|row| row.name == *name) {
                return Ok(Some(row));
            }
            if is_last {
                return Ok(None);
            }
            page.offset += page.limit;
        }
    }

    async fn would_register(
        &self,
        scope: TenantScope,
        name: &BundleName,
        checked: &[CheckedDag],
    ) -> Result<Vec<DeployedDag>, Error> {
        let mut dags = Vec::with_capacity(checked.len());
        for CheckedDag { dag, digest, .. } in checked {
            let dag_id = dag.document().dag_id.clone();
            let row = self.catalog.dag_fetch(scope, &dag_id).await?;
            if let Some(row) = row.as_ref().filter(|row| row.bundle != *name && !row.is_stale) {
                return Err(belongs_elsewhere(dag_id.as_str(), Some(&row.bundle)));
            }
            let same = row.filter(|row| row.current.digest == *digest).map(|row| row.current);
            dags.push(DeployedDag {
                dag_id,
                digest: *digest,
                version: same.as_ref().map(|version| version.key),
                version_number: same.as_ref().map(|version| version.version_number),
                created: same.is_none(),
            });
        }
        Ok(dags)
    }

    async fn register(
        &self,
        scope: TenantScope,
        name: &BundleName,
        component: Digest,
        size_bytes: u64,
        checked: Vec<CheckedDag>,
    ) -> Result<BundleRegistered, Error> {
        let new_dag = |checked: CheckedDag| NewDagVersion {
            key: VersionKey::from_uuid(self.ids.uuid()),
            dag_id: checked.dag.document().dag_id.clone(),
            digest: checked.digest,
            document: checked.canonical.into(),
            label: checked.dag.document().label.clone(),
        };
        let version = NewBundleVersion {
            key: BundleVersionKey::from_uuid(self.ids.uuid()),
            name: name.clone(),
            component,
            size_bytes,
            dags: checked.into_iter().map(new_dag).collect(),
            created_at: self.clock.now(),
        };
        self.catalog.bundle_register(scope, version).await.map_err(|error| match error {
            StoreError::Conflict { name, .. } => belongs_elsewhere(&name, None),
            error => error.into(),
        })
    }
}

fn deployed_dag(dag: DagRegistered, digest: Digest) -> DeployedDag {
    let DagRegistered { dag_id, version, version_number, created } = dag;
    DeployedDag { dag_id, digest, version: Some(version), version_number: Some(version_number), created }
}

/// Schemas of parameters are compiled when they arrive, so that a trigger never meets one that is none.
fn schema_problems(checked: &[CheckedDag]) -> Vec<Problem> {
    let of_dag = |(i, checked): (usize, &CheckedDag)| {
        let problems = schemas(&checked.dag).err().unwrap_or_default();
        problems.into_iter().map(move |problem| Problem { path: format!("/dags/{i}{}", problem.path), ..problem })
    };
    checked.iter().enumerate().flat_map(of_dag).collect()
}

fn warnings(checked: &[CheckedDag]) -> Vec<Problem> {
    let of_dag = |(i, checked): (usize, &CheckedDag)| {
        let at_dag = move |warning: &Problem| Problem { path: format!("/dags/{i}{}", warning.path), ..warning.clone() };
        checked.warnings.iter().map(at_dag).collect::<Vec<_>>()
    };
    checked.iter().enumerate().flat_map(of_dag).collect()
}

fn invalid_dags(problems: Vec<Problem>) -> Error {
    Error::new(Code::InvalidDags, "the DAGs that the component tells are not valid").problems(problems)
}

fn belongs_elsewhere(dag_id: &str, bundle: Option<&BundleName>) -> Error {
    let whose = bundle.map_or_else(|| "another bundle".to_owned(), |bundle| format!("bundle {:?}", bundle.as_str()));
    Error::new(Code::DagBelongsElsewhere, format!("{whose} defines DAG {dag_id:?}"))
        .hint("deploy under that bundle's name, or give the DAG another id")
}

fn refused(failure: ParseFailure, component: Digest) -> Error {
    match failure {
        ParseFailure::Uncompilable(message) => {
            Error::new(Code::InvalidComponent, "the engine does not take this component")
                .problems(vec![Problem::error("uncompilable", "", message)])
        }
        ParseFailure::Undescribed { message, log } => {
            let mut problems = vec![Problem::error("parse-failed", "", message)];
            problems.extend(log.into_iter().map(|line| Problem::warning("parse-log", "", line)));
            Error::new(Code::ParseFailed, "the component was asked for its DAGs and did not tell them")
                .problems(problems)
        }
        ParseFailure::Process(_) => {
            tracing::error!(%component, %failure, "a component could not be parsed");
            Error::internal(failure)
        }
    }
}
