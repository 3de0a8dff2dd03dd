//! Assets and their events.

use control::{AssetEventFilter, AssetEventRequest};
use model::{AssetId, DagId, Problem};

use super::{not_yet, range};
use crate::query::QueryReader;
use crate::wire::asset::AssetEventBody;

pub(crate) fn asset_event(body: AssetEventBody) -> Result<AssetEventRequest, Vec<Problem>> {
    if body.partition_key.is_some() {
        return Err(vec![not_yet("/partition_key")]);
    }
    let extra =
        body.extra.map(|extra| extra.get().into()).filter(|extra: &std::sync::Arc<str>| extra.as_ref() != "null");
    Ok(AssetEventRequest { asset: AssetId::from_number(body.asset_id), extra })
}

pub(crate) fn asset_event_filter(query: &mut QueryReader) -> AssetEventFilter {
    let order = query.order_by(&["timestamp", "id"]);
    AssetEventFilter {
        asset: query.one("asset_id", |text| text.parse().ok().map(AssetId::from_number), "ids of assets are numbers"),
        source_dag: query.one("source_dag_id", |text| DagId::new(text).ok(), "this is no id of a DAG"),
        at: range(query, ["timestamp_gte", "timestamp_gt", "timestamp_lte", "timestamp_lt"]),
        descending: order.is_some_and(|(_, is_descending)| is_descending),
    }
}
