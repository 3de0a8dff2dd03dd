//! Assets, their events, and what waits for DAGs.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use control::{Code, Error, Session};
use model::{AssetId, DagId};

use crate::app::App;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::asset::{
    AssetCollection, AssetEventBody, AssetEventCollection, AssetEventResponse, AssetResponse, QueuedEventCollection,
};
use crate::wire::dag_run::DagRunResponse;
use crate::wire::problem::ProblemDetails;
use crate::{body, from_wire, to_wire};

/// Assets by name.
#[utoipa::path(
    get, path = "/api/v2/assets", tag = "Asset",
    params(
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("order_by" = Option<String>, Query, description = "name"),
        ("name_pattern" = Option<String>, Query, description = "`%` stands for any characters, `_` for one"),
    ),
    responses(
        (status = 200, body = AssetCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_assets(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
) -> Result<Json<AssetCollection>, Failure> {
    let (page, pattern) = (query.page(), from_wire::name_pattern(&mut query, "name_pattern"));
    from_wire::one_order(&mut query, "name");
    query.finish()?;
    let found = app.control.asset_list(&session, pattern.as_deref(), page).await?;
    Ok(Json(AssetCollection { assets: found.rows.iter().map(to_wire::asset).collect(), total_entries: found.total }))
}

/// One asset.
#[utoipa::path(
    get, path = "/api/v2/assets/{asset_id}", tag = "Asset",
    params(("asset_id" = i64, Path)),
    responses(
        (status = 200, body = AssetResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_asset(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<AssetResponse>, Failure> {
    query.finish()?;
    Ok(Json(to_wire::asset(&app.control.asset_fetch(&session, names.asset_id()?).await?)))
}

/// Starts a run of the DAG that makes an asset.
#[utoipa::path(
    post, path = "/api/v2/assets/{asset_id}/materialize", tag = "Asset",
    params(("asset_id" = i64, Path)),
    responses(
        (status = 200, body = DagRunResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_materialize(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<DagRunResponse>, Failure> {
    query.finish()?;
    Ok(Json(to_wire::dag_run(&app.control.asset_materialize(&session, names.asset_id()?).await?)))
}

/// Events, in the order in which they were told.
#[utoipa::path(
    get, path = "/api/v2/assets/events", tag = "Asset",
    params(
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("order_by" = Option<String>, Query, description = "timestamp or id; - before it for descending order"),
        ("asset_id" = Option<i64>, Query), ("source_dag_id" = Option<String>, Query),
        ("timestamp_gte" = Option<String>, Query), ("timestamp_gt" = Option<String>, Query),
        ("timestamp_lte" = Option<String>, Query), ("timestamp_lt" = Option<String>, Query),
    ),
    responses(
        (status = 200, body = AssetEventCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_asset_events(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
) -> Result<Json<AssetEventCollection>, Failure> {
    let (page, filter) = (query.page(), from_wire::asset_event_filter(&mut query));
    query.finish()?;
    let found = app.control.asset_event_list(&session, &filter, page).await?;
    let asset_events = found.rows.iter().map(to_wire::asset_event).collect();
    Ok(Json(AssetEventCollection { asset_events, total_entries: found.total }))
}

/// Tells that an asset was changed; runs that wait for it follow.
#[utoipa::path(
    post, path = "/api/v2/assets/events", tag = "Asset",
    request_body = AssetEventBody,
    responses(
        (status = 200, body = AssetEventResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_asset_event(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    query: QueryReader,
    request: Request,
) -> Result<Json<AssetEventResponse>, Failure> {
    query.finish()?;
    let body: AssetEventBody = body::json(&app, request).await?;
    let event = from_wire::asset_event(body).map_err(|problems| {
        Error::new(Code::InvalidRequest, "the event cannot be told like this").problems(problems)
    })?;
    Ok(Json(to_wire::asset_event(&app.control.asset_event_create(&session, event).await?)))
}

/// The events that a run consumed.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/upstreamAssetEvents", tag = "DagRun",
    params(("dag_id" = String, Path), ("dag_run_id" = String, Path)),
    responses(
        (status = 200, body = AssetEventCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_upstream_asset_events(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<AssetEventCollection>, Failure> {
    query.finish()?;
    let events = app.control.dag_run_asset_events(&session, &names.dag_id()?, &names.run_id()?).await?;
    let total_entries = events.len() as u64;
    Ok(Json(AssetEventCollection { asset_events: events.iter().map(to_wire::asset_event).collect(), total_entries }))
}

/// Events that wait for a DAG, the first 1,000.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/assets/queuedEvents", tag = "Asset",
    params(("dag_id" = String, Path)),
    responses(
        (status = 200, body = QueuedEventCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_queued_events(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<QueuedEventCollection>, Failure> {
    query.finish()?;
    waiting(&app, &session, &names.dag_id()?, None).await
}

/// Takes back the events that wait for a DAG.
#[utoipa::path(
    delete, path = "/api/v2/dags/{dag_id}/assets/queuedEvents", tag = "Asset",
    params(("dag_id" = String, Path)),
    responses(
        (status = 204, description = "they wait no more"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_queued_events(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<StatusCode, Failure> {
    query.finish()?;
    app.control.asset_events_drop(&session, &names.dag_id()?, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Events of one asset that wait for a DAG, the first 1,000.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents", tag = "Asset",
    params(("dag_id" = String, Path), ("asset_id" = i64, Path)),
    responses(
        (status = 200, body = QueuedEventCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_queued_event(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<QueuedEventCollection>, Failure> {
    query.finish()?;
    waiting(&app, &session, &names.dag_id()?, Some(names.asset_id()?)).await
}

/// Takes back the events of one asset that wait for a DAG.
#[utoipa::path(
    delete, path = "/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents", tag = "Asset",
    params(("dag_id" = String, Path), ("asset_id" = i64, Path)),
    responses(
        (status = 204, description = "they wait no more"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_queued_event(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<StatusCode, Failure> {
    query.finish()?;
    app.control.asset_events_drop(&session, &names.dag_id()?, Some(names.asset_id()?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn waiting(
    app: &App,
    session: &Session,
    dag_id: &DagId,
    asset: Option<AssetId>,
) -> Result<Json<QueuedEventCollection>, Failure> {
    let waiting = app.control.asset_events_waiting(session, dag_id, asset).await?;
    let total_entries = waiting.len() as u64;
    let queued_events = waiting.iter().map(|event| to_wire::queued_event(dag_id, event)).collect();
    Ok(Json(QueuedEventCollection { queued_events, total_entries }))
}
