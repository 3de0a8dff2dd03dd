//! Bundles.

use control::{Code, Error};
use model::{Digest, Problem};

use crate::wire::bundle::BundleVersionBody;

/// Paths and digests of files; or all digests that are none.
pub(crate) fn files(body: BundleVersionBody) -> Result<Vec<(String, Digest)>, Error> {
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for (path, digest) in body.files {
        match digest.parse() {
            Ok(digest) => files.push((path, digest)),
            Err(_) => {
                let message = format!("the digest of {path:?} is not \"sha256:\" and 64 lower-case hex digits");
                problems.push(Problem::error("invalid-digest", "/files", message));
            }
        }
    }
    if problems.is_empty() {
        return Ok(files);
    }
    Err(Error::new(Code::InvalidRequest, "the files cannot be named like this").problems(problems))
}
