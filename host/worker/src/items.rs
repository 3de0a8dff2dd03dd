//! Lists that tasks are mapped over, split into items once and shared by the instances that follow.

use std::sync::{Arc, Mutex};

use lru::LruCache;
use model::{RunKey, ScopeIdx};

/// Bytes of items that are kept; the least recently used list goes first.
const KEPT_MAX_BYTES: usize = 32 << 20;

/// The texts of a list's items.
#[derive(Debug, Clone)]
pub(crate) struct Items {
    texts: Arc<[Arc<str>]>,
    /// They are the `[key, value]` pairs of an object.
    pub(crate) are_pairs: bool,
}

impl Items {
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn get(&self, position: u32) -> Option<&Arc<str>> {
        self.texts.get(position as usize)
    }
}

/// Splits the text of a list or object; `None` for anything else.
pub(crate) fn split(text: &str) -> Option<Items> {
    let texts = model::json::items(text)?.into_iter().map(|item| Arc::from(item.as_ref())).collect();
    Some(Items { texts, are_pairs: text.trim_ascii_start().starts_with('{') })
}

/// Names a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ItemsKey {
    pub(crate) run: RunKey,
    /// How often the run was cleared.
    pub(crate) clears: u32,
    /// What is mapped over it.
    pub(crate) scope: ScopeIdx,
    /// In this context of the level around that.
    pub(crate) context: u32,
    /// Which of its sources.
    pub(crate) number: usize,
}

/// A bounded cache.
pub(crate) struct ItemCache(Mutex<Kept>);

struct Kept {
    lists: LruCache<ItemsKey, (Items, usize)>,
    bytes: usize,
}

impl ItemCache {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Kept { lists: LruCache::unbounded(), bytes: 0 }))
    }

    pub(crate) fn get(&self, key: ItemsKey) -> Option<Items> {
        let mut kept = self.0.lock().expect("no panic while the lock is held");
        kept.lists.get(&key).map(|(items, _)| items.clone())
    }

    pub(crate) fn put(&self, key: ItemsKey, items: Items) {
        let bytes = items.texts.iter().map(|item| item.len() + size_of::<Arc<str>>()).sum::<usize>();
        let mut kept = self.0.lock().expect("no panic while the lock is held");
        kept.bytes += bytes;
        if let Some((_, replaced)) = kept.lists.put(key, (items, bytes)) {
            kept.bytes -= replaced;
        }
        while kept.bytes > KEPT_MAX_BYTES
            && kept.lists.len() > 1
            && let Some((_, (_, oldest))) = kept.lists.pop_lru()
        {
            kept.bytes -= oldest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_split_into_items_and_objects_into_pairs() {
        let texts = |text| split(text).map(|items| items.texts.iter().map(|it| it.to_string()).collect::<Vec<_>>());
        assert_eq!(texts(r#"[1, {"a": [2]}, "x"]"#), Some(vec!["1".into(), r#"{"a": [2]}"#.into(), r#""x""#.into()]));
        assert_eq!(texts(r#"{"b": 1, "a": [2]}"#), Some(vec![r#"["b",1]"#.into(), r#"["a",[2]]"#.into()]));
        assert_eq!(split("{}").map(|items| items.are_pairs), Some(true));
        assert_eq!(texts("7"), None);
        assert_eq!(texts("[]"), Some(vec![]));
    }

    #[test]
    fn the_least_recently_used_list_goes_when_there_are_too_many_bytes() {
        let cache = ItemCache::new();
        let key = |run| {
            let run = RunKey::from_uuid(uuid::Uuid::from_u128(run));
            ItemsKey { run, clears: 0, scope: ScopeIdx::RUN, context: 0, number: 0 }
        };
        let big = split(&format!("[{:?}]", "x".repeat(KEPT_MAX_BYTES / 2))).expect("a list");
        cache.put(key(1), big.clone());
        cache.put(key(2), big.clone());
        assert!(cache.get(key(1)).is_none());
        assert!(cache.get(key(2)).is_some());
    }
}
