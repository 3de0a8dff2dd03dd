//! The only error that reaches users. Everything below turns into it here.
//!
//! `code` is stable and has a page in the docs; `message` says what and where, `hint` what to do, `problems` all that is wrong with what was
//! sent; `source` is for the log alone. No transport here: `api` maps a code to a status.

use std::fmt;

use ::blobs::BlobError;
use model::Problem;
use store::StoreError;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $slug:literal, $title:literal;)*) => {
        /// What went wrong, by what a caller can do about it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// All of them.
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            /// The stable slug.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug,)* }
            }

            /// The same for all errors of this code.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    /// No token, or one that is unknown or has expired.
    Unauthenticated = "unauthenticated", "A valid token is needed";
    DagNotFound = "dag-not-found", "There is no such DAG";
    VersionNotFound = "version-not-found", "There is no such version of the DAG";
    RunNotFound = "run-not-found", "There is no such run";
    TaskNotFound = "task-not-found", "There is no such task in the run";
    GroupNotFound = "task-group-not-found", "There is no such group in the run";
    InstanceNotFound = "task-instance-not-found", "There is no such task instance";
    /// The task has many instances, so one of them must be named.
    TaskIsMapped = "task-is-mapped", "The task is mapped";
    TryNotFound = "try-not-found", "There is no such try";
    XcomNotFound = "xcom-not-found", "There is no such value";
    BlobNotFound = "blob-not-found", "There is no such blob";
    VariableNotFound = "variable-not-found", "There is no such variable";
    ConnectionNotFound = "connection-not-found", "There is no such connection";
    PoolNotFound = "pool-not-found", "There is no such pool";
    AssetNotFound = "asset-not-found", "There is no such asset";
    /// No event of an asset waits for the DAG.
    EventsNotFound = "asset-events-not-found", "No events wait";
    BackfillNotFound = "backfill-not-found", "There is no such backfill";
    /// An error of an import; uploads tell theirs at once, and none is kept.
    ImportErrorNotFound = "import-error-not-found", "There is no such import error";
    /// No bundle consists of what a token names.
    FileNotFound = "dag-file-not-found", "There is no such file";
    /// A variable, connection or pool of this name is there.
    AlreadyExists = "already-exists", "The name is taken";
    /// A backfill of the DAG has not ended.
    BackfillRuns = "backfill-runs", "Another backfill has not ended";
    BackfillEnded = "backfill-ended", "The backfill has ended";
    NotBackfillable = "not-backfillable", "The backfill cannot be made";
    /// A variable, connection or pool that cannot be like this.
    InvalidSetting = "invalid-setting", "The values are not valid";
    /// An event of the log of what people did.
    EventLogNotFound = "event-log-not-found", "There is no such event";
    CallbackNotFound = "callback-not-found", "There is no such callback";
    /// The task is no approval.
    ApprovalNotFound = "approval-not-found", "There is no such approval";
    /// What is to be marked is so already.
    AlreadySo = "already-so", "Nothing would change";
    /// What is to be cleared runs.
    TaskRuns = "task-runs", "A task runs";
    /// The version names other tasks than the run has.
    OtherTasks = "other-tasks", "The version has other tasks";
    /// What is to be deleted has not ended.
    RunUnfinished = "run-unfinished", "The run has not ended";
    RunEnded = "run-ended", "The run has ended";
    /// What is to be deleted has runs that have not ended.
    DagRuns = "dag-runs", "The DAG has runs that have not ended";
    /// The result of a task can be changed only where nothing counts on what it is.
    ResultIsUsed = "result-is-used", "Other tasks count on the value";
    RunNotBegun = "run-not-begun", "The run has not begun";
    /// Nobody has to answer.
    NotAwaited = "not-awaited", "No answer is awaited";
    /// The DAG has a run for this logical date.
    DateTaken = "logical-date-taken", "The logical date is taken";
    /// The key was used for another request.
    KeyReused = "idempotency-key-reused", "The key belongs to another request";
    /// The DAG has a run with this id.
    RunExists = "run-exists", "The run id is taken";
    /// No bundle defines the DAG any more.
    DagIsStale = "dag-is-stale", "The DAG is no longer defined";
    /// Another bundle defines one of the DAGs.
    DagBelongsElsewhere = "dag-belongs-elsewhere", "Another bundle defines the DAG";
    InvalidRequest = "invalid-request", "The request is not valid";
    /// Known, and not built yet.
    NotAvailableYet = "not-available-yet", "This is not available yet";
    InvalidConf = "invalid-conf", "The conf is not valid";
    InvalidParams = "invalid-params", "The parameters are not valid";
    /// Something that a task maps over is no list.
    NotMappable = "not-mappable", "A task cannot be mapped over this";
    InvalidComponent = "invalid-component", "The component is not valid";
    /// It compiles, and does not tell its DAGs.
    ParseFailed = "parse-failed", "The component does not tell its DAGs";
    InvalidDags = "invalid-dags", "The DAGs are not valid";
    TooLarge = "too-large", "What was sent is too large";
    DigestMismatch = "digest-mismatch", "The bytes have another digest";
    LimitReached = "limit-reached", "A limit is reached";
    /// Refused early; the same request may succeed later.
    Overloaded = "overloaded", "The server has too much to do";
    Stopping = "stopping", "The server is stopping";
    /// The disk of the database or of the blobs is full or may not be written; nothing was done.
    NotWritable = "storage-not-writable", "The storage cannot be written";
    /// The database or the blobs failed; nothing was done.
    Unavailable = "unavailable", "The storage is not available";
    /// A bug, or damaged data.
    Internal = "internal", "Something went wrong in the server";
}

