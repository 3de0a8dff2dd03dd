//! Arguments of task instances: sources of the DAG document become the JSON object that a body gets.
//!
//! Instances of one task share everything but their items, so that part is resolved once for a batch. Evaluating is pure: it tells what
//! it has to know, that is read for the whole batch, and what could not be made is made again.
//!
//! Items that pass through bodies need these to be called first: whoever asked has them called and asks again with what they answered.
//!
//! The parts: `source` makes texts, `axis` finds items, `mapped` makes arguments of them, `known` is what was read and what is wanted,
//! `calls` what bodies answered and which are wanted, `fetch` reads.

use std::sync::Arc;

use blobs::BlobStore;
use model::document::{Expand, TaskDocument};
use model::limits::json::TEXT_MAX_BYTES;
use model::{Entrypoint, NodeIdx, Place, ScopeIdx};
use sandbox::ItemCall;
use store::{ClaimedRun, StoreError, StoredValue, ValueStore, VariableStore, XcomRow};

use crate::item_answers::ItemAnswers;
use crate::items::ItemCache;
use crate::sequence::Sequence;

mod axis;
mod calls;
mod fetch;
mod known;
mod mapped;
mod source;

pub(crate) use fetch::json_of;
use known::Stop;
use mapped::Mapped;
use source::{Draft, Evaluation, Site, go_on, invalid, push_member};

/// Why there are no arguments.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ArgumentError {
    /// The attempt fails: trying again with the same values cannot help.
    #[error("{0}")]
    Invalid(String),
    /// The instance has no item: it is skipped.
    #[error("{0}")]
    Missing(Missing),
    /// A value could not be read now.
    #[error("cannot read a value that the task needs: {0}")]
    Unavailable(String),
}

/// Why there is no item at a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missing {
    #[error("no-item: what this instance is mapped over left no value")]
    NoValue,
    #[error("filtered-out: body {0} answered false for the item")]
    Filtered(Entrypoint),
    /// A body that made something of the item said so.
    #[error("{0}")]
    Skipped(String),
}

impl From<StoreError> for ArgumentError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Reads values, wherever they are.
pub(crate) struct ArgumentReader {
    pub(crate) values: Arc<dyn ValueStore>,
    pub(crate) variables: Arc<dyn VariableStore>,
    pub(crate) blobs: BlobStore,
    pub(crate) items: ItemCache,
}

/// What a body is called with.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// Text of a JSON object.
    pub(crate) text: String,
    /// The sequences that markers in it name by their number.
    pub(crate) sequences: Vec<Arc<Sequence>>,
    /// JSON text of the key of the item; nothing where nothing is mapped.
    pub(crate) map_key: Option<Arc<str>>,
    /// Texts that stand in it and that nobody reads in a log.
    pub(crate) secrets: Vec<Arc<str>>,
}

/// Bodies to call before there are arguments.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(crate) calls: Vec<ItemCall>,
    /// The sequences that markers in the items name by their number.
    pub(crate) sequences: Vec<Arc<Sequence>>,
    pub(crate) secrets: Vec<Arc<str>>,
}

/// What came of one instance.
#[derive(Debug)]
pub(crate) enum Made {
    Arguments(Arguments),
    /// Items pass through these first.
    Calls(Calls),
    Refused(ArgumentError),
}

/// An instance whose arguments are wanted.
pub(crate) struct Wanting {
    pub(crate) place: Place,
    /// What bodies made of its items so far.
    pub(crate) answers: Arc<ItemAnswers>,
}

/// What the instances of one task share.
struct Shared {
    members: Vec<(String, String)>,
    /// They, joined by commas.
    text: String,
    sequences: Vec<Arc<Sequence>>,
}

impl ArgumentReader {
    /// Resolves the arguments of instances of one task, in the same order.
    pub(crate) async fn resolve(
        &self,
        run: &ClaimedRun,
        node: NodeIdx,
        instances: &[Wanting],
    ) -> Result<Vec<Made>, ArgumentError> {
        let mut evaluation = Evaluation::new(run, &self.items);
        let mut shared = None;
        let mut made: Vec<Option<Made>> = instances.iter().map(|_| None).collect();
        let mut calls: Vec<Option<Calls>> = instances.iter().map(|_| None).collect();
        loop {
            if shared.is_none()
                && let Some(Wanting { place, .. }) = instances.first()
            {
                shared = go_on(evaluation.shared(node, place), &mut false).map_err(error_of)?;
            }
            let open = instances.iter().zip(&mut made).zip(&mut calls).filter(|((_, made), _)| made.is_none());
            for ((Wanting { place, answers }, made), calls) in open {
                evaluation.calls.begin(answers.clone());
                let mut draft = Draft::new(shared.as_ref().map(|it: &Shared| it.sequences.clone()).unwrap_or_default());
                let result = evaluation.instance(node, place, shared.as_ref(), &mut draft);
                *made = match go_on(result, &mut false) {
                    Ok(arguments) => arguments.map(Made::Arguments),
                    Err(stop) => Some(Made::Refused(error_of(stop))),
                };
                let (wanted, secrets) = (evaluation.calls.take(), evaluation.known.secrets());
                *calls = Some(Calls { calls: wanted, sequences: draft.sequences, secrets });
            }
            let left = made.iter().filter(|made| made.is_none()).count();
            let wanted = evaluation.known.take_wanted();
            if left == 0 || wanted.is_empty() {
                break;
            }
            self.fetch(run, wanted, left * TEXT_MAX_BYTES, &mut evaluation.known).await?;
        }
        let unresolved = |calls: Option<Calls>| match calls.filter(|calls| !calls.calls.is_empty()) {
            Some(calls) => Made::Calls(calls),
            None => Made::Refused(ArgumentError::Unavailable("nothing more could be read".to_owned())),
        };
        Ok(made.into_iter().zip(calls).map(|(made, calls)| made.unwrap_or_else(|| unresolved(calls))).collect())
    }
}

