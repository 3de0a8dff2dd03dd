//! Why bytes could not be had or kept.

use std::error::Error;
use std::io;

use model::Digest;
use object_store::client::{HttpError, HttpErrorKind};

/// An error of blobs or logs.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BlobError {
    /// The tenant has no such blob.
    #[error("there is no blob {0}")]
    NotFound(Digest),
    /// What is stored is not what was stored.
    #[error("blob {0} is damaged: its bytes have another digest")]
    Damaged(Digest),
    /// What was sent is not what was announced; nothing was kept.
    #[error("the bytes have the digest {found}, not {expected}")]
    OtherDigest { expected: Digest, found: Digest },
    /// More was sent than may be; nothing was kept.
    #[error("more than {max_bytes} bytes were sent")]
    TooLarge { max_bytes: u64 },
    /// Whoever sent the bytes broke off; nothing was kept.
    #[error("the bytes did not all arrive: {detail}")]
    BrokenOff { detail: String },
    /// A chunk of a log cannot be read.
    #[error("the log chunk {path} is damaged: {detail}")]
    DamagedLog { path: String, detail: String },
    /// The settings of a bucket cannot be right.
    #[error("the bucket `{bucket}` cannot be used: {detail}")]
    Bucket { bucket: String, detail: String },
    /// The disk is full or may not be written.
    #[error("the object store is not writable: {detail}")]
    NotWritable { detail: String },
    /// The object store failed.
    #[error("the object store failed: {detail}")]
    Unavailable { detail: String },
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        let detail = explain(&error);
        if is_not_writable(&error) { Self::NotWritable { detail } } else { Self::Unavailable { detail } }
    }
}

/// What happened, and what to do where that is known. Of a bucket's answer only its code and its message are told: the rest may
/// repeat what the request was signed with.
fn explain(error: &object_store::Error) -> String {
    let text = error.to_string();
    let (told, answer) = match text.find("<?xml").or_else(|| text.find("<Error")) {
        Some(at) => (text[..at].trim_end_matches([' ', ':']).to_owned(), &text[at..]),
        None => (text, ""),
    };
    let element = |name: &str| {
        let (_, rest) = answer.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0)
    };
    let code = element("Code").unwrap_or_default();
    let said = match element("Message") {
        Some(message) => format!(" {code}: {message}"),
        None => String::new(),
    };
    let advice = match code {
        "NoSuchBucket" => "make the bucket, or correct its name",
        "InvalidAccessKeyId" => "set AWS_ACCESS_KEY_ID to a key that the store knows",
        "SignatureDoesNotMatch" => "set AWS_SECRET_ACCESS_KEY to the secret of that key",
        "ExpiredToken" | "InvalidToken" => "set AWS_SESSION_TOKEN and its key anew",
        "AuthorizationHeaderMalformed" | "PermanentRedirect" => "set AWS_REGION to the region of the bucket",
        "RequestTimeTooSkewed" => "set the clock of this machine",
        _ if is_refused(error) => "the key of AWS_ACCESS_KEY_ID must be allowed to read, write, list and delete there",
        _ if is_unreached(error) => {
            "check AWS_ENDPOINT_URL, AWS_REGION and the network; without AWS_ACCESS_KEY_ID the machine itself is asked for a key"
        }
        _ => "",
    };
    if advice.is_empty() { format!("{told}{said}") } else { format!("{told}{said}; {advice}") }
}

fn is_refused(error: &object_store::Error) -> bool {
    use object_store::Error::{PermissionDenied, Unauthenticated};
    // A folder has no keys.
    let is_of_file = causes(error).any(|cause| cause.is::<io::Error>());
    matches!(error, PermissionDenied { .. } | Unauthenticated { .. }) && !is_of_file
}

fn is_unreached(error: &object_store::Error) -> bool {
    let mut kinds = causes(error).filter_map(|cause| cause.downcast_ref::<HttpError>()).map(HttpError::kind);
    kinds.any(|kind| matches!(kind, HttpErrorKind::Connect | HttpErrorKind::Timeout))
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Whether a disk refused to take anything, or a file to grow.
fn is_not_writable(error: &object_store::Error) -> bool {
    let kinds = [
        io::ErrorKind::StorageFull,
        io::ErrorKind::QuotaExceeded,
        io::ErrorKind::FileTooLarge,
        io::ErrorKind::ReadOnlyFilesystem,
    ];
    let mut faults = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    faults.any(|fault| kinds.contains(&fault.kind()))
}
