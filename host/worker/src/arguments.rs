//! Arguments of task instances: sources of the DAG document become the JSON object that a body gets.
//!
//! Instances of one task share everything but their items, so that part is resolved once for a batch.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use blobs::BlobStore;
use model::document::{Expand, OutputSource, Source};
use model::limits::json::TEXT_MAX_BYTES;
use model::limits::value::{SEQUENCE_PAGE_MAX_BYTES, SEQUENCE_PAGE_MAX_VALUES};
use model::{Dag, Key, MapIndex, NodeIdx};
use serde_json::Value;
use store::{ClaimedRun, PageSize, RETURN_VALUE, StoreError, StoredValue, ValueStore, XcomRow};

use crate::items::{ItemCache, Items, split};
use crate::sequence::Sequence;

/// One page of the values that a batch needs.
const PAGE: PageSize = PageSize { values: SEQUENCE_PAGE_MAX_VALUES, bytes: SEQUENCE_PAGE_MAX_BYTES };

/// Why there are no arguments.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgumentError {
    /// The attempt fails: trying again with the same values cannot help.
    #[error("{0}")]
    Invalid(String),
    /// A value could not be read now.
    #[error("cannot read a value that the task needs: {0}")]
    Unavailable(String),
}

impl From<StoreError> for ArgumentError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Reads values, wherever they are.
pub(crate) struct ArgumentReader {
    pub(crate) values: Arc<dyn ValueStore>,
    pub(crate) blobs: BlobStore,
    pub(crate) items: ItemCache,
}

/// What the instances of one task share.
pub(crate) struct Shared {
    /// `"name":value` pairs, joined by commas.
    fixed: String,
    expanded: Vec<Expanded>,
    pub(crate) sequences: Vec<Arc<Sequence>>,
}

/// One argument that varies.
struct Expanded {
    name: String,
    lists: List,
    length: u32,
}

enum List {
    Items(Items),
    /// The values of a mapped task, for the positions that this batch needs.
    Values {
        node: NodeIdx,
        key: Key,
        found: HashMap<u32, Arc<str>>,
    },
}

/// A run's conf and params, parsed when a source first asks.
struct Trees<'a> {
    run: &'a ClaimedRun,
    conf: Option<Value>,
    params: Option<Value>,
    /// Bytes that the texts of the sources may still have.
    left: usize,
}

impl Trees<'_> {
    /// Counts a piece, so that sources that name one value many times are refused before they are put together.
    fn spend(&mut self, text: String) -> Result<String, ArgumentError> {
        self.left = self.left.checked_sub(text.len()).ok_or_else(|| {
            ArgumentError::Invalid(format!(
                "the values of an argument are more than {TEXT_MAX_BYTES} bytes; pass large values as blobs"
            ))
        })?;
        Ok(text)
    }

    fn conf(&mut self) -> &Value {
        self.conf.get_or_insert_with(|| serde_json::from_str(&self.run.conf).unwrap_or(Value::Null))
    }

    fn params(&mut self) -> &Value {
        self.params.get_or_insert_with(|| serde_json::from_str(&self.run.params).unwrap_or(Value::Null))
    }
}

impl ArgumentReader {
    /// Resolves what the instances at `positions` of a task share; there are none for an unmapped one.
    pub(crate) async fn shared(
        &self,
        run: &ClaimedRun,
        node: NodeIdx,
        positions: &[u32],
    ) -> Result<Shared, ArgumentError> {
        let task = run.dag.task(node);
        let mut trees = Trees { run, conf: None, params: None, left: TEXT_MAX_BYTES };
        let mut sequences = Vec::new();
        let mut fixed = String::new();
        for (name, source) in &task.args {
            let text = self.text(&mut trees, source, &mut sequences).await?;
            push_member(&mut fixed, name.as_str(), &text);
        }
        let mut expanded = Vec::new();
        if let (Some(Expand::Product(args)), false) = (&task.expand, positions.is_empty()) {
            for (index, arg) in args.iter().enumerate() {
                trees.left = TEXT_MAX_BYTES;
                let (lists, length) = self.list(&mut trees, node, index, &arg.source).await?;
                expanded.push(Expanded { name: arg.arg.to_string(), length, lists });
            }
            self.fill(run, &mut expanded, positions).await?;
        }
        Ok(Shared { fixed, expanded, sequences })
    }

