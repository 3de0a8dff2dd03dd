//! Every limit has its name and default here. Units stand last in the name.

/// Limits on the documents and values that guests and callers send.
pub mod json {
    /// Longest JSON text that a body returns, an argument set holds or a caller sends.
    pub const TEXT_MAX_BYTES: usize = 1 << 20;
    /// Deepest nesting.
    pub const DEPTH_MAX: usize = 32;
    /// Most members of all objects of one document together.
    pub const KEYS_MAX: usize = 10_000;
    /// Most values of one text, those inside others too: a tree takes dozens of bytes for each.
    pub const VALUES_MAX: usize = 500_000;
}

/// Limits on a DAG.
pub mod dag {
    /// Longest DAG document, and all documents of one bundle together.
    pub const DOCUMENT_MAX_BYTES: usize = 4 << 20;
    /// Deepest nesting of a DAG document.
    pub const DOCUMENT_DEPTH_MAX: usize = 64;
    /// Most members of all objects of a DAG document together.
    pub const DOCUMENT_KEYS_MAX: usize = 400_000;
    /// Most values of a DAG document.
    pub const DOCUMENT_VALUES_MAX: usize = 500_000;
    pub const TASKS_MAX: usize = 10_000;
    /// Dependencies, those that groups stand for too.
    pub const EDGES_MAX: usize = 100_000;
    pub const GROUPS_MAX: usize = 1_000;
    /// Deepest nesting of groups.
    pub const GROUP_DEPTH_MAX: usize = 16;
    /// Deepest nesting of mapped groups and mapped tasks.
    pub const MAP_DEPTH_MAX: u32 = 4;
    /// Pairs of a task and a setup that it needs, and of a task and a branch or short circuit that may skip it.
    pub const LINKS_MAX: usize = 500_000;
    /// DAGs of one bundle.
    pub const DAGS_PER_BUNDLE_MAX: usize = 1_000;
    /// Parameters, defaults and schemas together.
    pub const PARAMS_MAX_BYTES: usize = 64 << 10;
    /// Parts of a parameter's schema that may look at one place of a value, what it refers to counted wherever it does.
    pub const SCHEMA_PARTS_MAX: u64 = 10_000;
    /// Those parts times the values that they look at: what validating a parameter may take.
    pub const SCHEMA_STEPS_MAX: u64 = 20_000_000;
    pub const TAGS_MAX: usize = 100;
    /// Longest display name, tag, owner and label.
    pub const SHORT_TEXT_MAX_BYTES: usize = 250;
    /// Longest description and documentation.
    pub const LONG_TEXT_MAX_BYTES: usize = 64 << 10;
    /// Deepest nesting of sources in one argument.
    pub const SOURCE_DEPTH_MAX: usize = 16;
    /// Deepest nesting of a type.
    pub const TYPE_DEPTH_MAX: usize = 16;
    /// Steps that comparing the types along all edges of a DAG may take.
    pub const TYPE_STEPS_MAX: u64 = 5_000_000;
    /// Problems that are told at once; the rest are counted.
    pub const PROBLEMS_MAX: usize = 200;
    /// Longest message, and longest path, of a problem.
    pub const PROBLEM_TEXT_MAX_BYTES: usize = 2_000;
}

/// Limits on a run.
pub mod run {
    /// Instances of one run.
    pub const INSTANCES_MAX: u64 = 200_000;
    /// Instances of one mapped task unless the task or the operator says otherwise.
    pub const MAP_LENGTH_DEFAULT: u32 = 10_000;
    /// Instances of one mapped task that a task may ask for.
    pub const MAP_LENGTH_MAX: u32 = 2_000_000;
    /// Longest timeout of a run.
    pub const TIMEOUT_MAX_MS: u64 = 7 * 24 * 3600 * 1000;
    pub const CONF_MAX_BYTES: usize = super::json::TEXT_MAX_BYTES;
    pub const NOTE_MAX_CHARS: usize = 1000;
    /// Runs whose instances are cleared or marked in one request.
    pub const BY_HAND_RUNS_MAX: u32 = 1_000;
    /// Values of triggers and reports that go into one commit; one that has more goes alone.
    pub const COMMIT_BYTES_MAX: usize = 32 << 20;
    /// Signals to one run that no instance has taken.
    pub const SIGNALS_MAX: u32 = 1_000;
    pub const SIGNAL_MAX_BYTES: usize = 64 << 10;
    /// Runs above a run that runs triggered.
    pub const DEPTH_MAX: u32 = 16;
    /// Rows of one expansion that go into one commit.
    pub const MATERIALIZE_BATCH: u32 = 500;
}

