//! Items of what tasks and groups are mapped over: an *axis* is one source with items, in the words of crate `plan`, which counts them.
//!
//! Positions never shift: an item that is missing has its place, and whoever is mapped over it is skipped.

use std::sync::Arc;

use model::document::{Expand, GroupArgSource, Source, ZipSource};
use model::place::Span;
use model::{Entrypoint, Key, MapIndex, NodeIdx, ScopeIdx};
use sandbox::ItemAnswer;
use serde_json::Value;

use super::known::Stop;
use super::mapped::Mapped;
use super::source::{Draft, Evaluation, Site, go_on, invalid};
use super::{ArgumentError, Missing};
use crate::answer::is_true;
use crate::items::{Items, ItemsKey, split};

/// Something with items.
pub(super) enum Axis<'a> {
    /// Of a text that is known.
    Items(Items),
    /// Each from a source of its own, which stands in this level.
    List {
        sources: &'a [Source],
        scope: ScopeIdx,
    },
    /// `[key, value]` pairs, each value from a source of its own.
    Members {
        members: &'a [(String, Source)],
        scope: ScopeIdx,
    },
    /// The values of the instances of a task.
    Instances {
        node: NodeIdx,
        key: Key,
        span: Option<Span>,
        len: u32,
    },
    Concat(Vec<Axis<'a>>),
    Zip {
        parts: Vec<Axis<'a>>,
        fill: Option<&'a Value>,
    },
    /// What a body makes of each item.
    Map {
        of: Box<Axis<'a>>,
        entrypoint: &'a Entrypoint,
    },
    /// The items for which a body answers true.
    Filter {
        of: Box<Axis<'a>>,
        entrypoint: &'a Entrypoint,
    },
}

impl Axis<'_> {
    fn has_keys(&self) -> bool {
        match self {
            Self::Items(items) => items.are_pairs,
            Self::Members { .. } => true,
            Self::Concat(parts) => parts.iter().any(Self::has_keys),
            Self::Filter { of, .. } => of.has_keys(),
            Self::List { .. } | Self::Instances { .. } | Self::Zip { .. } | Self::Map { .. } => false,
        }
    }

    fn len(&self) -> u32 {
        match self {
            Self::Items(items) => saturated(items.len()),
            Self::List { sources, .. } => saturated(sources.len()),
            Self::Members { members, .. } => saturated(members.len()),
            Self::Instances { len, .. } => *len,
            Self::Map { of, .. } | Self::Filter { of, .. } => of.len(),
            Self::Concat(parts) => parts.iter().map(Self::len).fold(0, u32::saturating_add),
            Self::Zip { parts, fill } => {
                let lengths = parts.iter().map(Self::len);
                if fill.is_some() { lengths.max() } else { lengths.min() }.unwrap_or(0)
            }
        }
    }
}

/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) text: Arc<str>,
    /// It is the `[key, value]` of an object.
    pub(super) is_pair: bool,
}

/// What stands at a position.
enum Found {
    Item(Item),
    Missing(Missing),
}

impl Found {
    const NOTHING: Self = Self::Missing(Missing::NoValue);

    /// An item that is no member of an object.
    fn item(text: impl Into<Arc<str>>) -> Self {
        Self::Item(Item { text: text.into(), is_pair: false })
    }
}

/// Names the texts that are split, so that they are split once.
pub(super) struct Leaves {
    /// What is mapped over them, and the context around that; nothing where they are not kept.
    of: Option<(ScopeIdx, u32)>,
    count: usize,
}

impl Leaves {
    /// Of a value that nothing is mapped over.
    pub(super) fn unnamed() -> Self {
        Self { of: None, count: 0 }
    }
}

