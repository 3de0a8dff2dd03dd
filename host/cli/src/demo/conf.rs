//! The conf of the demo's run: the list of the files with the blobs that hold them.

use model::digest::Digest;
use model::json::marker::BlobRef;
use model::limits::json::KEYS_MAX;
use model::limits::run::CONF_MAX_BYTES;
use serde_json::Value;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::files::TextFile;

/// A conf and how many files stand in it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) conf: Box<RawValue>,
    pub(crate) count: usize,
}

const MEDIA_TYPE: &str = "text/plain";
/// Members of one entry: path, blob, and four of the marker.
const KEYS_PER_FILE: usize = 6;
/// What stands around the conf in the body of a trigger.
const BODY_SLACK_BYTES: usize = 1 << 10;

/// Lists files, the first ones where a conf cannot hold all.
pub(crate) fn list(files: &[TextFile]) -> serde_json::Result<Listed> {
    let mut entries = Vec::new();
    let mut room = CONF_MAX_BYTES - BODY_SLACK_BYTES;
    for file in files.iter().take((KEYS_MAX - 1) / KEYS_PER_FILE) {
        let entry = entry(&file.path, file.digest, file.bytes.len() as u64);
        let Some(left) = room.checked_sub(entry.to_string().len() + 1) else { break };
        room = left;
        entries.push(entry);
    }
    let count = entries.len();
    Ok(Listed { conf: to_raw_value(&json!({ "files": entries }))?, count })
}

fn entry(path: &str, digest: Digest, size: u64) -> Value {
    json!({ "path": path, "blob": BlobRef { digest, size, media_type: MEDIA_TYPE.to_owned() }.to_value() })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn files(count: usize, path_length: usize) -> Vec<TextFile> {
        let file = |i: usize| TextFile {
            path: format!("{i:0path_length$}"),
            digest: Digest::of(b"x"),
            bytes: Bytes::from_static(b"x"),
        };
        (0..count).map(file).collect()
    }

    #[test]
    fn an_entry_names_path_and_blob() {
        let listed = list(&files(1, 3)).unwrap();
        let digest = Digest::of(b"x");
        let marker = format!(r#"{{"$waft":"blob","digest":"{digest}","size":1,"media_type":"text/plain"}}"#);
        assert_eq!(listed.conf.get(), format!(r#"{{"files":[{{"path":"000","blob":{marker}}}]}}"#));
    }

    #[test]
    fn a_list_that_is_too_long_is_cut_where_the_server_takes_it() {
        for (count, path_length) in [(5_000, 10), (5_000, 900)] {
            let listed = list(&files(count, path_length)).unwrap();
            assert!(listed.count < count);
            let limits = model::json::Limits { bytes: CONF_MAX_BYTES, ..model::json::Limits::VALUE };
            model::json::parse(listed.conf.get(), limits).unwrap();
        }
    }
}