/// Why a use-case did nothing.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    code: Code,
    message: String,
    hint: Option<&'static str>,
    problems: Vec<Problem>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with words for whoever sent the request.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, problems: Vec::new(), source: None }
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Lists all that is wrong.
    #[must_use]
    pub fn problems(mut self, problems: Vec<Problem>) -> Self {
        self.problems = problems;
        self
    }

    /// Keeps what caused it, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// A bug or damage: users are told that it happened, the log is told what.
    pub(crate) fn internal(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(Code::Internal, "the server could not do this").hint(LOOK_INTO_LOG).caused_by(source)
    }

    /// The storage failed; users are told that it happened, the log is told what.
    pub(crate) fn unavailable(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(Code::Unavailable, "the storage did not answer; nothing was done").hint(TRY_AGAIN).caused_by(source)
    }

    /// The storage takes nothing now.
    fn not_writable(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(Code::NotWritable, "the storage cannot be written; nothing was done")
            .hint(MAKE_ROOM)
            .caused_by(source)
    }

    /// What went wrong.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What and where, for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do.
    pub fn what_to_do(&self) -> Option<&'static str> {
        self.hint
    }

    /// All that is wrong with what was sent.
    pub fn all_problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The message and all causes, for the log.
    pub fn chain(&self) -> impl fmt::Display + '_ {
        Chain(self)
    }
}

const LOOK_INTO_LOG: &str = "the server's log tells more under the id of this request";
const MAKE_ROOM: &str = "the server's disk is full or read-only: make room or mount it for writing, then try again; what was acknowledged is kept";
const TRY_AGAIN: &str = "try again in a moment; if it goes on, look into the server's log";

struct Chain<'a>(&'a Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = std::error::Error::source(self.0);
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Conflict { what, name, why } => {
                Self::new(Code::InvalidRequest, format!("{what} {name:?} {why}")).caused_by(error)
            }
            StoreError::LimitReached { .. } => Self::new(Code::LimitReached, error.to_string()),
            StoreError::NotWritable { .. } => Self::not_writable(error),
            StoreError::Refused { .. } => {
                Self::new(Code::InvalidRequest, "the database does not take this; send less".to_owned())
                    .caused_by(error)
            }
            StoreError::Unavailable { .. } | StoreError::Unusable { .. } => Self::unavailable(error),
            StoreError::StaleFence
            | StoreError::CorruptRow { .. }
            | StoreError::NewerSchema { .. }
            | StoreError::OlderSchema { .. } => Self::internal(error),
        }
    }
}

impl From<BlobError> for Error {
    fn from(error: BlobError) -> Self {
        match &error {
            BlobError::NotWritable { .. } => Self::not_writable(error),
            _ => Self::unavailable(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_storage_says_stays_in_the_log() {
        let error = Error::from(StoreError::Unavailable { detail: "disk I/O error on page 7".into() });
        assert_eq!(error.code(), Code::Unavailable);
        assert!(!error.to_string().contains("page 7"));
        assert!(error.chain().to_string().ends_with("the database failed: disk I/O error on page 7"));
    }

    #[test]
    fn slugs_are_unique() {
        let mut slugs: Vec<_> = Code::ALL.iter().map(|code| code.slug()).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), Code::ALL.len());
    }
}
