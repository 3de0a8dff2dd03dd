//! Values that instances left behind.

use control::XcomView;
use serde_json::Value;

use super::raw_json;
use crate::wire::xcom::{XcomResponse, XcomValueResponse};

pub(crate) fn xcom(view: &XcomView) -> XcomResponse {
    let XcomView { run, task_id, row } = view;
    XcomResponse {
        key: row.key.to_string(),
        timestamp: row.created_at,
        logical_date: run.row.logical_date,
        map_index: row.map_index.number(),
        task_id: task_id.to_string(),
        dag_id: run.row.dag_id.to_string(),
        run_id: run.row.run_id.to_string(),
        dag_display_name: run.version.display_name().to_owned(),
        task_display_name: task_id.to_string(),
        run_after: run.row.run_after,
    }
}

pub(crate) fn xcom_value(view: &XcomView, text: &str, stringify: bool) -> XcomValueResponse {
    let value = if stringify { raw_json(&Value::from(text).to_string()) } else { raw_json(text) };
    XcomValueResponse { xcom: xcom(view), value }
}
