//! Lists that are put together before they are mapped over: side by side, one after the other, passed through a function.

use waft::prelude::*;

/// The readers of the morning.
#[task]
fn morning() -> Vec<String> {
    vec!["Ada".into(), "Bo".into()]
}

/// The readers of the evening.
#[task]
fn evening() -> Vec<String> {
    vec!["Cy".into(), "".into(), "Di".into()]
}

/// Somebody has a name.
#[task]
fn has_name(name: String) -> bool {
    !name.is_empty()
}

/// Runs as a part of the task that uses the item.
#[task]
fn politely(name: String) -> String {
    format!("dear {name}")
}

/// One letter.
#[task]
fn write_letter(name: String, stamp: u32) -> String {
    log::info!("{name}, with a stamp of {stamp}");
    format!("{name} ({stamp})")
}

/// All letters, in order.
#[task]
fn bundle_up(letters: Sequence<String>) -> Result<String, TaskError> {
    Ok(letters.to_vec()?.join(", "))
}

/// A letter for each reader of both lists as long as there are stamps.
#[dag(tags = ["example"])]
fn letters(#[param(default = vec![80, 95, 70])] stamps: Param<Vec<u32>>) -> Output<String> {
    let names = morning().concat(evening()).map(politely);
    bundle_up(write_letter.expand(zip((names, stamps))))
}

/// A letter for each reader who has a name.
#[dag(tags = ["example"])]
fn letters_to_names() -> Output<String> {
    let names = morning().concat(evening()).filter(has_name);
    // Who has no name is skipped, which is no reason to write to nobody.
    bundle_up(write_letter.expand((names, fixed(80)))).trigger_rule(TriggerRule::NoneFailed)
}

waft::bundle!(letters, letters_to_names);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_order() {
        let letters = vec![write_letter::body(politely::body("Ada".into()), 80), write_letter::body("Bo".into(), 1)];
        assert_eq!(bundle_up::body(letters.into()).unwrap(), "dear Ada (80), Bo (1)");
        assert!(!has_name::body(String::new()));
    }
}