impl<'a> Evaluation<'a> {
    /// The items of a source.
    pub(super) fn axis(&mut self, source: &'a Source, site: Site<'_>, leaves: &mut Leaves) -> Result<Axis<'a>, Stop> {
        match source {
            Source::List(sources) => return Ok(Axis::List { sources, scope: site.scope }),
            Source::Object(members) => return Ok(Axis::Members { members, scope: site.scope }),
            Source::Concat(sources) => return Ok(Axis::Concat(self.parts(sources, site, leaves)?)),
            Source::Zip(ZipSource { sources, fill }) => {
                return Ok(Axis::Zip { parts: self.parts(sources, site, leaves)?, fill: fill.as_ref() });
            }
            Source::Map(transform) => {
                let of = Box::new(self.axis(&transform.source, site, leaves)?);
                return Ok(Axis::Map { of, entrypoint: &transform.entrypoint });
            }
            Source::Filter(transform) => {
                let of = Box::new(self.axis(&transform.source, site, leaves)?);
                return Ok(Axis::Filter { of, entrypoint: &transform.entrypoint });
            }
            Source::Output(output) => {
                let (node, key) = self.resolve(output)?;
                if self.around(node, site)?.is_none() {
                    let span = self.span(node, site)?.cloned();
                    let len = match &span {
                        Some(span) => span.len(),
                        None => self.known.length(node)?,
                    };
                    return Ok(Axis::Instances { node, key, span, len });
                }
            }
            Source::GroupArg(arg) => {
                if let Some((source, scope)) = self.fixed_of_group(arg)? {
                    return self.axis(source, Site { scope, ..site }, leaves);
                }
            }
            Source::Literal(_) | Source::Param(_) | Source::Conf(_) | Source::Variable(_) | Source::MapItem(_) => {}
        }
        self.leaf(source, site, leaves).map(Axis::Items)
    }

    fn fixed_of_group(&self, arg: &GroupArgSource) -> Result<Option<(&'a Source, ScopeIdx)>, Stop> {
        let (group, inside) = self.group(arg)?;
        Ok(group.args.get(&arg.arg).map(|source| (source, inside)))
    }

    fn parts(&mut self, sources: &'a [Source], site: Site<'_>, leaves: &mut Leaves) -> Result<Vec<Axis<'a>>, Stop> {
        let (mut parts, mut is_wanting) = (Vec::with_capacity(sources.len()), false);
        for source in sources {
            parts.extend(go_on(self.axis(source, site, leaves), &mut is_wanting)?);
        }
        if is_wanting { Err(Stop::Wanted) } else { Ok(parts) }
    }

    /// The items of a text.
    fn leaf(&mut self, source: &'a Source, site: Site<'_>, leaves: &mut Leaves) -> Result<Items, Stop> {
        let number = leaves.count;
        leaves.count += 1;
        let (run, clears) = (self.run.key, self.run.clears);
        let key = leaves.of.map(|(scope, context)| ItemsKey { run, clears, scope, context, number });
        if let Some(items) = key.and_then(|key| self.items.get(key)) {
            return Ok(items);
        }
        let text = self.text(source, site, &mut Draft::new(Vec::new()))?;
        let items = split(&text).ok_or_else(|| {
            invalid(format!("items are taken of {}, and a list or an object is needed", model::json::kind(&text)))
        })?;
        if let Some(key) = key {
            self.items.put(key, items.clone());
        }
        Ok(items)
    }

    /// What an instance is mapped over in the level of `site`.
    pub(super) fn items_of(&mut self, site: Site<'_>, draft: &mut Draft) -> Result<Mapped<'a>, Stop> {
        let (dag, position) = (self.dag, site.level(self.dag)?.position);
        let expand = dag.expand_of(site.scope).ok_or_else(|| invalid("what it is mapped over is not known"))?;
        let axes = self.axes_of(expand, site)?;
        let fill = match expand {
            Expand::Zip(zip) => zip.fill.as_ref(),
            Expand::Product(_) | Expand::Each(_) => None,
        };
        let (mut items, mut is_wanting) = (Vec::with_capacity(axes.len()), false);
        // Whoever takes a part of it counts that part.
        let left = draft.left;
        for (number, (axis, at)) in axes.iter().zip(coordinates(expand, &axes, position)).enumerate() {
            let item = self.item_or_fill(axis, fill, at, site, draft);
            match go_on(item, &mut is_wanting)? {
                Some(Found::Item(item)) => items.push(item),
                Some(Found::Missing(why)) => return Err(no_item(expand, number, axis, at, why)),
                None => {}
            }
        }
        draft.left = left;
        if is_wanting { Err(Stop::Wanted) } else { Ok(Mapped { expand, items, position }) }
    }

    /// True where the items of a level may be members of an object.
    pub(super) fn has_keys(&mut self, site: Site<'_>) -> Result<bool, Stop> {
        let Some(expand) = self.dag.expand_of(site.scope) else { return Ok(false) };
        let axes = self.axes_of(expand, site)?;
        Ok(matches!(&*axes, [axis] if axis.has_keys()))
    }

    fn axes_of(&mut self, expand: &'a Expand, site: Site<'_>) -> Result<Arc<[Axis<'a>]>, Stop> {
        let scope = self.dag.scope(site.scope).parent.unwrap_or(ScopeIdx::RUN);
        let around = Site { scope, ..site };
        let context = around.context(self.dag)?;
        if let Some(axes) = self.axes.get(&(site.scope, context)) {
            return Ok(axes.clone());
        }
        let mut leaves = Leaves { of: Some((site.scope, context)), count: 0 };
        let (mut axes, mut is_wanting) = (Vec::new(), false);
        for (_, source) in expand.sources() {
            axes.extend(go_on(self.axis(source, around, &mut leaves), &mut is_wanting)?);
        }
        if is_wanting {
            return Err(Stop::Wanted);
        }
        let axes: Arc<[Axis<'a>]> = axes.into();
        self.axes.insert((site.scope, context), axes.clone());
        Ok(axes)
    }

    fn item_or_fill(
        &mut self,
        axis: &Axis<'a>,
        fill: Option<&Value>,
        at: u32,
        site: Site<'_>,
        draft: &mut Draft,
    ) -> Result<Found, Stop> {
        match fill {
            Some(fill) if at >= axis.len() => Ok(Found::item(fill.to_string())),
            _ => self.item(axis, at, site, draft),
        }
    }

    /// An item, or why there is none at this position.
    fn item(&mut self, axis: &Axis<'a>, at: u32, site: Site<'_>, draft: &mut Draft) -> Result<Found, Stop> {
        match axis {
            Axis::Items(items) => Ok(items
                .get(at)
                .map_or(Found::NOTHING, |text| Found::Item(Item { text: text.clone(), is_pair: items.are_pairs }))),
            Axis::List { sources, scope } => {
                let Some(source) = sources.get(at as usize) else { return Ok(Found::NOTHING) };
                Ok(Found::item(self.text(source, Site { scope: *scope, ..site }, draft)?))
            }
            Axis::Members { members, scope } => {
                let Some((name, source)) = members.get(at as usize) else { return Ok(Found::NOTHING) };
                let value = self.text(source, Site { scope: *scope, ..site }, draft)?;
                let text = format!("[{},{value}]", Value::from(name.as_str()));
                Ok(Found::Item(Item { text: text.into(), is_pair: true }))
            }
            Axis::Instances { node, key, span, len } => {
                let index = match span {
                    Some(span) => span.at(at),
                    None => Some(at).filter(|at| at < len),
                };
                let Some(index) = index else { return Ok(Found::NOTHING) };
                Ok(self.known.value(*node, key, MapIndex::at(index))?.map_or(Found::NOTHING, Found::item))
            }
            Axis::Concat(parts) => {
                let mut at = at;
                for part in parts {
                    if at < part.len() {
                        return self.item(part, at, site, draft);
                    }
                    at -= part.len();
                }
                Ok(Found::NOTHING)
            }
            Axis::Zip { parts, fill } => self.zipped(parts, *fill, at, site, draft),
            Axis::Map { of, entrypoint } => {
                let item = match self.item(of, at, site, draft)? {
                    Found::Item(item) => item,
                    missing @ Found::Missing(_) => return Ok(missing),
                };
                Ok(match self.calls.answer(entrypoint, &item.text)? {
                    ItemAnswer::Value(Some(text)) => Found::item(text),
                    ItemAnswer::Value(None) => Found::NOTHING,
                    ItemAnswer::Skipped(reason) => Found::Missing(Missing::Skipped(reason)),
                })
            }
            Axis::Filter { of, entrypoint } => {
                let item = match self.item(of, at, site, draft)? {
                    Found::Item(item) => item,
                    missing @ Found::Missing(_) => return Ok(missing),
                };
                Ok(match self.calls.answer(entrypoint, &item.text)? {
                    ItemAnswer::Value(answer) if is_true(answer.as_deref()) => Found::Item(item),
                    ItemAnswer::Value(_) => Found::Missing(Missing::Filtered((*entrypoint).clone())),
                    ItemAnswer::Skipped(reason) => Found::Missing(Missing::Skipped(reason)),
                })
            }
        }
    }

    /// The items at one position as a list, if all are there.
    fn zipped(
        &mut self,
        parts: &[Axis<'a>],
        fill: Option<&Value>,
        at: u32,
        site: Site<'_>,
        draft: &mut Draft,
    ) -> Result<Found, Stop> {
        let (mut text, mut is_wanting, mut missing) = (String::from("["), false, None);
        for (number, part) in parts.iter().enumerate() {
            let part = self.item_or_fill(part, fill, at, site, draft);
            match go_on(part, &mut is_wanting)? {
                Some(Found::Item(part)) => {
                    if number > 0 {
                        text.push(',');
                    }
                    text.push_str(&part.text);
                }
                Some(Found::Missing(why)) => missing = missing.or(Some(why)),
                None => {}
            }
        }
        match (missing, is_wanting) {
            (Some(why), _) => Ok(Found::Missing(why)),
            (None, true) => Err(Stop::Wanted),
            (None, false) => Ok(Found::item(text + "]")),
        }
    }

    /// All items as a list; those that are missing are left out.
    pub(super) fn whole(&mut self, axis: &Axis<'a>, site: Site<'_>, draft: &mut Draft) -> Result<String, Stop> {
        let (mut text, mut is_wanting) = (String::from("["), false);
        for at in 0..axis.len() {
            // Each item has a comma at least, so that a list that is too long is refused before it is read.
            draft.spend(1)?;
            let left = draft.left;
            let item = self.item(axis, at, site, draft);
            let Some(Found::Item(item)) = go_on(item, &mut is_wanting)? else { continue };
            draft.spend(item.text.len().saturating_sub(left - draft.left))?;
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&item.text);
        }
        if is_wanting { Err(Stop::Wanted) } else { Ok(text + "]") }
    }
}

/// The position in each axis: row-major, the last one fastest; the same in all where they vary together.
fn coordinates(expand: &Expand, axes: &[Axis<'_>], position: u32) -> Vec<u32> {
    if !matches!(expand, Expand::Product(_)) {
        return vec![position; axes.len()];
    }
    let mut rest = position;
    let mut at = vec![0; axes.len()];
    for (index, axis) in axes.iter().enumerate().rev() {
        let length = axis.len().max(1);
        at[index] = if index == 0 { rest } else { rest % length };
        rest /= length;
    }
    at
}

fn no_item(expand: &Expand, number: usize, axis: &Axis<'_>, at: u32, why: Missing) -> Stop {
    let length = axis.len();
    if at < length {
        return Stop::Error(ArgumentError::Missing(why));
    }
    let name = expand.sources().nth(number).and_then(|(arg, _)| arg).map_or("each", Key::as_str);
    invalid(format!("argument {name:?} has no item {at}; its list has {length}"))
}

fn saturated(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
