//! What every completion keeps to. The child has seen to it already; a guest that has taken its process over has not, so the same rules
//! are applied where a completion arrives, before anybody relies on it.

use model::json;
use model::limits::asset::{EVENT_BYTES_PER_ATTEMPT_MAX, EVENTS_PER_ATTEMPT_MAX};
use model::limits::json::TEXT_MAX_BYTES;
use model::limits::value::{XCOM_BYTES_PER_ATTEMPT_MAX, XCOM_KEYS_PER_ATTEMPT_MAX};
use model::outcome::{EmittedEvent, End};

use crate::capability::{RESULT_KEY, check_event};
use crate::{Completion, ItemAnswer};

/// Tells which rule a completion breaks.
pub(super) fn check(completion: &Completion) -> Result<(), String> {
    let Completion { end, result, xcoms, asset_events, items, .. } = completion;
    let has_values = result.is_some() || !xcoms.is_empty() || !asset_events.is_empty() || !items.is_empty();
    if *end != End::Success && has_values {
        return Err("values come with a success alone".to_owned());
    }
    if let End::Deferred { wake } = end {
        wake.check().map_err(|why| format!("it is deferred, which cannot be: {why}"))?;
    }
    if let Some(result) = result {
        json::check(result).map_err(|error| format!("the result cannot be taken: {error}"))?;
    }
    if xcoms.len() > XCOM_KEYS_PER_ATTEMPT_MAX {
        return Err(format!("{} XCom keys; at most {XCOM_KEYS_PER_ATTEMPT_MAX} are possible", xcoms.len()));
    }
    if !xcoms.is_sorted_by(|(one, _), (next, _)| one < next) {
        return Err("an XCom key that stands twice, or out of order".to_owned());
    }
    let bytes: usize = xcoms.iter().map(|(key, value)| key.as_str().len() + value.len()).sum();
    if bytes > XCOM_BYTES_PER_ATTEMPT_MAX {
        return Err(format!("{bytes} bytes of XComs; at most {XCOM_BYTES_PER_ATTEMPT_MAX} are possible"));
    }
    for (key, value) in xcoms {
        if key.as_str() == RESULT_KEY {
            return Err(format!("the XCom {RESULT_KEY} was pushed, which is the task's result"));
        }
        json::check(value).map_err(|error| format!("the XCom {key} cannot be taken: {error}"))?;
    }
    check_events(asset_events)?;
    check_items(items)
}

fn check_events(events: &[EmittedEvent]) -> Result<(), String> {
    let bytes: usize = events.iter().map(|event| event.extra.len()).sum();
    if events.len() > EVENTS_PER_ATTEMPT_MAX || bytes > EVENT_BYTES_PER_ATTEMPT_MAX {
        return Err(format!(
            "{} events of {bytes} bytes; at most {EVENTS_PER_ATTEMPT_MAX} of {EVENT_BYTES_PER_ATTEMPT_MAX} are possible",
            events.len()
        ));
    }
    for event in events {
        check_event(event).map_err(|error| format!("an event of {} cannot be taken: {error:?}", event.asset))?;
    }
    Ok(())
}