    /// The JSON text of a source. Written without recursion over hostile depth: the document's check bounds it.
    async fn text(
        &self,
        trees: &mut Trees<'_>,
        source: &Source,
        sequences: &mut Vec<Arc<Sequence>>,
    ) -> Result<String, ArgumentError> {
        Ok(match source {
            Source::Literal(value) => trees.spend(value.to_string())?,
            Source::Param(name) => {
                let text = trees.params().get(name.as_str()).unwrap_or(&Value::Null).to_string();
                trees.spend(text)?
            }
            Source::Conf(pointer) => {
                let text = trees.conf().pointer(pointer).unwrap_or(&Value::Null).to_string();
                trees.spend(text)?
            }
            Source::Output(output) => {
                let text = self.output(trees.run, output, sequences).await?;
                trees.spend(text)?
            }
            Source::List(sources) => {
                let mut text = String::from("[");
                for (index, source) in sources.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    text.push_str(&Box::pin(self.text(trees, source, sequences)).await?);
                }
                text + "]"
            }
            Source::Object(members) => {
                let mut text = String::new();
                for (name, source) in members {
                    let value = Box::pin(self.text(trees, source, sequences)).await?;
                    push_member(&mut text, name, &value);
                }
                format!("{{{text}}}")
            }
            Source::Variable(_)
            | Source::GroupArg(_)
            | Source::MapItem(_)
            | Source::Map(_)
            | Source::Filter(_)
            | Source::Zip(_)
            | Source::Concat(_) => {
                let what = "variables, arguments of groups, items and transforms cannot be arguments here";
                return Err(ArgumentError::Invalid(what.to_owned()));
            }
        })
    }

    /// One value of an unmapped task; a marker for the sequence of a mapped one.
    async fn output(
        &self,
        run: &ClaimedRun,
        output: &OutputSource,
        sequences: &mut Vec<Arc<Sequence>>,
    ) -> Result<String, ArgumentError> {
        let (node, key) = self.resolve(&run.dag, output)?;
        if run.dag.task(node).expand.is_none() {
            let row = self.values.xcom_fetch(run.scope, run.key, node, MapIndex::NONE, &key).await?;
            return match row {
                Some(row) => Ok(self.read(run, &row.value).await?.to_string()),
                None => Ok("null".to_owned()),
            };
        }
        // Sources that name the same values share a sequence, and what is known of it.
        let id = match sequences.iter().position(|sequence| sequence.is_of(node, &key)) {
            Some(id) => id,
            None => {
                let len = self.values.xcom_count(run.scope, run.key, node, &key).await?;
                let instances = self.values.map_length(run.scope, run.key, node).await?.map_or(0, u64::from);
                sequences.push(Arc::new(Sequence::new(node, key, len, instances)));
                sequences.len() - 1
            }
        };
        let len = sequences[id].len();
        Ok(format!(r#"{{"$waft":"sequence","id":{id},"len":{len}}}"#))
    }

    /// The list that an argument varies over, and its length. A mapped task's values are read by [`Self::fill`].
    async fn list(
        &self,
        trees: &mut Trees<'_>,
        node: NodeIdx,
        index: usize,
        source: &Source,
    ) -> Result<(List, u32), ArgumentError> {
        let run = trees.run;
        if let Source::Output(output) = source {
            let (upstream, key) = self.resolve(&run.dag, output)?;
            if run.dag.task(upstream).expand.is_some() {
                let length = self.values.map_length(run.scope, run.key, upstream).await?.unwrap_or(0);
                return Ok((List::Values { node: upstream, key, found: HashMap::new() }, length));
            }
        }
        let cache_key = (run.key, run.clears, node, index);
        let items = match self.items.get(cache_key) {
            Some(items) => items,
            None => {
                let text = self.text(trees, source, &mut Vec::new()).await?;
                let items = split(&text).ok_or_else(|| {
                    ArgumentError::Invalid(format!(
                        "the task is mapped over {}, and a list or an object is needed",
                        model::json::kind(&text)
                    ))
                })?;
                self.items.put(cache_key, items.clone());
                items
            }
        };
        let length = u32::try_from(items.len()).unwrap_or(u32::MAX);
        Ok((List::Items(items), length))
    }

    /// Reads the values of mapped tasks that these positions need, and no others.
    async fn fill(&self, run: &ClaimedRun, expanded: &mut [Expanded], positions: &[u32]) -> Result<(), ArgumentError> {
        let coordinates: Vec<_> = positions.iter().map(|position| coordinates(expanded, *position)).collect();
        for (index, arg) in expanded.iter_mut().enumerate() {
            if let List::Values { node, key, found } = &mut arg.lists {
                let wanted = coordinates.iter().map(|at| at[index]).collect();
                *found = self.values_of(run, *node, key, wanted).await?;
            }
        }
        Ok(())
    }

    async fn values_of(
        &self,
        run: &ClaimedRun,
        node: NodeIdx,
        key: &Key,
        mut wanted: BTreeSet<u32>,
    ) -> Result<HashMap<u32, Arc<str>>, ArgumentError> {
        let mut values = HashMap::new();
        while let Some(first) = wanted.first().copied() {
            // As many as stand one after the other; what lies between is not read.
            let row_of = wanted.iter().zip(first..).take_while(|(position, next)| *position == next).count();
            let size = PageSize { values: u32::try_from(row_of).unwrap_or(u32::MAX).min(PAGE.values), ..PAGE };
            let after = first.checked_sub(1).map_or(MapIndex::NONE, MapIndex::at);
            let rows = self.values.xcom_page(run.scope, run.key, node, key, after, size).await?;
            let Some(last) = rows.last().and_then(|row| row.map_index.position()) else { break };
            for row in &rows {
                if let Some(position) = row.map_index.position().filter(|it| wanted.contains(it)) {
                    values.insert(position, self.read(run, &row.value).await?);
                }
            }
            wanted = wanted.split_off(&last.saturating_add(1));
        }
        Ok(values)
    }

    fn resolve(&self, dag: &Dag, output: &OutputSource) -> Result<(NodeIdx, Key), ArgumentError> {
        let invalid = |what: String| ArgumentError::Invalid(what);
        let node = dag
            .find(output.task.as_str())
            .ok_or_else(|| invalid(format!("task {} is not in this version of the DAG", output.task)))?;
        let key = match &output.key {
            Some(key) => key.clone(),
            None => Key::new(RETURN_VALUE).map_err(|error| invalid(error.to_string()))?,
        };
        Ok((node, key))
    }

    async fn read(&self, run: &ClaimedRun, value: &StoredValue) -> Result<Arc<str>, ArgumentError> {
        read_value(&self.blobs, run.scope, value).await.map_err(ArgumentError::Unavailable)
    }
}

impl Shared {
    /// The arguments of one instance: text of a JSON object.
    pub(crate) fn arguments(&self, map_index: MapIndex) -> Result<String, ArgumentError> {
        let mut text = String::with_capacity(self.fixed.len() + 64);
        text.push_str(&self.fixed);
        if let Some(position) = map_index.position() {
            for (arg, at) in self.expanded.iter().zip(coordinates(&self.expanded, position)) {
                let item = match &arg.lists {
                    List::Items(items) => items.get(at as usize).map(AsRef::as_ref),
                    List::Values { found, .. } => found.get(&at).map(AsRef::as_ref),
                };
                let item = item.ok_or_else(|| {
                    let Expanded { name, length, .. } = arg;
                    ArgumentError::Invalid(format!("argument {name:?} has no item {at}; its list has {length}"))
                })?;
                push_member(&mut text, &arg.name, item);
            }
        }
        let text = format!("{{{text}}}");
        if text.len() > TEXT_MAX_BYTES {
            return Err(ArgumentError::Invalid(format!(
                "the arguments are {} bytes, at most {TEXT_MAX_BYTES} are possible; pass large values as blobs",
                text.len()
            )));
        }
        Ok(text)
    }
}

/// The position in each list: row-major, the last argument varies fastest.
fn coordinates(expanded: &[Expanded], position: u32) -> Vec<u32> {
    let mut rest = position;
    let mut at = vec![0; expanded.len()];
    for (index, arg) in expanded.iter().enumerate().rev() {
        let length = arg.length.max(1);
        at[index] = if index == 0 { rest } else { rest % length };
        rest /= length;
    }
    at
}

/// The text of a stored value.
pub(crate) async fn read_value(
    blobs: &BlobStore,
    scope: model::TenantScope,
    value: &StoredValue,
) -> Result<Arc<str>, String> {
    match value {
        StoredValue::Inline(text) => Ok(text.clone()),
        StoredValue::Blob { digest, .. } => {
            let bytes = blobs.get(scope, *digest).await.map_err(|error| error.to_string())?;
            std::str::from_utf8(&bytes).map(Arc::from).map_err(|_| format!("blob {digest} is no text"))
        }
    }
}

/// The text of one row's value.
pub(crate) async fn read_row(blobs: &BlobStore, scope: model::TenantScope, row: &XcomRow) -> Result<Arc<str>, String> {
    read_value(blobs, scope, &row.value).await
}

fn push_member(object: &mut String, name: &str, value: &str) {
    if !object.is_empty() {
        object.push(',');
    }
    object.push_str(&Value::from(name).to_string());
    object.push(':');
    object.push_str(value);
}

#[cfg(test)]
mod tests;