/// Limits on schedules.
pub mod schedule {
    /// Time schedules of one DAG.
    pub const SCHEDULES_MAX: usize = 20;
    pub const INTERVAL_MIN_MS: u64 = 1_000;
    pub const INTERVAL_MAX_MS: u64 = 366 * 24 * 3600 * 1000;
    /// Years of start and end dates.
    pub const YEAR_MIN: i64 = 1970;
    pub const YEAR_MAX: i64 = 2200;
    /// Deepest nesting of an expression of assets.
    pub const EXPRESSION_DEPTH_MAX: usize = 8;
    /// Assets that an expression names.
    pub const EXPRESSION_ASSETS_MAX: usize = 100;
    /// Inlets, and outlets, of a task.
    pub const TASK_ASSETS_MAX: usize = 100;
    /// Callbacks of one kind.
    pub const CALLBACKS_MAX: usize = 10;
    /// Unfinished runs of a DAG above which nothing more is scheduled.
    pub const ACTIVE_RUNS_DEFAULT: u32 = 16;
    pub const ACTIVE_RUNS_MAX: u32 = 10_000;
    /// Runs in a row that may fail before the DAG is paused.
    pub const FAILED_RUNS_MAX: u32 = 1_000;
    pub const DEADLINE_MAX_MS: u64 = 366 * 24 * 3600 * 1000;
    /// Dates of one backfill.
    pub const BACKFILL_DATES_MAX: usize = 10_000;
    /// Unfinished runs of one backfill.
    pub const BACKFILL_ACTIVE_RUNS_DEFAULT: u32 = 10;
    /// Events that one run consumes.
    pub const EVENTS_PER_RUN_MAX: usize = 1_000;
    /// Fires that were missed are counted up to here.
    pub const SKIPPED_COUNT_MAX: u64 = 10_000;
}

/// Limits on variables, connections and pools.
pub mod setting {
    /// Value of a variable, and what a connection holds besides its fields.
    pub const VALUE_MAX_BYTES: usize = 64 << 10;
    /// Any other text of them.
    pub const TEXT_MAX_BYTES: usize = 5_000;
    /// Slots of a pool.
    pub const SLOTS_MAX: u32 = 1_000_000;
    /// Pools of one tenant that limit anything; those that follow by name are as full as nobody knows.
    pub const POOLS_READ_MAX: u32 = 1_000;
    /// Unfinished runs that are looked through to tell how full pools are.
    pub const POOL_RUNS_MAX: u32 = 10_000;
}

/// Limits on assets.
pub mod asset {
    pub const NAME_MAX_BYTES: usize = 250;
    pub const URI_MAX_BYTES: usize = 1_500;
    /// What is said about an asset, or in an event, besides its name.
    pub const EXTRA_MAX_BYTES: usize = 64 << 10;
    /// Events that one attempt tells of its outlets …
    pub const EVENTS_PER_ATTEMPT_MAX: usize = 100;
    /// … and the bytes of what they say.
    pub const EVENT_BYTES_PER_ATTEMPT_MAX: usize = 1 << 20;
}

