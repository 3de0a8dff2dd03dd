//! Values that instances left behind.

use model::limits::http::TOTAL_ENTRIES_MAX;
use model::limits::value::{SEQUENCE_PAGE_MAX_BYTES, SEQUENCE_PAGE_MAX_VALUES};
use model::{DagId, Digest, Key, MapIndex, NodeIdx, RunId, TaskId, TenantScope};
use store::{Page, PageRequest, PageSize, StoredValue, XcomRow};

use crate::task_instance::{is_mapped, node_of};
use crate::{Code, Control, DagRunView, Error, InstanceName, Session};

/// A value with the run that it belongs to.
#[derive(Debug, Clone)]
pub struct XcomView {
    pub run: DagRunView,
    pub task_id: TaskId,
    pub row: XcomRow,
}

/// Which values of a task.
#[derive(Debug, Clone, Default)]
pub struct XcomFilter {
    /// All instances where it is left out; those of a mapped task only with a key.
    pub map_index: Option<MapIndex>,
    pub key: Option<Key>,
}

impl Control {
    /// One value and its JSON text.
    pub async fn xcom_fetch(
        &self,
        session: &Session,
        name: &InstanceName,
        key: &Key,
    ) -> Result<(XcomView, String), Error> {
        let scope = session.scope();
        let run = self.dag_run_find(scope, &name.dag_id, &name.run_id).await?;
        let node = node_of(&run, &name.task_id)?;
        let map_index = name.map_index.unwrap_or(MapIndex::NONE);
        let row = self.values.xcom_fetch(scope, run.row.key, node, map_index, key).await?.ok_or_else(|| {
            let task_id = name.task_id.as_str();
            let message = format!("task {task_id:?} (map index {map_index}) left no value {:?}", key.as_str());
            Error::new(Code::XcomNotFound, message)
                .hint("a value is there once its attempt has succeeded; for a mapped task, add ?map_index=N")
        })?;
        let text = self.xcom_text(scope, &row.value).await?;
        Ok((XcomView { run, task_id: name.task_id.clone(), row }, text))
    }

    /// Values of a task: all of one instance, or those with one key of all instances of a mapped task.
    pub async fn xcom_list(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        task_id: &TaskId,
        filter: &XcomFilter,
        page: PageRequest,
    ) -> Result<Page<XcomView>, Error> {
        let scope = session.scope();
        let run = self.dag_run_find(scope, dag_id, run_id).await?;
        let node = node_of(&run, task_id)?;
        let Page { rows, total } = match filter.map_index {
            None if is_mapped(&run, task_id)? => {
                let key = filter.key.clone().unwrap_or_else(crate::result::return_value);
                self.values_by_index(&run, node, &key, page).await?
            }
            map_index => {
                let map_index = map_index.unwrap_or(MapIndex::NONE);
                let mut rows = self.values.xcom_list(scope, run.row.key, node, map_index).await?;
                rows.retain(|row| filter.key.as_ref().is_none_or(|key| row.key == *key));
                let total = rows.len() as u64;
                let rows = rows.into_iter().skip(page.offset as usize).take(page.limit as usize).collect();
                Page { rows, total }
            }
        };
        let view = |row| XcomView { run: run.clone(), task_id: task_id.clone(), row };
        Ok(Page { rows: rows.into_iter().map(view).collect(), total })
    }

    async fn values_by_index(
        &self,
        run: &DagRunView,
        node: NodeIdx,
        key: &Key,
        page: PageRequest,
    ) -> Result<Page<XcomRow>, Error> {
        let (scope, run) = (run.row.scope, run.row.key);
        // A task has a bounded number of instances, so this walk is bounded too.
        let total = self.values.xcom_count(scope, run, node, key).await?.min(TOTAL_ENTRIES_MAX);
        let mut rows = Vec::new();
        let (mut after, mut to_skip) = (MapIndex::NONE, page.offset as usize);
        while rows.len() < page.limit as usize {
            let size = PageSize { values: SEQUENCE_PAGE_MAX_VALUES, bytes: SEQUENCE_PAGE_MAX_BYTES };
            let found = self.values.xcom_page(scope, run, node, key, after, size).await?;
            let Some(last) = found.last() else { break };
            after = last.map_index;
            let skipped = to_skip.min(found.len());
            to_skip -= skipped;
            rows.extend(found.into_iter().skip(skipped));
        }
        rows.truncate(page.limit as usize);
        Ok(Page { rows, total })
    }

    async fn xcom_text(&self, scope: TenantScope, value: &StoredValue) -> Result<String, Error> {
        match value {
            StoredValue::Inline(text) => Ok(text.as_ref().to_owned()),
            StoredValue::Blob { digest, .. } => {
                let bytes = self.blobs.get(scope, *digest).await?;
                String::from_utf8(bytes.to_vec()).map_err(|_| Error::internal(DamagedValue(*digest)))
            }
        }
    }
}

/// A value's blob holds something else.
#[derive(Debug, thiserror::Error)]
#[error("the blob {0} of a value is not UTF-8")]
struct DamagedValue(Digest);
