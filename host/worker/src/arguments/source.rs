//! Sources become JSON texts, as far as what they name is known.

use std::collections::HashMap;
use std::sync::Arc;

use model::document::{GroupArgSource, GroupDocument, MapItem, OutputSource, Source};
use model::limits::json::TEXT_MAX_BYTES;
use model::place::{Level, Span};
use model::{Dag, Key, MapIndex, NodeIdx, Place, ScopeIdx};
use serde_json::Value;
use store::{ClaimedRun, RETURN_VALUE};

use super::ArgumentError;
use super::axis::{Axis, Leaves};
use super::calls::ItemCalls;
use super::known::{Known, Stop};
use crate::items::ItemCache;
use crate::sequence::Sequence;

/// Where a source is evaluated: for an instance, and in its own level of mapping or in one around that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'p> {
    pub(super) scope: ScopeIdx,
    pub(super) place: &'p Place,
}

impl Site<'_> {
    pub(super) fn context(self, dag: &Dag) -> Result<u32, Stop> {
        Ok(if self.scope == ScopeIdx::RUN { 0 } else { self.level(dag)?.context })
    }

    pub(super) fn level(self, dag: &Dag) -> Result<Level, Stop> {
        self.place.level(dag, self.scope).ok_or_else(unplaced)
    }
}

/// Arguments while they are put together.
pub(super) struct Draft {
    /// Bytes that the texts of the sources may still have.
    pub(super) left: usize,
    /// The sequences in it, by the number in the marker.
    pub(super) sequences: Vec<Arc<Sequence>>,
}

impl Draft {
    /// These sequences are there already.
    pub(super) fn new(sequences: Vec<Arc<Sequence>>) -> Self {
        Self { left: TEXT_MAX_BYTES, sequences }
    }