fn check_items(items: &[ItemAnswer]) -> Result<(), String> {
    let (mut bytes, mut texts) = (0, Vec::new());
    for item in items {
        let text = match item {
            ItemAnswer::Value(None) => continue,
            ItemAnswer::Value(Some(text)) => {
                texts.push(text);
                text.len()
            }
            ItemAnswer::Skipped(reason) => reason.len(),
        };
        bytes += text;
    }
    if bytes > TEXT_MAX_BYTES {
        return Err(format!("{bytes} bytes of items; at most {TEXT_MAX_BYTES} are possible"));
    }
    for text in texts {
        json::check(text).map_err(|error| format!("an item cannot be taken: {error}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use model::limits::task::WAKE_NAME_MAX_BYTES;
    use model::outcome::{ResourcesUsed, Wake, WakeOn};
    use model::{AssetName, Key};

    use super::*;

    fn completion(end: End, result: Option<&str>, xcoms: &[(&str, &str)]) -> Completion {
        let xcoms = xcoms.iter().map(|(key, value)| (Key::new(*key).expect("a name"), (*value).to_owned())).collect();
        let result = result.map(str::to_owned);
        Completion { result, xcoms, ..Completion::of(1, end, ResourcesUsed::default(), Vec::new()) }
    }

    /// A JSON string of so many bytes and its quotes.
    fn big_text(bytes: usize) -> String {
        format!("{:?}", "x".repeat(bytes))
    }

    #[track_caller]
    fn refused(completion: Completion, why: &str) {
        let told = check(&completion).expect_err("it breaks a rule");
        assert!(told.contains(why), "{told:?} does not contain {why:?}");
    }

    #[test]
    fn what_an_honest_child_hands_over_passes() {
        assert_eq!(check(&completion(End::Success, Some("{}"), &[("a", "1"), ("b", "[]")])), Ok(()));
        assert_eq!(check(&completion(End::Success, None, &[])), Ok(()));
        assert_eq!(check(&completion(End::Skipped { reason: String::new() }, None, &[])), Ok(()));
    }

    #[test]
    fn every_rule_is_applied_again() {
        let success = |xcoms: &[(&str, &str)]| completion(End::Success, None, xcoms);
        refused(completion(End::Success, Some("{"), &[]), "the result cannot be taken");
        let long = format!("{:?}", "x".repeat(TEXT_MAX_BYTES));
        refused(completion(End::Success, Some(&long), &[]), "more than the");
        refused(success(&[("a", "{\"b\":1,\"b\":2}")]), "the XCom a cannot be taken");
        refused(success(&[("a", "\"\0\"")]), "U+0000");
        let wake = Wake { on: WakeOn::Signal("x".repeat(WAKE_NAME_MAX_BYTES + 1)), timeout_ms: None };
        refused(completion(End::Deferred { wake }, None, &[]), "which cannot be");
        refused(success(&[("a", "1"), ("a", "2")]), "stands twice");
        refused(success(&[("a", "1"), ("return_value", "2")]), "which is the task's result");
        let failed = End::Failed { message: String::new(), retry: true, delay_ms: None };
        refused(completion(failed.clone(), Some("1"), &[]), "with a success alone");
        refused(completion(failed, None, &[("a", "1")]), "with a success alone");
        let item = |text: &str| ItemAnswer::Value(Some(text.into()));
        refused(Completion { items: vec![item("{")], ..success(&[]) }, "an item cannot be taken");
        let both = vec![item(&big_text(TEXT_MAX_BYTES - 2)), item("1"), ItemAnswer::Skipped("why".to_owned())];
        refused(Completion { items: both, ..success(&[]) }, "bytes of items");
        let failed = completion(End::Skipped { reason: String::new() }, None, &[]);
        refused(Completion { items: vec![item("1")], ..failed }, "with a success alone");
        let event = |extra: &str| EmittedEvent { asset: AssetName::new("a").expect("a name"), extra: extra.into() };
        refused(Completion { asset_events: vec![event("[]")], ..success(&[]) }, "an event of a cannot be taken");
        let many = vec![event("{}"); EVENTS_PER_ATTEMPT_MAX + 1];
        refused(Completion { asset_events: many, ..success(&[]) }, "events of");
        let names: Vec<_> = (0..=XCOM_KEYS_PER_ATTEMPT_MAX).map(|number| format!("k{number:03}")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), "0")).collect();
        assert_eq!(check(&success(&many[1..])), Ok(()));
        refused(success(&many), "XCom keys");
        let big = format!("{:?}", "x".repeat(TEXT_MAX_BYTES - 2));
        let most: Vec<_> = ["a", "b", "c", "d"].map(|key| (key, big.as_str())).into();
        assert_eq!(check(&success(&most[1..])), Ok(()));
        refused(success(&most), "bytes of XComs");
    }
}
