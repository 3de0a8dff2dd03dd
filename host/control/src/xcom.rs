//! Values that instances left behind, and what people make of them.

use model::limits::http::TOTAL_ENTRIES_MAX;
use model::limits::value::{INLINE_MAX_BYTES, SEQUENCE_PAGE_MAX_BYTES, SEQUENCE_PAGE_MAX_VALUES};
use model::{DagId, Digest, InstanceKey, Key, MapIndex, NodeIdx, RunId, TaskId, TenantScope};
use serde_json::json;
use serde_json::value::RawValue;
use store::{NamedValue, Page, PageRequest, PageSize, RETURN_VALUE, StoredValue, XcomRow};

use crate::event_log::About;
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
        let row = self
            .values
            .xcom_fetch(scope, run.row.key, node, map_index, key)
            .await?
            .ok_or_else(|| no_value(name, key))?;
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

    /// Leaves a value beside an instance that has none of this name.
    pub async fn xcom_create(
        &self,
        session: &Session,
        name: &InstanceName,
        key: &Key,
        value: &str,
    ) -> Result<(XcomView, String), Error> {
        self.xcom_change(session, name, key, Change::Create(value)).await?;
        self.xcom_fetch(session, name, key).await
    }

    /// Gives a value that is there another one in its place.
    pub async fn xcom_update(
        &self,
        session: &Session,
        name: &InstanceName,
        key: &Key,
        value: &str,
    ) -> Result<(XcomView, String), Error> {
        self.xcom_change(session, name, key, Change::Update(value)).await?;
        self.xcom_fetch(session, name, key).await
    }

    /// Takes a value away.
    pub async fn xcom_delete(&self, session: &Session, name: &InstanceName, key: &Key) -> Result<(), Error> {
        self.xcom_change(session, name, key, Change::Delete).await
    }

    async fn xcom_change(
        &self,
        session: &Session,
        name: &InstanceName,
        key: &Key,
        change: Change<'_>,
    ) -> Result<(), Error> {
        let scope = session.scope();
        let run = self.dag_run_find(scope, &name.dag_id, &name.run_id).await?;
        let instance = self.instance_of(&run, name).await?.row.key;
        let (node, map_index) = (instance.node, instance.map_index);
        let known = self.values.xcom_fetch(scope, run.row.key, node, map_index, key).await?;
        match (&change, known) {
            (Change::Create(_), Some(_)) => {
                let message = format!("the instance has a value {:?} already", key.as_str());
                return Err(Error::new(Code::AlreadyExists, message).hint("change it with PATCH"));
            }
            (Change::Update(_) | Change::Delete, None) => return Err(no_value(name, key)),
            _ => {}
        }
        if key.as_str() == RETURN_VALUE {
            self.check_unused(&run, instance, &change).await?;
        }
        let is_done = match change {
            Change::Create(text) | Change::Update(text) => {
                let value = NamedValue { key: key.clone(), value: self.xcom_stored(scope, text).await? };
                self.values.xcom_put(scope, instance, &value, self.clock.now()).await?
            }
            Change::Delete => self.values.xcom_delete(scope, instance, key).await?,
        };
        if !is_done {
            return Err(no_value(name, key));
        }
        let event = change.event();
        tracing::info!(
            tenant = %scope.tenant(), dag = %name.dag_id, run = %name.run_id, task = %name.task_id, key = key.as_str(),
            by = session.name(), event
        );
        let about = About { dag_id: Some(&name.dag_id), run_id: Some(&name.run_id), task_id: Some(&name.task_id) };
        self.record(session, event, about, json!({"key": key.as_str(), "map_index": map_index})).await;
        Ok(())
    }

    /// What a task returned is told to others when it ends: that it is there, and how long its list is.
    async fn check_unused(&self, run: &DagRunView, instance: InstanceKey, change: &Change<'_>) -> Result<(), Error> {
        if !run.row.state.is_ended() {
            let message = "the result of a task cannot be changed before its run has ended";
            return Err(
                Error::new(Code::ResultIsUsed, message).hint("wait for the run, or leave a value of another name")
            );
        }
        let nodes = self.runs.node_list(run.row.scope, run.row.key).await?;
        let Some(length) = nodes.iter().find(|row| row.node == instance.node).and_then(|row| row.list_length) else {
            return Ok(());
        };
        let found = match change {
            Change::Create(text) | Change::Update(text) => {
                serde_json::from_str::<Vec<&RawValue>>(text).ok().map(|items| items.len())
            }
            Change::Delete => None,
        };
        if found == usize::try_from(length).ok() {
            return Ok(());
        }
        let message = format!("other tasks are mapped over the value, which is a list of {length}");
        Err(Error::new(Code::ResultIsUsed, message).hint("send a list of this length, or clear the task"))
    }

    /// Where a value that somebody sent stands: in the row, or in a blob. Blobs that it names are there.
    async fn xcom_stored(&self, scope: TenantScope, text: &str) -> Result<StoredValue, Error> {
        self.check_value(scope, text).await?;
        if text.len() <= INLINE_MAX_BYTES {
            return Ok(StoredValue::Inline(text.into()));
        }
        let digest = self.blobs.put(scope, text.to_owned().into()).await?;
        Ok(StoredValue::Blob { digest, size_bytes: text.len() as u64 })
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

fn no_value(name: &InstanceName, key: &Key) -> Error {
    let (task_id, map_index) = (name.task_id.as_str(), name.map_index.unwrap_or(MapIndex::NONE));
    let message = format!("task {task_id:?} (map index {map_index}) left no value {:?}", key.as_str());
    Error::new(Code::XcomNotFound, message)
        .hint("a value is there once its attempt has succeeded; for a mapped task, add ?map_index=N")
}

/// What somebody does to a value.
enum Change<'t> {
    Create(&'t str),
    Update(&'t str),
    Delete,
}

impl Change<'_> {
    fn event(&self) -> &'static str {
        match self {
            Self::Create(_) => "xcom_create",
            Self::Update(_) => "xcom_update",
            Self::Delete => "xcom_delete",
        }
    }
}

/// A value's blob holds something else.
#[derive(Debug, thiserror::Error)]
#[error("the blob {0} of a value is not UTF-8")]
struct DamagedValue(Digest);
