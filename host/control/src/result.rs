//! The result of a run: values of its result tasks, or references to them where they are large.

use model::limits::json::TEXT_MAX_BYTES;
use model::limits::value::{SEQUENCE_PAGE_MAX_BYTES, SEQUENCE_PAGE_MAX_VALUES};
use model::{Digest, Key, MapIndex, NodeIdx, TaskId};
use store::{PageSize, RETURN_VALUE, StoredValue};

use crate::task_instance::has_indexes;
use crate::{Control, DagRunView, Error};

/// The value of one result task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunResult {
    /// It left none.
    None,
    /// JSON text; for a mapped task the list of its values in index order.
    Value(String),
    /// Too large to stand in the answer: in a blob.
    Blob { digest: Digest, size_bytes: u64 },
    /// Too large to stand in the answer: the values of a mapped task, to be listed.
    Sequence { count: u64 },
}

pub(crate) fn return_value() -> Key {
    Key::new(RETURN_VALUE).expect("the name follows the grammar")
}

impl Control {
    /// Values of the tasks `of`; of the DAG's result tasks where it is empty.
    pub(crate) async fn run_results(&self, run: &DagRunView, of: &[TaskId]) -> Result<Vec<(TaskId, RunResult)>, Error> {
        let dag = run.version.dag();
        let nodes: Vec<NodeIdx> = match of {
            [] => dag.result().to_vec(),
            of => of.iter().filter_map(|task_id| dag.find(task_id.as_str())).collect(),
        };
        let mut results = Vec::with_capacity(nodes.len());
        for node in nodes {
            let task = dag.task(node);
            let result = match has_indexes(dag, node) {
                false => self.value_of(run, node).await?,
                true => self.values_of(run, node).await?,
            };
            results.push((task.task_id.clone(), result));
        }
        Ok(results)
    }

    async fn value_of(&self, run: &DagRunView, node: NodeIdx) -> Result<RunResult, Error> {
        let (scope, key) = (run.row.scope, run.row.key);
        let row = self.values.xcom_fetch(scope, key, node, MapIndex::NONE, &return_value()).await?;
        Ok(match row.map(|row| row.value) {
            None => RunResult::None,
            Some(StoredValue::Inline(text)) => RunResult::Value(text.as_ref().to_owned()),
            Some(StoredValue::Blob { digest, size_bytes }) => RunResult::Blob { digest, size_bytes },
        })
    }

    async fn values_of(&self, run: &DagRunView, node: NodeIdx) -> Result<RunResult, Error> {
        let (scope, run, key) = (run.row.scope, run.row.key, return_value());
        let mut text = String::from("[");
        let mut after = MapIndex::NONE;
        loop {
            let size = PageSize { values: SEQUENCE_PAGE_MAX_VALUES, bytes: SEQUENCE_PAGE_MAX_BYTES };
            let rows = self.values.xcom_page(scope, run, node, &key, after, size).await?;
            let Some(last) = rows.last() else { break };
            after = last.map_index;
            for row in rows {
                let fits = |value: &str| text.len() + value.len() + 2 <= TEXT_MAX_BYTES;
                match row.value {
                    StoredValue::Inline(value) if fits(&value) => {
                        if text.len() > 1 {
                            text.push(',');
                        }
                        text.push_str(&value);
                    }
                    _ => {
                        let count = self.values.xcom_count(scope, run, node, &key).await?;
                        return Ok(RunResult::Sequence { count });
                    }
                }
            }
        }
        text.push(']');
        Ok(RunResult::Value(text))
    }
}
