//! Variables.

use control::{Hidden, NewVariable, VariableChange};
use model::{Key, Problem};
use serde_json::Value;

use super::{Mask, not_yet, same_name};
use crate::wire::variable::VariableBody;

/// What of a variable can be changed.
pub(crate) const VARIABLE_FIELDS: &[&str] = &["value", "description"];

pub(crate) fn new_variable(body: VariableBody) -> Result<NewVariable, Vec<Problem>> {
    let mut problems = Vec::new();
    check(&body, &mut problems);
    match Key::new(&body.key) {
        Ok(key) if problems.is_empty() => {
            Ok(NewVariable { key, value: text(body.value), description: body.description })
        }
        Ok(_) => Err(problems),
        Err(error) => {
            problems.push(Problem::error("invalid-name", "/key", error.to_string()));
            Err(problems)
        }
    }
}

pub(crate) fn variable_change(key: &Key, body: VariableBody, mask: &Mask) -> Result<VariableChange, Vec<Problem>> {
    let mut problems = Vec::new();
    check(&body, &mut problems);
    same_name(Some(&body.key), key.as_str(), "/key", &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(VariableChange {
        value: mask.has("value").then(|| text(body.value)),
        description: mask.has("description").then_some(body.description),
    })
}

fn check(body: &VariableBody, problems: &mut Vec<Problem>) {
    if body.team_name.is_some() {
        problems.push(not_yet("/team_name"));
    }
}

fn text(value: Value) -> Hidden {
    match value {
        Value::String(text) => Hidden::new(text),
        value => Hidden::new(value.to_string()),
    }
}