/// Limits on a task.
pub mod task {
    pub const RETRIES_MAX: u32 = 100;
    pub const RETRY_DELAY_DEFAULT_MS: u64 = 1_000;
    /// What a delay grows by from attempt to attempt, in thousandths.
    pub const RETRY_MULTIPLIER_MIN_MILLI: u32 = 1_000;
    pub const RETRY_MULTIPLIER_MAX_MILLI: u32 = 10_000;
    pub const RETRY_DELAY_MAX_MS: u64 = 30 * 24 * 3600 * 1000;
    /// By how much a delay may be longer or shorter, in thousandths of it.
    pub const RETRY_JITTER_DEFAULT_MILLI: u32 = 100;
    pub const RETRY_JITTER_MAX_MILLI: u32 = 1_000;
    pub const QUEUED_TIMEOUT_MAX_MS: u64 = 7 * 24 * 3600 * 1000;
    /// Between two questions to a sensor.
    pub const POKE_INTERVAL_DEFAULT_MS: u64 = 60_000;
    pub const POKE_INTERVAL_MIN_MS: u64 = 100;
    pub const POKE_INTERVAL_MAX_MS: u64 = 24 * 3600 * 1000;
    pub const POOL_SLOTS_MAX: u32 = 10_000;
    pub const PRIORITY_MAX: u32 = 1_000_000;
    /// Longest template of the names of instances.
    pub const TEMPLATE_MAX_BYTES: usize = 1_000;
    /// Longest name of an instance; the rest is cut off.
    pub const INSTANCE_NAME_MAX_CHARS: usize = 250;
    pub const TIMEOUT_DEFAULT_MS: u64 = 3600 * 1000;
    pub const TIMEOUT_MAX_MS: u64 = 24 * 3600 * 1000;
    /// Longest call of a callback.
    pub const CALLBACK_TIMEOUT_MS: u64 = 300 * 1000;
    /// Memory of one instance: linear memories and tables together.
    pub const MEMORY_MAX_BYTES: u64 = 256 << 20;
    /// One page of linear memory.
    pub const MEMORY_MIN_BYTES: u64 = 64 << 10;
    /// Executions of one attempt that may be lost before the attempt fails with `infra-exhausted`.
    pub const LOST_EXECUTIONS_MAX: u32 = 5;
    /// Longest message of a failure or skip that is kept.
    pub const MESSAGE_MAX_BYTES: usize = 4 << 10;
    /// Longest name of what a deferred attempt waits for: an asset, a signal, a run with its DAG.
    pub const WAKE_NAME_MAX_BYTES: usize = 512;
    /// How names of signals begin that nobody sends but who answers an approval.
    pub const APPROVAL_SIGNAL_PREFIX: &str = "approval:";
    /// Longest wait of a deferred attempt that says one.
    pub const WAKE_TIMEOUT_MAX_MS: u64 = 366 * 24 * 3600 * 1000;
}

/// Limits on callbacks of runs and of their instances.
pub mod callback {
    /// Callbacks of one run above which those of instances are left out, and counted.
    pub const PER_RUN_MAX: u32 = 1_000;
    /// Attempts of one callback.
    pub const TRIES_MAX: u32 = 4;
    /// Executions of one attempt that may be lost.
    pub const LOST_MAX: u32 = 5;
    /// Pause after the first attempt; it doubles with each one.
    pub const RETRY_DELAY_MS: u64 = 1_000;
    pub const RETRY_DELAY_MAX_MS: u64 = 60_000;
    /// Callbacks that one process runs at a time.
    pub const RUNNING_MAX: u32 = 32;
    /// How long nobody else begins a callback that a process has begun, unless that renews it.
    pub const LEASE_MS: u64 = 15_000;
}

/// Limits on XComs and task state.
pub mod value {
    /// Above this a value is stored as a blob.
    pub const INLINE_MAX_BYTES: usize = 64 << 10;
    /// XCom keys of one attempt.
    pub const XCOM_KEYS_PER_ATTEMPT_MAX: usize = 100;
    /// All XComs of one attempt together, besides its result.
    pub const XCOM_BYTES_PER_ATTEMPT_MAX: usize = 4 << 20;
    /// State keys of one task instance.
    pub const STATE_KEYS_MAX: usize = 1_000;
    /// Longest state value.
    pub const STATE_VALUE_MAX_BYTES: usize = 64 << 10;
    /// Bytes of one page of a sequence.
    pub const SEQUENCE_PAGE_MAX_BYTES: usize = 512 << 10;
    /// Values of one page of a sequence.
    pub const SEQUENCE_PAGE_MAX_VALUES: u32 = 1_000;
    /// Map indexes that are read at a time to find the places of a sequence with holes.
    pub const SEQUENCE_INDEX_PAGE: u32 = 10_000;
    /// Bytes of one read or write of a blob.
    pub const BLOB_PIECE_MAX_BYTES: usize = 1 << 20;
    /// Largest blob that a task writes.
    pub const BLOB_MAX_BYTES: u64 = 64 << 20;
    /// Blobs that one attempt writes at a time.
    pub const BLOB_WRITERS_PER_ATTEMPT_MAX: usize = 4;
}

