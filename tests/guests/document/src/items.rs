//! Bodies through which items pass: their argument is `{"item": …}`.

use serde_json::Value;

use crate::exports::waft::task::task_bodies::Outcome;
use crate::failed;

/// What the body of this name makes of its item; nothing where there is no such body.
pub(crate) fn of(name: &str, args: &str) -> Option<Outcome> {
    if !["times_ten", "is_even", "odd_fails", "odd_skips", "odd_none"].contains(&name) {
        return None;
    }
    let item = serde_json::from_str::<Value>(args).ok().and_then(|args| args.get("item").cloned()).unwrap_or_default();
    let Some(number) = item.as_i64() else { return Some(failed(&format!("{item} is no number"))) };
    let is_even = number % 2 == 0;
    let give = |value: Value| Outcome::Success(Some(value.to_string()));
    Some(match name {
        "times_ten" => give((number * 10).into()),
        "is_even" => give(is_even.into()),
        _ if is_even => give(item),
        "odd_skips" => Outcome::Skipped(format!("{number} is odd")),
        "odd_none" => Outcome::Success(None),
        _ => failed(&format!("{number} is odd")),
    })
}
