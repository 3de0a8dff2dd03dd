//! Lists that tasks are mapped over, split into items once and shared by the instances that follow.

use std::sync::{Arc, Mutex};

use lru::LruCache;
use model::{NodeIdx, RunKey};

/// Bytes of items that are kept; the least recently used list goes first.
const KEPT_MAX_BYTES: usize = 32 << 20;

/// The texts of a list's items.
pub(crate) type Items = Arc<[Box<str>]>;

/// Splits the text of a list or object; `None` for anything else.
pub(crate) fn split(text: &str) -> Option<Items> {
    Some(model::json::items(text)?.into_iter().map(|item| Box::from(item.as_ref())).collect())
}

/// Names a list: run, how often that was cleared, mapped task, position of the argument.
pub(crate) type ItemsKey = (RunKey, u32, NodeIdx, usize);

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
        let bytes = items.iter().map(|item| item.len() + size_of::<Box<str>>()).sum::<usize>();
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
    use model::RunKey;

    #[test]
    fn lists_split_into_items_and_objects_into_pairs() {
        let texts = |text| split(text).map(|items| items.iter().map(|it| it.to_string()).collect::<Vec<_>>());
        assert_eq!(texts(r#"[1, {"a": [2]}, "x"]"#), Some(vec!["1".into(), r#"{"a": [2]}"#.into(), r#""x""#.into()]));
        assert_eq!(texts("7"), None);
        assert_eq!(texts("[]"), Some(vec![]));
    }

    #[test]
    fn the_least_recently_used_list_goes_when_there_are_too_many_bytes() {
        let cache = ItemCache::new();
        let run = |n| RunKey::from_uuid(uuid_of(n));
        let big: Items = vec!["x".repeat(KEPT_MAX_BYTES / 2).into_boxed_str()].into();
        cache.put((run(1), 0, NodeIdx(0), 0), big.clone());
        cache.put((run(2), 0, NodeIdx(0), 0), big.clone());
        assert!(cache.get((run(1), 0, NodeIdx(0), 0)).is_none());
        assert!(cache.get((run(2), 0, NodeIdx(0), 0)).is_some());
    }

    fn uuid_of(n: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(n)
    }
}
