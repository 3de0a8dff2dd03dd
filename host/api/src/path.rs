//! Names on paths. A name that breaks the grammar of its kind names nothing, so it is answered like one that is absent.

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use control::{Code, Error, InstanceName};
use model::{
    AssetId, BackfillId, BundleName, ConnectionId, DagId, Digest, EventLogId, GroupId, Key, MapIndex, PoolName, RunId,
    TaskId, TryNumber,
};

use crate::problem::{Failure, HttpFault, other_method};

/// Stands for any DAG or run in lists.
const ANY: &str = "~";

/// Stands where other methods have the name of a thing.
const LIST: &str = "list";

/// The names on the path of a request.
#[derive(Debug)]
pub(crate) struct PathNames(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for PathNames {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let found = RawPathParams::from_request_parts(parts, state).await;
        let names = found.map_err(|_: RawPathParamsRejection| {
            Failure::Http(HttpFault::new(
                StatusCode::NOT_FOUND,
                "not-found",
                "There is nothing here",
                "the path is not UTF-8",
            ))
        })?;
        Ok(Self(names.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }
}

impl PathNames {
    fn raw(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).expect("the route has this name")
    }

    fn parse<T, E: std::fmt::Display>(
        &self,
        name: &str,
        code: Code,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Failure> {
        parse(self.raw(name)).map_err(|error| Error::new(code, error.to_string()).into())
    }

    pub(crate) fn dag_id(&self) -> Result<DagId, Failure> {
        self.parse("dag_id", Code::DagNotFound, str::parse)
    }

    /// None for `~`.
    pub(crate) fn dag_id_or_any(&self) -> Result<Option<DagId>, Failure> {
        if self.raw("dag_id") == ANY { Ok(None) } else { self.dag_id().map(Some) }
    }

    pub(crate) fn run_id(&self) -> Result<RunId, Failure> {
        self.parse("dag_run_id", Code::RunNotFound, str::parse)
    }

    /// Where a path takes a method for one word alone.
    pub(crate) fn require_list(&self, name: &str) -> Result<(), Failure> {
        if self.raw(name) == LIST { Ok(()) } else { Err(other_method()) }
    }

    /// None for `~`.
    pub(crate) fn run_id_or_any(&self) -> Result<Option<RunId>, Failure> {
        if self.raw("dag_run_id") == ANY { Ok(None) } else { self.run_id().map(Some) }
    }

    pub(crate) fn task_id(&self) -> Result<TaskId, Failure> {
        self.parse("task_id", Code::TaskNotFound, str::parse)
    }

    pub(crate) fn group_id(&self) -> Result<GroupId, Failure> {
        self.parse("group_id", Code::GroupNotFound, str::parse)
    }

    /// The use-case tells what is wrong with it.
    pub(crate) fn signal_name(&self) -> String {
        self.raw("signal_name").to_owned()
    }

    pub(crate) fn event_log_id(&self) -> Result<EventLogId, Failure> {
        let number = |text: &str| text.parse().map(EventLogId::from_number);
        self.parse("event_log_id", Code::EventLogNotFound, |text| number(text).map_err(|_| "ids of events are numbers"))
    }

    pub(crate) fn callback_number(&self) -> Result<u32, Failure> {
        self.parse("callback_number", Code::CallbackNotFound, |text| {
            text.parse().map_err(|_| "callbacks have the numbers 0, 1, 2, …")
        })
    }

    pub(crate) fn map_index(&self) -> Result<MapIndex, Failure> {
        let unknown = |_| "map indices are -1, 0, 1, …";
        let number: i32 = self.parse("map_index", Code::InstanceNotFound, |text| text.parse().map_err(unknown))?;
        self.parse("map_index", Code::InstanceNotFound, |_| {
            MapIndex::from_number(number).ok_or("map indices are -1, 0, 1, …")
        })
    }

    /// The instance of an unmapped task.
    pub(crate) fn instance(&self) -> Result<InstanceName, Failure> {
        Ok(InstanceName { dag_id: self.dag_id()?, run_id: self.run_id()?, task_id: self.task_id()?, map_index: None })
    }

    /// The instance with the map index on the path.
    pub(crate) fn mapped_instance(&self) -> Result<InstanceName, Failure> {
        Ok(InstanceName { map_index: Some(self.map_index()?), ..self.instance()? })
    }

    pub(crate) fn try_number(&self) -> Result<TryNumber, Failure> {
        self.parse("try_number", Code::TryNotFound, |text| text.parse().map(TryNumber).map_err(|_| "tries are 1, 2, …"))
    }

    pub(crate) fn version_number(&self) -> Result<u32, Failure> {
        self.parse("version_number", Code::VersionNotFound, |text| {
            text.parse().map_err(|_| "version numbers are 1, 2, …")
        })
    }

    /// The version that another one is compared with.
    pub(crate) fn other_number(&self) -> Result<u32, Failure> {
        self.parse("other_number", Code::VersionNotFound, |text| {
            text.parse().map_err(|_| "version numbers are 1, 2, …")
        })
    }

    pub(crate) fn xcom_key(&self) -> Result<Key, Failure> {
        self.parse("xcom_key", Code::XcomNotFound, str::parse)
    }

    pub(crate) fn variable_key(&self) -> Result<Key, Failure> {
        self.parse("variable_key", Code::VariableNotFound, str::parse)
    }

    pub(crate) fn connection_id(&self) -> Result<ConnectionId, Failure> {
        self.parse("connection_id", Code::ConnectionNotFound, str::parse)
    }

    pub(crate) fn pool_name(&self) -> Result<PoolName, Failure> {
        self.parse("pool_name", Code::PoolNotFound, str::parse)
    }

    pub(crate) fn asset_id(&self) -> Result<AssetId, Failure> {
        let number = |text: &str| text.parse().map(AssetId::from_number);
        self.parse("asset_id", Code::AssetNotFound, |text| number(text).map_err(|_| "ids of assets are numbers"))
    }

    pub(crate) fn backfill_id(&self) -> Result<BackfillId, Failure> {
        let number = |text: &str| text.parse().map(BackfillId::from_number);
        self.parse("backfill_id", Code::BackfillNotFound, |text| {
            number(text).map_err(|_| "ids of backfills are numbers")
        })
    }

    /// A bundle's name is chosen by whoever deploys it, so a bad one is told.
    pub(crate) fn bundle_name(&self) -> Result<BundleName, Failure> {
        self.parse("name", Code::InvalidRequest, str::parse)
    }

    /// The component that a file token names.
    pub(crate) fn file_token(&self) -> Result<Digest, Failure> {
        self.parse("file_token", Code::FileNotFound, |text| format!("sha256:{text}").parse())
    }

    pub(crate) fn digest(&self) -> Result<Digest, Failure> {
        self.parse("digest", Code::InvalidRequest, str::parse)
    }
}