/// Limits on logs.
pub mod log {
    pub const LINE_MAX_BYTES: usize = 16 << 10;
    pub const BYTES_PER_SECOND_MAX: u64 = 1 << 20;
    pub const ATTEMPT_MAX_BYTES: u64 = 16 << 20;
    /// What one line counts besides its text, so that empty lines are bounded too.
    pub const LINE_OVERHEAD_BYTES: u64 = 16;
    /// While an attempt runs its lines are sent on when so many bytes wait …
    pub const PIECE_BYTES: usize = 32 << 10;
    /// … or when so much time has passed.
    pub const PIECE_EVERY_MS: u64 = 100;
    /// Bytes of one attempt that wait to be sent on; above it lines are dropped.
    pub const UNSENT_MAX_BYTES: usize = 1 << 20;
    /// Lines that one request for a part of a log gives.
    pub const PAGE_LINES_MAX: usize = 10_000;
    /// A log's lines are stored when so many bytes wait …
    pub const CHUNK_BYTES: usize = 64 << 10;
    /// … or when the first has waited for so long.
    pub const CHUNK_EVERY_MS: u64 = 250;
    /// How often whoever follows a log looks for what other processes have stored.
    pub const LOOK_EVERY_MS: u64 = 500;
    /// Bytes of all logs that wait to be stored; above it whoever writes waits for the store.
    pub const TAILS_MAX_BYTES: usize = 32 << 20;
    /// How long the end of an attempt waits until its log is stored.
    pub const FINISH_MAX_MS: u64 = 5_000;
}

/// How long that is kept which nothing needs any more.
pub mod retention {
    /// A blob that was written less than this ago is left alone: longer than any attempt runs.
    pub const BLOB_YOUNG_S: u64 = 2 * 24 * 3600;
    /// A blob that nothing refers to lies aside for so long: longer than any run takes.
    pub const BLOB_LIES_S: u64 = 8 * 24 * 3600;
    /// Blobs for which references are read at a time.
    pub const BLOBS_PER_BATCH: usize = 100_000;
    /// Runs that are discarded in one transaction.
    pub const RUNS_PER_BATCH: u32 = 100;
    /// Rows of a kind of a discarded run that are deleted in one transaction.
    pub const ROWS_PER_BATCH: u32 = 1_000;
    /// Versions that are deleted in one transaction.
    pub const VERSIONS_PER_BATCH: u32 = 100;
    /// How long after a server's start it looks for the first time …
    pub const FIRST_AFTER_S: u64 = 600;
    /// … and how often after that.
    pub const EVERY_S: u64 = 6 * 3600;
    const _: () = assert!(BLOB_YOUNG_S * 1000 > super::task::TIMEOUT_MAX_MS);
    const _: () = assert!(BLOB_LIES_S * 1000 > super::run::TIMEOUT_MAX_MS);
}

/// Limits on a component.
pub mod component {
    pub const BYTES_MAX: usize = 64 << 20;
    pub const FUNCTIONS_MAX: u32 = 100_000;
    pub const BODY_MAX_BYTES: u32 = 1 << 20;
    pub const TYPES_MAX: u32 = 20_000;
    pub const CORE_IMPORTS_MAX: u32 = 20_000;
    pub const CORE_EXPORTS_MAX: u32 = 20_000;
    /// Imports, and exports, of the component itself.
    pub const EXTERNS_MAX: u32 = 1_000;
    pub const MODULES_MAX: u32 = 64;
    pub const COMPONENTS_MAX: u32 = 8;
    pub const DEPTH_MAX: u32 = 16;
    pub const DATA_SEGMENTS_MAX: u32 = 32_768;
    pub const COMPILE_CPU_MAX_S: u64 = 60;
    pub const COMPILE_WALL_MAX_S: u64 = 60;
    /// Compilers, and parsers, of one server at a time.
    pub const COMPILERS_MAX: usize = 2;
    pub const COMPILE_MEMORY_MAX_BYTES: u64 = 2 << 30;
    /// Native code of one component.
    pub const ARTEFACT_MAX_BYTES: usize = 512 << 20;
    /// Native code that one machine keeps on its disk; the least recently used goes first.
    pub const ARTEFACTS_KEPT_MAX_BYTES: u64 = 4 << 30;
}

