//! Lists that a body asks for. Its members are read as the parameters of a query, so that both mean the same.

use control::{InstanceFilter, PageRequest, RunFilter, TaskQuery};
use model::limits::http::BULK_ENTITIES_MAX;
use model::{DagId, RunId};

use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::dag_run::DagRunListBody;
use crate::wire::task_instance::TaskInstanceListBody;

/// What members are called that have another name in a query.
const TOLD_OF_RUNS: &[(&str, &str)] = &[("state", "states"), ("limit", "page_limit"), ("offset", "page_offset")];
const TOLD_OF_INSTANCES: &[(&str, &str)] =
    &[("task_id", "task_ids"), ("limit", "page_limit"), ("offset", "page_offset")];

/// Which instances a body asks for.
pub(crate) struct InstanceList {
    pub(crate) filter: InstanceFilter,
    pub(crate) tasks: TaskQuery,
    pub(crate) page: PageRequest,
    /// The one run that it names.
    pub(crate) run: Option<(DagId, RunId)>,
}

/// Parameters under way.
#[derive(Default)]
struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn one(&mut self, name: &str, value: Option<impl ToString>) {
        self.0.extend(value.map(|value| (name.to_owned(), value.to_string())));
    }

    fn many(&mut self, name: &str, values: Option<Vec<String>>) {
        self.0.extend(values.into_iter().flatten().map(|value| (name.to_owned(), value)));
    }

    fn bounds<T: ToString>(&mut self, name: &str, bounds: [Option<T>; 4]) {
        for (bound, value) in ["gte", "gt", "lte", "lt"].into_iter().zip(bounds) {
            self.one(&format!("{name}_{bound}"), value);
        }
    }
}

/// Which runs a body asks for.
pub(crate) fn run_list(dag_id: Option<DagId>, body: DagRunListBody) -> Result<(RunFilter, PageRequest), Failure> {
    let mut pairs = Pairs::default();
    pairs.many("dag_ids", body.dag_ids);
    pairs.many("state", body.states);
    pairs.one("conf_contains", body.conf_contains);
    pairs.bounds("run_after", [body.run_after_gte, body.run_after_gt, body.run_after_lte, body.run_after_lt]);
    pairs.bounds(
        "logical_date",
        [body.logical_date_gte, body.logical_date_gt, body.logical_date_lte, body.logical_date_lt],
    );
    pairs.bounds("start_date", [body.start_date_gte, body.start_date_gt, body.start_date_lte, body.start_date_lt]);
    pairs.bounds("end_date", [body.end_date_gte, body.end_date_gt, body.end_date_lte, body.end_date_lt]);
    pairs.bounds("duration", [body.duration_gte, body.duration_gt, body.duration_lte, body.duration_lt]);
    pairs.one("order_by", body.order_by);
    pairs.one("limit", body.page_limit);
    pairs.one("offset", body.page_offset);
    let mut query = QueryReader::of_body(pairs.0, TOLD_OF_RUNS);
    let mut page = query.page();
    let dag_ids = names(&mut query, "dag_ids", |text| DagId::new(text).ok());
    let (filter, _) = super::run_filter(dag_id, &mut query, &mut page);
    query.finish()?;
    Ok((RunFilter { dag_ids, ..filter }, page))
}

/// Which instances a body asks for.
pub(crate) fn instance_list(dag_id: Option<DagId>, body: TaskInstanceListBody) -> Result<InstanceList, Failure> {
    let mut pairs = Pairs::default();
    pairs.many("dag_ids", body.dag_ids);
    pairs.many("dag_run_ids", body.dag_run_ids);
    pairs.many("task_id", body.task_ids);
    let state = |state: Option<String>| state.unwrap_or_else(|| "no_status".to_owned());
    pairs.many("state", body.state.map(|states| states.into_iter().map(state).collect()));
    pairs.many("pool", body.pool);
    pairs.many("queue", body.queue);
    pairs.many("executor", body.executor);
    pairs.bounds("run_after", [body.run_after_gte, body.run_after_gt, body.run_after_lte, body.run_after_lt]);
    pairs.bounds(
        "logical_date",
        [body.logical_date_gte, body.logical_date_gt, body.logical_date_lte, body.logical_date_lt],
    );
    pairs.bounds("start_date", [body.start_date_gte, body.start_date_gt, body.start_date_lte, body.start_date_lt]);
    pairs.bounds("end_date", [body.end_date_gte, body.end_date_gt, body.end_date_lte, body.end_date_lt]);
    pairs.bounds("duration", [body.duration_gte, body.duration_gt, body.duration_lte, body.duration_lt]);
    pairs.one("order_by", body.order_by);
    pairs.one("limit", body.page_limit);
    pairs.one("offset", body.page_offset);
    let mut query = QueryReader::of_body(pairs.0, TOLD_OF_INSTANCES);
    let mut page = query.page();
    let dag_ids = names(&mut query, "dag_ids", |text| DagId::new(text).ok());
    let run_ids = names(&mut query, "dag_run_ids", |text| RunId::new(text).ok());
    let (mut filter, tasks, _) = super::instance_filter(dag_id, &mut query, &mut page);
    query.finish()?;
    let run = match (dag_ids.as_slice(), run_ids.as_slice()) {
        ([dag_id], [run_id]) => Some((dag_id.clone(), run_id.clone())),
        _ => None,
    };
    (filter.of_runs.dag_ids, filter.of_runs.run_ids) = (dag_ids, run_ids);
    Ok(InstanceList { filter, tasks, page, run })
}

fn names<T>(query: &mut QueryReader, name: &'static str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    let names = query.many(name, parse, "this is no name");
    if names.len() > BULK_ENTITIES_MAX {
        query.refuse(name, format!("at most {BULK_ENTITIES_MAX} names"));
    }
    names
}
