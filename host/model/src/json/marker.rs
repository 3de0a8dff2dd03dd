//! Markers: objects with the key `$waft`, which stand for what JSON cannot hold. A user's own object may not have that key.
//!
//! A blob marker may stand in the conf and parameters of a run, in results and in XComs, and keeps its blob alive there. A sequence
//! marker is made by the worker for the arguments of one attempt and means nothing anywhere else.

use serde_json::Value;

use super::{Fault, JsonError};
use crate::digest::Digest;
use crate::pointer::Pointer;

/// The key of markers.
pub const KEY: &str = "$waft";

/// A blob that a marker names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRef {
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
    /// Empty where the marker says none.
    pub media_type: String,
}

impl BlobRef {
    /// The marker as JSON.
    pub fn to_value(&self) -> Value {
        let mut marker = serde_json::json!({ KEY: "blob", "digest": self.digest, "size": self.size });
        if !self.media_type.is_empty() {
            marker["media_type"] = self.media_type.as_str().into();
        }
        marker
    }

    /// Reads a marker; nothing where `value` is none, or not exactly one.
    pub fn of_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let media_type = match object.get("media_type") {
            Some(media_type) => media_type.as_str()?,
            None => "",
        };
        let members = 3 + usize::from(object.contains_key("media_type"));
        if object.len() != members || object.get(KEY)?.as_str()? != "blob" {
            return None;
        }
        Some(Self {
            digest: object.get("digest")?.as_str()?.parse().ok()?,
            size: object.get("size")?.as_u64()?,
            media_type: media_type.to_owned(),
        })
    }
}

/// The blobs that a checked text names, in order, as often as they stand there.
pub fn blob_markers(text: &str) -> Vec<BlobRef> {
    let mut blobs = Vec::new();
    if let Some(value) = read_if_marked(text) {
        visit(&value, &mut Pointer::default(), &mut |object, _| {
            blobs.extend(BlobRef::of_value(object));
            None::<()>
        });
    }
    blobs
}

/// The first object of a checked text that has the key `$waft` and is not a blob marker. Who takes texts from users refuses it.
pub fn find_marker(text: &str) -> Option<JsonError> {
    find_marker_in(&read_if_marked(text)?).map(|pointer| JsonError {
        fault: Fault::Marker(
            "the key \"$waft\" is reserved; only {\"$waft\":\"blob\",\"digest\":…,\"size\":…,\"media_type\":…} may stand here; rename the key",
        ),
        line: 1,
        column: 1,
        pointer,
    })
}

/// The same in a tree: the pointer to the object.
pub fn find_marker_in(value: &Value) -> Option<String> {
    visit(value, &mut Pointer::default(), &mut |object, pointer| {
        BlobRef::of_value(object).is_none().then(|| pointer.as_str().to_owned())
    })
}

/// The first object of a tree that has the key `$waft`, a blob marker too. For places that keep no blob alive.
pub(crate) fn find_any_marker_in(value: &Value) -> Option<String> {
    visit(value, &mut Pointer::default(), &mut |_, pointer| Some(pointer.as_str().to_owned()))
}

fn read_if_marked(text: &str) -> Option<Value> {
    if may_hold_marker(text) { serde_json::from_str(text).ok() } else { None }
}

/// False where no key of the text can be the marker's, which a look at the bytes tells of most texts. An escape of one of its
/// characters counts.
pub(super) fn may_hold_marker(text: &str) -> bool {
    let mut escapes = text.match_indices("\\u00").map(|(i, escape)| text.as_bytes().get(i + escape.len()));
    text.contains(KEY) || escapes.any(|digit| matches!(digit, Some(b'2' | b'6' | b'7')))
}

/// Shows `found` each object that has the key, until it answers. The depth of a checked text bounds the recursion.
fn visit<T>(value: &Value, pointer: &mut Pointer, found: &mut impl FnMut(&Value, &Pointer) -> Option<T>) -> Option<T> {
    match value {
        Value::Object(object) => {
            if object.contains_key(KEY)
                && let Some(answer) = found(value, pointer)
            {
                return Some(answer);
            }
            object.iter().find_map(|(key, value)| pointer.within(key, |pointer| visit(value, pointer, found)))
        }
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(i, item)| pointer.within_index(i, |pointer| visit(item, pointer, found)))
        }
        _ => None,
    }
}