/// Limits on parsing a bundle.
pub mod parse {
    pub const CPU_MAX_MS: u64 = 5_000;
    pub const WALL_MAX_MS: u64 = 10_000;
    pub const MEMORY_MAX_BYTES: u64 = 256 << 20;
    /// What a bundle may write to its log while it is parsed.
    pub const LOG_MAX_BYTES: u64 = 1 << 20;
}

/// Limits on host calls.
pub mod hostcall {
    /// Bytes that cross the border in one call of a task.
    pub const TASK_FUEL_BYTES: usize = (2 << 20) + (64 << 10);
    /// Bytes that cross the border in one call while parsing.
    pub const PARSE_FUEL_BYTES: usize = (4 << 20) + (64 << 10);
    pub const HANDLES_MAX: usize = 4_096;
    pub const RESOURCES_MAX: usize = 1_024;
    pub const RANDOM_MAX_BYTES: u64 = 64 << 10;
}

/// Limits on a worker.
pub mod worker {
    /// Instances that one worker holds at a time.
    pub const SLOTS_DEFAULT: u32 = 256;
    pub const LEASE_MS: u64 = 15_000;
    pub const HEARTBEAT_MS: u64 = 5_000;
    /// A runner that hears nothing for so long ends itself.
    pub const SILENCE_MAX_MS: u64 = 10_000;
    /// A runner that is this much past a deadline is killed.
    pub const KILL_AFTER_DEADLINE_MS: u64 = 2_000;
    /// A runner that has room for an attempt and does not begin it for so long is killed.
    pub const BEGIN_MAX_MS: u64 = 30_000;
    /// Reports that a worker sends in one call …
    pub const REPORTS_PER_CALL_MAX: usize = 1_000;
    /// … and the bytes of their values; one report may have more.
    pub const REPORT_BYTES_PER_CALL_MAX: usize = 16 << 20;
    /// How often a worker and its runner tell each other that they live.
    pub const BEAT_MS: u64 = 2_500;
    /// A guest that asks for something waits for so long while the database or the objects do not answer; then the call fails.
    pub const OUTAGE_WAIT_MAX_MS: u64 = 60_000;
    /// A runner that is not ready after so long is given up.
    pub const START_MAX_MS: u64 = 10_000;
    /// Attempts that one runner runs at a time, whatever it is asked for.
    pub const SLOTS_MAX: u32 = 512;
    /// Bodies that are called for items in one message, …
    pub const ITEM_CALLS_MAX: usize = 10_000;
    /// … and how many such messages one attempt takes before its own body is called.
    pub const ITEM_ROUNDS_MAX: usize = 64;
    /// What all writers of blobs hold between two writes; attempts that would need more wait.
    pub const BLOB_BUFFERS_MAX_BYTES: usize = 128 << 20;
    /// Components that one runner keeps loaded.
    pub const COMPONENTS_LOADED_MAX: usize = 64;
}

