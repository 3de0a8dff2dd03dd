//! Walks sources. Their depth is checked before anything else, so the recursion is bounded.

use serde_json::Value;

use crate::document::Source;
use crate::pointer::Pointer;

/// Shows `visit` a source and those in it, with the pointers to them; what holds others comes before them.
pub(super) fn walk<'a>(source: &'a Source, at: &mut Pointer, visit: &mut impl FnMut(&'a Source, &Pointer)) {
    visit(source, at);
    inner(source, at, &mut |source, at| walk(source, at, visit));
}

/// The sources directly in one, with the pointers to them.
pub(super) fn inner<'a>(source: &'a Source, at: &mut Pointer, visit: &mut impl FnMut(&'a Source, &mut Pointer)) {
    let mut list = |sources: &'a [Source], at: &mut Pointer| {
        for (i, source) in sources.iter().enumerate() {
            at.within_index(i, |at| visit(source, at));
        }
    };
    match source {
        Source::List(items) => at.within("list", |at| list(items, at)),
        Source::Concat(sources) => at.within("concat", |at| list(sources, at)),
        Source::Zip(zip) => at.within("zip", |at| at.within("sources", |at| list(&zip.sources, at))),
        Source::Map(transform) => at.within("map", |at| at.within("source", |at| visit(&transform.source, at))),
        Source::Filter(transform) => at.within("filter", |at| at.within("source", |at| visit(&transform.source, at))),
        Source::Object(members) => at.within("object", |at| {
            for (i, (_, member)) in members.iter().enumerate() {
                at.within_index(i, |at| at.within_index(1, |at| visit(member, at)));
            }
        }),
        Source::Literal(_)
        | Source::Output(_)
        | Source::Param(_)
        | Source::Conf(_)
        | Source::Variable(_)
        | Source::GroupArg(_)
        | Source::MapItem(_) => {}
    }
}

/// True where sources nest at most `levels` deep.
pub(super) fn is_within(source: &Source, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return false };
    match source {
        Source::List(items) => items.iter().all(|item| is_within(item, levels)),
        Source::Object(members) => members.iter().all(|(_, member)| is_within(member, levels)),
        source => source.item_sources().iter().all(|source| is_within(source, levels)),
    }
}

/// True where the part of the value that is known nests at most `levels` deep.
pub(super) fn value_is_within(source: &Source, levels: usize) -> bool {
    match source {
        Source::Literal(value) => json_is_within(value, levels),
        Source::List(items) => {
            levels.checked_sub(1).is_some_and(|levels| items.iter().all(|item| value_is_within(item, levels)))
        }
        Source::Object(members) => levels
            .checked_sub(1)
            .is_some_and(|levels| members.iter().all(|(_, member)| value_is_within(member, levels))),
        source => source.item_sources().iter().all(|source| value_is_within(source, levels)),
    }
}

/// How many items a source has, where the document says; `None` in it when the number does not fit 64 bits.
#[expect(clippy::option_option, reason = "unknown, too large and known are three answers")]
pub(super) fn known_length(source: &Source) -> Option<Option<u64>> {
    match source {
        Source::Literal(Value::Array(items)) => Some(Some(items.len() as u64)),
        Source::Literal(Value::Object(members)) => Some(Some(members.len() as u64)),
        Source::List(items) => Some(Some(items.len() as u64)),
        Source::Object(members) => Some(Some(members.len() as u64)),
        Source::Map(transform) | Source::Filter(transform) => known_length(&transform.source),
        Source::Concat(sources) => {
            let lengths: Vec<_> = sources.iter().map(known_length).collect::<Option<_>>()?;
            Some(lengths.into_iter().try_fold(0_u64, |sum, length| sum.checked_add(length?)))
        }
        Source::Zip(zip) => {
            let lengths: Vec<_> = zip.sources.iter().map(known_length).collect::<Option<_>>()?;
            // What does not fit is longer than everything that does.
            let shortest = || lengths.iter().min_by_key(|length| length.unwrap_or(u64::MAX));
            let longest = || lengths.iter().max_by_key(|length| length.unwrap_or(u64::MAX));
            Some(if zip.fill.is_some() { longest() } else { shortest() }.copied().unwrap_or(Some(0)))
        }
        _ => None,
    }
}

fn json_is_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => {
            levels.checked_sub(1).is_some_and(|levels| items.iter().all(|item| json_is_within(item, levels)))
        }
        Value::Object(members) => {
            levels.checked_sub(1).is_some_and(|levels| members.values().all(|member| json_is_within(member, levels)))
        }
        _ => true,
    }
}
