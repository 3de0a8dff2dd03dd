//! Pools.

use control::PoolChange;
use model::{PoolName, Problem};

use super::{Mask, not_yet, same_name};
use crate::wire::pool::{PoolBody, PoolPatchBody};

/// What of a pool can be changed.
pub(crate) const POOL_FIELDS: &[&str] = &["slots", "description", "include_deferred"];

/// A pool to make: its name, its slots and the rest.
pub(crate) fn new_pool(body: PoolBody) -> Result<(PoolName, Option<u32>, PoolChange), Vec<Problem>> {
    let mut problems = Vec::new();
    if body.team_name.is_some() {
        problems.push(not_yet("/team_name"));
    }
    let slots = slots(body.slots, &mut problems);
    let name = PoolName::new(&body.name)
        .map_err(|error| problems.push(Problem::error("invalid-name", "/name", error.to_string())));
    match name {
        Ok(name) if problems.is_empty() => {
            let description = Some(body.description);
            Ok((name, slots, PoolChange { slots: None, description, include_deferred: Some(body.include_deferred) }))
        }
        _ => Err(problems),
    }
}

pub(crate) fn pool_change(name: &PoolName, body: PoolPatchBody, mask: &Mask) -> Result<PoolChange, Vec<Problem>> {
    let mut problems = Vec::new();
    same_name(body.name.as_deref(), name.as_str(), "/name", &mut problems);
    if body.team_name.is_some() {
        problems.push(not_yet("/team_name"));
    }
    let mut missing = |field, is_missing: bool| {
        if is_missing && mask.names(field) {
            let message = format!("update_mask names {field}, and the body does not say it");
            problems.push(Problem::error("missing-field", format!("/{field}"), message));
        }
    };
    missing("slots", body.slots.is_none());
    missing("include_deferred", body.include_deferred.is_none());
    let slots = body.slots.filter(|_| mask.has("slots")).map(|said| slots(said, &mut problems));
    let description = (mask.names("description") || mask.has("description") && body.description.is_some())
        .then_some(body.description);
    let include_deferred = body.include_deferred.filter(|_| mask.has("include_deferred"));
    if problems.is_empty() { Ok(PoolChange { slots, description, include_deferred }) } else { Err(problems) }
}

fn slots(said: i64, problems: &mut Vec<Problem>) -> Option<u32> {
    match (said, u32::try_from(said)) {
        (-1, _) => None,
        (_, Ok(slots)) => Some(slots),
        (_, Err(_)) => {
            problems.push(Problem::error("out-of-range", "/slots", "say how many slots, or -1 for no limit"));
            None
        }
    }
}