    /// Counts a piece, so that sources that name one value many times are refused before they are put together.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), Stop> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            let message =
                format!("the values of an argument are more than {TEXT_MAX_BYTES} bytes; pass large values as blobs");
            Stop::Error(ArgumentError::Invalid(message))
        })?;
        Ok(())
    }

    fn spent(&mut self, text: String) -> Result<String, Stop> {
        self.spend(text.len())?;
        Ok(text)
    }

    /// Sources that name the same values share a sequence, and what is known of it.
    fn marker(&mut self, sequence: Arc<Sequence>) -> Result<String, Stop> {
        let known = self.sequences.iter().position(|it| Arc::ptr_eq(it, &sequence));
        let id = known.unwrap_or(self.sequences.len());
        let len = sequence.len();
        if known.is_none() {
            self.sequences.push(sequence);
        }
        self.spent(format!(r#"{{"$waft":"sequence","id":{id},"len":{len}}}"#))
    }
}

/// Notes what is wanted and goes on.
pub(super) fn go_on<T>(result: Result<T, Stop>, is_wanting: &mut bool) -> Result<Option<T>, Stop> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Stop::Wanted) => {
            *is_wanting = true;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Stop {
    Stop::Error(ArgumentError::Invalid(message.into()))
}

/// Whoever gave the instance to this worker did not say enough; another one may.
fn unplaced() -> Stop {
    Stop::Error(ArgumentError::Unavailable("it is not known where the instance stands in nested mappings".to_owned()))
}

/// The sources of one task, for the instances of a batch.
pub(super) struct Evaluation<'a> {
    pub(super) run: &'a ClaimedRun,
    pub(super) dag: &'a Dag,
    pub(super) items: &'a ItemCache,
    pub(super) known: Known,
    pub(super) calls: ItemCalls,
    /// What levels vary over, by the context around them.
    pub(super) axes: HashMap<(ScopeIdx, u32), Arc<[Axis<'a>]>>,
    /// Parsed when a source first asks.
    conf: Option<Value>,
    params: Option<Value>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(run: &'a ClaimedRun, items: &'a ItemCache) -> Self {
        let (dag, known, calls, axes) = (&*run.dag, Known::default(), ItemCalls::default(), HashMap::new());
        Self { run, dag, items, known, calls, axes, conf: None, params: None }
    }

    /// The JSON text of a source. The document's check bounds how deep sources nest.
    pub(super) fn text(&mut self, source: &'a Source, site: Site<'_>, draft: &mut Draft) -> Result<String, Stop> {
        match source {
            Source::Literal(value) => draft.spent(value.to_string()),
            Source::Param(name) => {
                let params = self.params.get_or_insert_with(|| parsed(&self.run.params));
                draft.spent(params.get(name.as_str()).unwrap_or(&Value::Null).to_string())
            }
            Source::Conf(pointer) => {
                let conf = self.conf.get_or_insert_with(|| parsed(&self.run.conf));
                draft.spent(conf.pointer(pointer).unwrap_or(&Value::Null).to_string())
            }
            Source::Variable(name) => draft.spent(self.known.variable(name)?.to_string()),
            Source::Output(output) => self.output(output, site, draft),
            Source::List(sources) => {
                let (mut text, mut is_wanting) = (String::from("["), false);
                for (index, source) in sources.iter().enumerate() {
                    let item = go_on(self.text(source, site, draft), &mut is_wanting)?.unwrap_or_default();
                    if index > 0 {
                        text.push(',');
                    }
                    text.push_str(&item);
                }
                if is_wanting { Err(Stop::Wanted) } else { Ok(text + "]") }
            }
            Source::Object(members) => {
                let (mut text, mut is_wanting) = (String::new(), false);
                for (name, source) in members {
                    let value = go_on(self.text(source, site, draft), &mut is_wanting)?.unwrap_or_default();
                    push_member(&mut text, name, &value);
                }
                if is_wanting { Err(Stop::Wanted) } else { Ok(format!("{{{text}}}")) }
            }
            Source::GroupArg(arg) => {
                let (group, inside) = self.group(arg)?;
                match group.args.get(&arg.arg) {
                    Some(source) => self.text(source, Site { scope: inside, ..site }, draft),
                    None => {
                        let text = self.mapped_arg(inside, &arg.arg, site, draft)?;
                        draft.spent(text.to_string())
                    }
                }
            }
            Source::MapItem(part) => {
                let text = self.map_item(*part, site, draft)?;
                draft.spent(text.to_string())
            }
            Source::Zip(_) | Source::Concat(_) | Source::Map(_) | Source::Filter(_) => {
                let axis = self.axis(source, site, &mut Leaves::unnamed())?;
                self.whole(&axis, site, draft)
            }
        }
    }

    /// One value where there is one instance around this one; a marker for the sequence of several.
    fn output(&mut self, output: &OutputSource, site: Site<'_>, draft: &mut Draft) -> Result<String, Stop> {
        let (node, key) = self.resolve(output)?;
        if let Some(index) = self.around(node, site)? {
            let value = self.known.value(node, &key, index)?;
            let text = value.as_deref().unwrap_or("null");
            draft.spend(text.len())?;
            return Ok(text.to_owned());
        }
        let at = self.dag.common_scope(self.dag.node(node).scope, site.scope);
        let context = Site { scope: at, ..site }.context(self.dag)?;
        let span = self.span(node, site)?;
        let sequence = self.known.sequence(node, &key, context, span)?;
        draft.marker(sequence)
    }

    /// The one instance of a task that is around this one; nothing where there are several.
    pub(super) fn around(&self, node: NodeIdx, site: Site<'_>) -> Result<Option<MapIndex>, Stop> {
        let scope = self.dag.node(node).scope;
        if self.dag.common_scope(scope, site.scope) != scope {
            return Ok(None);
        }
        let index = match scope {
            ScopeIdx::RUN => MapIndex::NONE,
            scope => MapIndex::at(Site { scope, ..site }.context(self.dag)?),
        };
        Ok(Some(index))
    }

    /// The instances of a task of which there are several around this one; nothing where they are all that there are.
    pub(super) fn span<'p>(&self, node: NodeIdx, site: Site<'p>) -> Result<Option<&'p Span>, Stop> {
        let scope = self.dag.node(node).scope;
        let are_all = self.dag.common_scope(scope, site.scope) == ScopeIdx::RUN && self.dag.scope(scope).depth == 1;
        match site.place.span(node) {
            None if !are_all => Err(unplaced()),
            span => Ok(span),
        }
    }

    /// A part of what an instance is mapped over.
    fn map_item(&mut self, part: MapItem, site: Site<'_>, draft: &mut Draft) -> Result<Arc<str>, Stop> {
        if site.scope == ScopeIdx::RUN {
            return Err(invalid("the task is not mapped, so it has no item"));
        }
        let position = site.level(self.dag)?.position;
        match part {
            MapItem::Index => Ok(position.to_string().into()),
            MapItem::Key => {
                let items = self.items_of(site, draft)?;
                Ok(items.key().unwrap_or_else(|| position.to_string().into()))
            }
            MapItem::Value => self.items_of(site, draft)?.value(),
        }
    }

    /// The task and the name of the value.
    pub(super) fn resolve(&self, output: &OutputSource) -> Result<(NodeIdx, Key), Stop> {
        let node = self.dag.find(output.task.as_str());
        let node = node.ok_or_else(|| invalid(format!("task {} is not in this version of the DAG", output.task)))?;
        let key = match &output.key {
            Some(key) => key.clone(),
            None => Key::new(RETURN_VALUE).map_err(|error| invalid(error.to_string()))?,
        };
        Ok((node, key))
    }

    /// A group, and the level that its tasks are in.
    pub(super) fn group(&self, arg: &GroupArgSource) -> Result<(&'a GroupDocument, ScopeIdx), Stop> {
        let groups = &self.dag.document().groups;
        let find = |id: &model::GroupId| groups.iter().position(|group| group.group_id == *id);
        let unknown = || invalid(format!("group {} is not in this version of the DAG", arg.group));
        let position = find(&arg.group).ok_or_else(unknown)?;
        let mut around = Some(position);
        while let Some(at) = around {
            let is_of_group = |of| of == model::dag::ScopeOf::Group(at);
            if let Some((scope, _)) = self.dag.scopes().find(|(_, scope)| is_of_group(scope.of)) {
                return Ok((&groups[position], scope));
            }
            around = groups[at].parent.as_ref().and_then(find);
        }
        Ok((&groups[position], ScopeIdx::RUN))
    }

    /// True where a source gives the same for all instances of its task.
    pub(super) fn is_shared(&self, source: &Source, scope: ScopeIdx) -> bool {
        match source {
            Source::Literal(_) | Source::Param(_) | Source::Conf(_) | Source::Variable(_) => true,
            Source::Output(output) => {
                let node = self.dag.find(output.task.as_str());
                node.is_none_or(|node| self.dag.common_scope(self.dag.node(node).scope, scope) == ScopeIdx::RUN)
            }
            Source::List(sources) => sources.iter().all(|source| self.is_shared(source, scope)),
            Source::Object(members) => members.iter().all(|(_, source)| self.is_shared(source, scope)),
            Source::GroupArg(arg) => self.group(arg).is_ok_and(|(group, inside)| {
                group.args.get(&arg.arg).is_some_and(|source| self.is_shared(source, inside))
            }),
            // A failure of the body is that of one instance.
            Source::MapItem(_) | Source::Map(_) | Source::Filter(_) => false,
            Source::Zip(_) | Source::Concat(_) => {
                source.item_sources().iter().all(|source| self.is_shared(source, scope))
            }
        }
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

pub(super) fn push_member(object: &mut String, name: &str, value: &str) {
    if !object.is_empty() {
        object.push(',');
    }
    object.push_str(&Value::from(name).to_string());
    object.push(':');
    object.push_str(value);
}
