//! What one instance, or a group around it, is mapped over, and the arguments that this gives.

use std::sync::Arc;

use model::document::{Expand, ExpandArg};
use model::json::{Kind, items, kind};
use model::{Key, ScopeIdx};

use super::axis::Item;
use super::known::Stop;
use super::source::{Draft, Evaluation, Site, invalid, push_member};

/// What an instance, or a group around it, is mapped over.
pub(super) struct Mapped<'a> {
    pub(super) expand: &'a Expand,
    /// One for each source.
    pub(super) items: Vec<Item>,
    pub(super) position: u32,
}

impl Evaluation<'_> {
    /// The value of an argument that a group is mapped over.
    pub(super) fn mapped_arg(
        &mut self,
        scope: ScopeIdx,
        arg: &Key,
        site: Site<'_>,
        draft: &mut Draft,
    ) -> Result<Arc<str>, Stop> {
        let mapped = self.items_of(Site { scope, ..site }, draft)?;
        let members = mapped.members()?;
        let found = members.into_iter().find(|(name, _)| name == arg.as_str());
        found.map(|(_, text)| text).ok_or_else(|| {
            invalid(format!("item {} of the group's mapping has no argument {:?}", mapped.position, arg.as_str()))
        })
    }
}

impl Mapped<'_> {
    /// JSON text of the key, where it is not the position.
    pub(super) fn key(&self) -> Option<Arc<str>> {
        let [item] = self.items.as_slice() else { return None };
        let pair = items(&item.text).filter(|_| item.is_pair)?;
        pair.first().map(|key| Arc::from(key.as_ref()))
    }

    /// The item: of several arguments an object, of an object the value.
    pub(super) fn value(&self) -> Result<Arc<str>, Stop> {
        match self.items.as_slice() {
            [item] if item.is_pair => {
                let pair = items(&item.text);
                let value = pair.and_then(|pair| pair.get(1).map(|value| Arc::from(value.as_ref())));
                Ok(value.unwrap_or_else(|| "null".into()))
            }
            [item] => Ok(item.text.clone()),
            _ => {
                let mut object = String::new();
                for (name, text) in self.members()? {
                    push_member(&mut object, &name, &text);
                }
                Ok(format!("{{{object}}}").into())
            }
        }
    }

    /// The arguments that it gives, in their order.
    pub(super) fn members(&self) -> Result<Vec<(String, Arc<str>)>, Stop> {
        let args: &[ExpandArg] = match self.expand {
            Expand::Product(args) => args,
            Expand::Zip(zip) => &zip.args,
            Expand::Each(_) => return self.object(),
        };
        let named = args.iter().zip(&self.items);
        Ok(named.map(|(arg, item)| (arg.arg.to_string(), item.text.clone())).collect())
    }

    fn object(&self) -> Result<Vec<(String, Arc<str>)>, Stop> {
        let text = self.items.first().map_or("null", |item| &item.text);
        let found = kind(text);
        let pairs = items(text).filter(|_| matches!(found, Kind::Object(_)));
        let pairs = pairs.ok_or_else(|| {
            invalid(format!("item {} is {found}, and `each` needs an object of arguments", self.position))
        })?;
        let member = |pair: &str| {
            let parts = items(pair)?;
            let name = serde_json::from_str::<String>(parts.first()?).ok()?;
            Some((name, Arc::from(parts.get(1)?.as_ref())))
        };
        Ok(pairs.iter().filter_map(|pair| member(pair)).collect())
    }
}