/// Limits of the HTTP server.
pub mod http {
    pub const HEADERS_MAX_BYTES: usize = 32 << 10;
    pub const URI_MAX_BYTES: usize = 8 << 10;
    pub const JSON_BODY_MAX_BYTES: usize = 1 << 20;
    pub const UPLOAD_MAX_BYTES: usize = super::component::BYTES_MAX;
    pub const HEADER_TIMEOUT_MS: u64 = 10_000;
    pub const REQUEST_TIMEOUT_MS: u64 = 30_000;
    pub const UPLOAD_TIMEOUT_MS: u64 = 600_000;
    /// Instances of which a clear or a mark tells that it changes them; it counts all.
    pub const CHANGES_TOLD_MAX: u32 = 10_000;
    pub const IDEMPOTENCY_KEY_MAX_BYTES: usize = 255;
    /// DAGs that a filter of what stands in them is held against.
    pub const DAGS_LOOKED_THROUGH: u32 = 10_000;
    /// Values of the rows of one page; a page that would have more is shorter, and never empty for it.
    pub const PAGE_MAX_BYTES: usize = 16 << 20;
    /// Longest wait for a run in one request.
    pub const WAIT_MAX_MS: u64 = 3600 * 1000;
    pub const PAGE_DEFAULT: u32 = 50;
    pub const PAGE_MAX: u32 = 500;
    /// DAGs whose runs are counted in one request.
    pub const STATS_DAGS_MAX: u32 = 100;
    /// Changes that a comparison of two versions tells.
    pub const DIFF_CHANGES_MAX: usize = 1_000;
    /// Things that one request may make, change or delete.
    pub const BULK_ENTITIES_MAX: usize = 500;
    /// Longest body with a name and a password.
    pub const LOGIN_MAX_BYTES: usize = 4 << 10;
    pub const HEADERS_MAX: usize = 100;
    /// Rows that a list may pass over; who wants more asks for less.
    pub const OFFSET_MAX: u32 = 1_000_000;
    /// The total of a list is counted up to here; a longer list has this total.
    pub const TOTAL_ENTRIES_MAX: u64 = 10_000;
    /// Open connections; more are answered 503 and closed.
    pub const CONNECTIONS_MAX: usize = 16_384;
    /// Open connections from one address; more are answered 503 and closed. The own machine is not counted: a proxy on it
    /// stands for everybody.
    pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 1_024;
    /// The pace of a body that is being sent is looked at once in so long …
    pub const BODY_WINDOW_MS: u64 = 30_000;
    /// … and must not have been slower.
    pub const BODY_BYTES_PER_SECOND_MIN: u64 = 32 << 10;
    /// The pace of an answer whose reader lets it wait is looked at once in so long …
    pub const ANSWER_WINDOW_MS: u64 = 10_000;
    /// … and must not have been slower.
    pub const ANSWER_BYTES_PER_SECOND_MIN: u64 = 8 << 10;
    /// Bodies of requests that are held in memory at a time, together; more wait.
    pub const UPLOADS_MAX_BYTES: usize = 8 * UPLOAD_MAX_BYTES;
    /// What one token may hold of it, besides its oldest body.
    pub const UPLOADS_PER_TOKEN_MAX_BYTES: usize = 3 * UPLOAD_MAX_BYTES;
    /// JSON bodies that are held in memory at a time, together; more wait.
    pub const JSON_BODIES_MAX_BYTES: usize = 64 * JSON_BODY_MAX_BYTES;
    /// What one token may hold of it, besides its oldest body.
    pub const JSON_BODIES_PER_TOKEN_MAX_BYTES: usize = 32 * JSON_BODY_MAX_BYTES;
    /// A body for which there is no room for so long is refused.
    pub const ROOM_WAIT_MAX_MS: u64 = 15_000;
    /// A blob is sent in pieces of this size; a piece of a log is one of its chunks.
    pub const PIECE_BYTES: usize = 128 << 10;
    /// Pieces of blobs and logs that are held in memory at a time, over all connections; more wait.
    pub const PIECES_MAX: usize = 1_024;
    /// Requests that wait for a run or follow something; more are refused. Leaves connections to those that do not wait.
    pub const WAITERS_MAX: usize = 12_288;
    /// Streams of what happens that one token may have open; more are refused.
    pub const STREAMS_PER_TOKEN_MAX: usize = 128;
    /// How long open requests may go on after the server was told to stop.
    pub const SHUTDOWN_GRACE_MS: u64 = 10_000;
}

/// Limits on the log of what people did.
pub mod event_log {
    /// What an entry says besides its columns.
    pub const EXTRA_MAX_BYTES: usize = 8 << 10;
}

/// Limits on what a worker and its runner tell each other.
pub mod frame {
    /// Longest message; the longest honest one is an answer of `dags` with its log.
    pub const FRAME_MAX_BYTES: usize = 8 << 20;
}

/// Limits on authentication.
pub mod auth {
    /// Sessions whose tokens need not be looked up again.
    pub const SESSIONS_KEPT: usize = 1_024;
    /// How long they need not; so long a revoked token may still be taken.
    pub const SESSION_FRESH_MS: u64 = 1_000;
}

/// Limits on what the demo takes from a folder.
pub mod demo {
    /// Files that are taken: as many as one task is mapped over unless it says otherwise.
    pub const FILES_MAX: usize = super::run::MAP_LENGTH_DEFAULT as usize;
    /// Entries that are looked at.
    pub const ENTRIES_MAX: usize = 1_000_000;
    pub const FILE_MAX_BYTES: u64 = 4 << 20;
    pub const TOTAL_MAX_BYTES: u64 = 256 << 20;
    /// Uploads that are under way at a time.
    pub const UPLOADS: usize = 8;
}
