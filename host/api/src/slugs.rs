//! Which problems each operation may answer with: what all have in common, what the names on a path and a body bring with them, and
//! what only some operations say. The OpenAPI document tells them; the tests of this crate refuse every answer with another one.

use control::Code;

use crate::problem;

/// A status and the slug of a problem.
pub(crate) type Answer = (u16, &'static str);

/// Before a handler runs, and where the server itself is at fault.
const EVERYWHERE: &[Answer] = &[
    (400, "ambiguous-token"),
    (400, "invalid-host"),
    (405, "method-not-allowed"),
    (414, "uri-too-long"),
    (415, "unsupported-encoding"),
    (501, "unsupported-transfer"),
    (503, "timeout"),
];
const FAULTS: &[Code] = &[Code::Internal, Code::Unavailable];
const BODY: &[Answer] = &[
    (400, "incomplete-body"),
    (408, "body-timeout"),
    (413, "too-large"),
    (415, "unsupported-media-type"),
    (422, "invalid-body"),
    (503, "no-room"),
];

/// What a name on a path brings with it.
const NAMES: &[(&str, &[Code])] = &[
    ("{dag_id}", &[Code::DagNotFound]),
    ("{dag_run_id}", &[Code::RunNotFound]),
    ("{task_id}", &[Code::TaskNotFound]),
    ("taskInstances/{task_id}", &[Code::InstanceNotFound, Code::TaskIsMapped]),
    ("{try_number}", &[Code::TryNotFound]),
    ("{version_number}", &[Code::VersionNotFound]),
    ("{xcom_key}", &[Code::XcomNotFound]),
    ("{variable_key}", &[Code::VariableNotFound]),
    ("{connection_id}", &[Code::ConnectionNotFound]),
    ("{pool_name}", &[Code::PoolNotFound]),
    ("{asset_id}", &[Code::AssetNotFound]),
    ("{backfill_id}", &[Code::BackfillNotFound]),
    ("{group_id}", &[Code::GroupNotFound]),
    ("{event_log_id}", &[Code::EventLogNotFound]),
    ("{digest}", &[Code::BlobNotFound, Code::InvalidRequest]),
    ("{name}", &[Code::InvalidRequest]),
    ("{import_error_id}", &[Code::ImportErrorNotFound]),
    ("{file_token}", &[Code::FileNotFound]),
    ("{callback_number}", &[Code::CallbackNotFound]),
    ("/hitlDetails", &[Code::ApprovalNotFound]),
    ("/queuedEvents", &[Code::EventsNotFound]),
];

/// What a run may be refused for.
const START: &[Code] = &[
    Code::DagIsStale,
    Code::DateTaken,
    Code::InvalidConf,
    Code::InvalidParams,
    Code::InvalidRequest,
    Code::KeyReused,
    Code::LimitReached,
    Code::NotMappable,
    Code::Overloaded,
    Code::RunExists,
    Code::Stopping,
];

/// What a clear or a mark may be refused for.
const ACT: &[Code] = &[
    Code::AlreadySo,
    Code::GroupNotFound,
    Code::InstanceNotFound,
    Code::InvalidRequest,
    Code::LimitReached,
    Code::NotMappable,
    Code::OtherTasks,
    Code::Overloaded,
    Code::RunEnded,
    Code::RunNotBegun,
    Code::RunNotFound,
    Code::Stopping,
    Code::TaskNotFound,
    Code::TaskRuns,
    Code::VersionNotFound,
];

const DEPLOY: &[Code] =
    &[Code::DagBelongsElsewhere, Code::InvalidComponent, Code::InvalidDags, Code::LimitReached, Code::ParseFailed];

const BACKFILL: &[Code] = &[
    Code::BackfillEnded,
    Code::BackfillRuns,
    Code::DagIsStale,
    Code::DagNotFound,
    Code::InvalidConf,
    Code::InvalidParams,
    Code::InvalidRequest,
    Code::NotBackfillable,
    Code::VersionNotFound,
];

/// What else operations say whose path has this in it.
const SOME: &[(&str, &str, &[Code])] = &[
    ("post", "/dags/{dag_id}/dagRuns", START),
    ("post", "/materialize", START),
    ("post", "/clear", ACT),
    ("post", "/clearTaskInstances", ACT),
    ("post", "/cancel", ACT),
    ("patch", "/dagRuns/{dag_run_id}", ACT),
    ("patch", "/taskInstances/{task_id}", ACT),
    ("patch", "/taskInstances/{task_id}/dry_run", ACT),
    ("patch", "/taskInstances/{task_id}/{map_index}", ACT),
    ("patch", "/taskInstances/{task_id}/{map_index}/dry_run", ACT),
    ("patch", "/taskGroupInstances/{group_id}", ACT),
    ("patch", "/taskGroupInstances/{group_id}/dry_run", ACT),
    ("patch", "/hitlDetails", &[Code::InvalidParams, Code::InvalidRequest, Code::NotAwaited, Code::Stopping]),
    ("post", "/signals/{signal_name}", &[Code::InvalidRequest, Code::RunEnded, Code::TooLarge, Code::Stopping]),
    ("delete", "/dags/{dag_id}", &[Code::DagRuns]),
    ("delete", "/dagRuns/{dag_run_id}", &[Code::RunUnfinished]),
    ("patch", "/api/v2/dags", &[Code::InvalidRequest]),
    ("post", "/activate", &[Code::DagIsStale]),
    ("post", "/xcomEntries", &[Code::AlreadyExists, Code::InvalidRequest, Code::ResultIsUsed, Code::XcomNotFound]),
    ("patch", "/xcomEntries/{xcom_key}", &[Code::InvalidRequest, Code::ResultIsUsed]),
    ("delete", "/xcomEntries/{xcom_key}", &[Code::ResultIsUsed]),
    ("post", "/assets/events", &[Code::AssetNotFound, Code::InvalidRequest, Code::TooLarge]),
    ("post", "/backfills", BACKFILL),
    ("post", "/backfills/dry_run", BACKFILL),
    ("put", "/pause", &[Code::BackfillEnded, Code::BackfillRuns]),
    ("put", "/unpause", &[Code::BackfillEnded, Code::BackfillRuns]),
    ("put", "/cancel", &[Code::BackfillEnded]),
    ("post", "/bundles/{name}", DEPLOY),
    ("post", "/bundles/{name}/versions", DEPLOY),
    ("post", "/bundles/{name}/versions", &[Code::BlobNotFound, Code::TooLarge]),
    ("put", "/blobs/{digest}", &[Code::DigestMismatch, Code::TooLarge]),
    ("get", "/wait", &[Code::Overloaded, Code::Stopping, Code::TaskNotFound]),
    ("get", "/events", &[Code::InvalidRequest, Code::Overloaded]),
    ("get", "/logs/{try_number}", &[Code::InvalidRequest, Code::Overloaded]),
    ("get", "/dagSources/{dag_id}", &[Code::VersionNotFound]),
    ("get", "/dagRuns", &[Code::InvalidRequest]),
    ("get", "/taskInstances", &[Code::InvalidRequest]),
    ("get", "/listMapped", &[Code::InvalidRequest]),
    ("post", "/taskInstances/list", &[Code::DagNotFound, Code::InvalidRequest, Code::RunNotFound]),
    ("post", "/dagRuns/list", &[Code::InvalidRequest]),
    ("post", "/variables", &[Code::AlreadyExists, Code::InvalidSetting]),
    ("patch", "/variables/{variable_key}", &[Code::InvalidSetting]),
    ("patch", "/variables", &[Code::InvalidSetting, Code::LimitReached]),
    ("post", "/connections", &[Code::AlreadyExists, Code::InvalidSetting]),
    ("patch", "/connections/{connection_id}", &[Code::InvalidSetting]),
    ("patch", "/connections", &[Code::InvalidSetting, Code::LimitReached]),
    ("post", "/pools", &[Code::AlreadyExists, Code::InvalidSetting]),
    ("patch", "/pools/{pool_name}", &[Code::InvalidRequest, Code::InvalidSetting]),
    ("patch", "/pools", &[Code::InvalidSetting, Code::LimitReached]),
    ("delete", "/pools/{pool_name}", &[Code::InvalidRequest]),
    ("post", "/auth/token", &[Code::InvalidRequest, Code::Unauthenticated]),
    ("post", "/auth/token/cli", &[Code::InvalidRequest, Code::Unauthenticated]),
];

/// The problems of an operation, by status and slug.
pub(crate) fn of(method: &str, path: &str, takes_json: bool) -> Vec<Answer> {
    let answer = |code: &Code| (problem::status(*code).as_u16(), code.slug());
    let is_open = crate::OPEN_ROUTES.contains(&path);
    let mut answers = EVERYWHERE.to_vec();
    answers.extend(FAULTS.iter().map(answer));
    if !is_open {
        answers.extend([(400, "invalid-query"), answer(&Code::Unauthenticated)]);
    }
    let changes = !matches!(method, "get" | "head");
    if changes {
        answers.push(answer(&Code::NotWritable));
    }
    if takes_json || matches!((method, path), ("post", "/api/v2/bundles/{name}") | ("put", "/api/v2/blobs/{digest}")) {
        answers.extend(BODY);
    }
    if changes && path.ends_with('}') {
        answers.push((412, "precondition-failed"));
    }
    if path.ends_with("/connections/test") {
        answers.push((403, "connection-not-tested"));
    }
    for (_, codes) in NAMES.iter().filter(|(name, _)| path.contains(name)) {
        answers.extend(codes.iter().map(answer));
    }
    for (_, _, codes) in SOME.iter().filter(|(of, end, _)| *of == method && path.ends_with(end)) {
        answers.extend(codes.iter().map(answer));
    }
    answers.sort_unstable();
    answers.dedup();
    answers
}
