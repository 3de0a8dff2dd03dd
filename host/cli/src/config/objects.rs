//! Where blobs and logs are kept.

use std::path::PathBuf;

use super::Element;

/// Address of the object store.
pub(crate) struct Objects;

/// An object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ObjectsUrl {
    /// The data folder of the server.
    InDataFolder,
    /// A folder that all processes of a server see.
    Folder(PathBuf),
    /// A bucket, and what the names of all objects begin with.
    S3 { bucket: String, prefix: String },
}

const DATA: &str = "data";

impl Element for Objects {
    const KEY: &'static str = "objects";
    const VARIABLE: &'static str = "WAFT_OBJECTS";
    const FLAG: &'static str = "--objects";

    type Value = ObjectsUrl;

    fn parse(text: &str) -> Result<ObjectsUrl, String> {
        if text == DATA {
            return Ok(ObjectsUrl::InDataFolder);
        }
        if let Some(path) = text.strip_prefix("file://") {
            let path = PathBuf::from(path);
            return if path.is_absolute() {
                Ok(ObjectsUrl::Folder(path))
            } else {
                Err("a file:// address names a folder from the root on: file:///srv/waft".to_owned())
            };
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
            return if bucket.is_empty() || !bucket.chars().all(is_name) {
                Err("an s3:// address names a bucket: s3://BUCKET/PREFIX".to_owned())
            } else {
                Ok(ObjectsUrl::S3 { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
            };
        }
        Err("it is \"data\", file:///FOLDER or s3://BUCKET/PREFIX".to_owned())
    }

    fn show(value: &ObjectsUrl) -> String {
        match value {
            ObjectsUrl::InDataFolder => DATA.to_owned(),
            ObjectsUrl::Folder(path) => format!("file://{}", path.display()),
            ObjectsUrl::S3 { bucket, prefix } if prefix.is_empty() => format!("s3://{bucket}"),
            ObjectsUrl::S3 { bucket, prefix } => format!("s3://{bucket}/{prefix}"),
        }
    }

    fn default() -> ObjectsUrl {
        ObjectsUrl::InDataFolder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_shown() {
        for text in ["data", "file:///srv/waft", "s3://bucket", "s3://my-bucket/a/b"] {
            assert_eq!(Objects::show(&Objects::parse(text).unwrap()), text);
        }
        for text in ["", "file://srv", "s3://", "s3:///a", "s3://a b/c", "http://x"] {
            assert!(Objects::parse(text).is_err(), "{text:?}");
        }
    }
}