impl<'a> Evaluation<'a> {
    /// The arguments that are the same for all instances.
    fn shared(&mut self, node: NodeIdx, place: &Place) -> Result<Shared, Stop> {
        let site = Site { scope: self.dag.node(node).scope, place };
        let mut draft = Draft::new(Vec::new());
        let members = self.members(self.dag.task(node), site, true, &mut draft)?;
        let mut text = String::new();
        members.iter().for_each(|(name, value)| push_member(&mut text, name, value));
        Ok(Shared { members, text, sequences: draft.sequences })
    }

    /// The fixed arguments that are shared, or those that are not.
    fn members(
        &mut self,
        task: &'a TaskDocument,
        site: Site<'_>,
        are_shared: bool,
        draft: &mut Draft,
    ) -> Result<Vec<(String, String)>, Stop> {
        let (mut members, mut is_wanting) = (Vec::new(), false);
        for (name, source) in &task.args {
            if self.is_shared(source, site.scope) == are_shared {
                let text = go_on(self.text(source, site, draft), &mut is_wanting)?;
                members.extend(text.map(|text| (name.to_string(), text)));
            }
        }
        if is_wanting { Err(Stop::Wanted) } else { Ok(members) }
    }

    /// The arguments of one instance; without what is shared it only tells what it has to know.
    fn instance(
        &mut self,
        node: NodeIdx,
        place: &Place,
        shared: Option<&Shared>,
        draft: &mut Draft,
    ) -> Result<Arguments, Stop> {
        let task = self.dag.task(node);
        let site = Site { scope: self.dag.node(node).scope, place };
        let mut is_wanting = shared.is_none();
        let own = go_on(self.members(task, site, false, draft), &mut is_wanting)?.unwrap_or_default();
        let (mut map_key, mut given) = (None, Vec::new());
        if site.scope != ScopeIdx::RUN {
            map_key = Some(site.level(self.dag)?.position.to_string().into());
            let mapped = self.given(task, site, draft);
            if let Some(Some(mapped)) = go_on(mapped, &mut is_wanting)? {
                map_key = mapped.key().or(map_key);
                if task.expand.is_some() {
                    given = mapped.members()?;
                }
            }
        }
        let Some(shared) = shared.filter(|_| !is_wanting) else { return Err(Stop::Wanted) };
        let text = joined(task, shared, own, given)?;
        let (sequences, secrets) = (std::mem::take(&mut draft.sequences), self.known.secrets());
        Ok(Arguments { text, sequences, map_key, secrets })
    }

    /// What an instance is mapped over, where it takes that or its item has a key; a task inside a mapped group may do neither.
    fn given(&mut self, task: &TaskDocument, site: Site<'_>, draft: &mut Draft) -> Result<Option<Mapped<'a>>, Stop> {
        if task.expand.is_none() && !self.has_keys(site)? {
            return Ok(None);
        }
        self.items_of(site, draft).map(Some)
    }
}

/// The object of arguments. What an `each` gives may stand for a fixed argument, if its author says so.
fn joined(
    task: &TaskDocument,
    shared: &Shared,
    own: Vec<(String, String)>,
    given: Vec<(String, Arc<str>)>,
) -> Result<String, Stop> {
    let is_given = |name: &str| given.iter().any(|(given, _)| given == name);
    let twice = match &task.expand {
        Some(Expand::Each(_)) => given.iter().find(|(name, _)| task.args.contains_key(name.as_str())),
        _ => None,
    };
    let mut text = String::new();
    match (&task.expand, twice) {
        (Some(Expand::Each(each)), Some((name, _))) if !each.overriding => {
            return Err(invalid(format!(
                "duplicate-argument: the item gives argument {name:?}, which `args` gives too; remove one, or set `overriding`"
            )));
        }
        (_, Some(_)) => {
            let shared = shared.members.iter().filter(|(name, _)| !is_given(name));
            shared.for_each(|(name, value)| push_member(&mut text, name, value));
        }
        (_, None) => text.push_str(&shared.text),
    }
    let own = own.iter().filter(|(name, _)| twice.is_none() || !is_given(name));
    own.for_each(|(name, value)| push_member(&mut text, name, value));
    given.iter().for_each(|(name, value)| push_member(&mut text, name, value));
    let text = format!("{{{text}}}");
    if text.len() > TEXT_MAX_BYTES {
        return Err(invalid(format!(
            "the arguments are {} bytes, at most {TEXT_MAX_BYTES} are possible; pass large values as blobs",
            text.len()
        )));
    }
    Ok(text)
}

fn error_of(stop: Stop) -> ArgumentError {
    match stop {
        Stop::Error(error) => error,
        Stop::Wanted => ArgumentError::Unavailable("something was not read".to_owned()),
    }
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

#[cfg(test)]
mod tests;
