//! Whether a type or value fits a type.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Member, Type};
use crate::json::BlobRef;
use crate::limits::dag::TYPE_STEPS_MAX;

/// Compares types within a budget of steps, because two types of n parts can take n² steps. When the budget is spent everything
/// fits, and [`Comparison::is_spent`] tells.
#[derive(Debug)]
pub struct Comparison {
    steps_left: u64,
}

impl Default for Comparison {
    fn default() -> Self {
        Self { steps_left: TYPE_STEPS_MAX }
    }
}

impl Comparison {
    /// True when an answer may be wrong for want of steps.
    pub fn is_spent(&self) -> bool {
        self.steps_left == 0
    }

    /// Takes one step; false when the budget is spent.
    pub(crate) fn step(&mut self) -> bool {
        self.steps(1);
        self.steps_left > 0
    }

    /// Takes several steps.
    pub(crate) fn steps(&mut self, count: usize) {
        self.steps_left = self.steps_left.saturating_sub(count as u64);
    }

    /// See [`Type::fits`].
    pub fn fits(&mut self, from: &Type, into: &Type) -> bool {
        if !self.step() {
            return true;
        }
        match (from, into) {
            (Type::Any, _) | (_, Type::Any) => true,
            (Type::Union(types), into) => types.iter().all(|from| self.fits(from, into)),
            (Type::Enum(values), into) => values.iter().all(|value| self.accepts(into, value)),
            (from, Type::Union(types)) => types.iter().any(|into| self.fits(from, into)),
            (Type::Null, Type::Null)
            | (Type::Boolean, Type::Boolean)
            | (Type::Integer, Type::Integer | Type::Number)
            | (Type::Number, Type::Number)
            | (Type::String, Type::String)
            | (Type::Blob, Type::Blob) => true,
            (Type::List(from) | Type::Sequence(from), Type::List(into) | Type::Sequence(into)) => self.fits(from, into),
            (Type::Map(from), Type::Map(into)) => self.fits(from, into),
            (Type::Object(members), Type::Map(into)) => members.values().all(|member| self.fits(&member.ty, into)),
            (Type::Map(from), Type::Object(members)) => {
                members.values().all(|member| member.optional && self.fits(from, &member.ty))
            }
            (Type::Object(from), Type::Object(into)) => self.members_fit(from, into),
            _ => false,
        }
    }

    fn members_fit(&mut self, from: &IndexMap<String, Member>, into: &IndexMap<String, Member>) -> bool {
        into.iter().all(|(name, into)| match from.get(name) {
            Some(from) => (into.optional || !from.optional) && self.fits(&from.ty, &into.ty),
            None => into.optional,
        })
    }

    /// See [`Type::accepts`].
    pub fn accepts(&mut self, ty: &Type, value: &Value) -> bool {
        if !self.step() {
            return true;
        }
        match (ty, value) {
            (Type::Any, _) => true,
            (Type::Union(types), value) => types.iter().any(|ty| self.accepts(ty, value)),
            (Type::Enum(values), value) => {
                values.iter().any(|allowed| self.step() && same(allowed, value)) || self.is_spent()
            }
            (Type::Null, Value::Null)
            | (Type::Boolean, Value::Bool(_))
            | (Type::Number, Value::Number(_))
            | (Type::String, Value::String(_)) => true,
            (Type::Integer, Value::Number(number)) => number.as_f64().is_some_and(|number| number.fract() == 0.0),
            (Type::Blob, value) => BlobRef::of_value(value).is_some(),
            (Type::List(ty) | Type::Sequence(ty), Value::Array(items)) => {
                items.iter().all(|item| self.accepts(ty, item))
            }
            (Type::Map(ty), Value::Object(members)) => members.values().all(|member| self.accepts(ty, member)),
            (Type::Object(types), Value::Object(members)) => {
                types.iter().all(|(name, member)| match members.get(name) {
                    Some(value) => self.accepts(&member.ty, value),
                    None => member.optional,
                })
            }
            _ => false,
        }
    }
}

/// Equal as JSON: 1.0 is 1.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}
