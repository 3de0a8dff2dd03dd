//! The first token of a server, in a file that only its owner can read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;
use clock::Real;
use store::AuthStore;

use crate::failure::Failure;

const ONLY_OWNER: u32 = 0o600;
const FILE_MAX_BYTES: u64 = 4 << 10;

/// The token in `file`; a new one where the file is missing or holds none of this server's.
pub(crate) async fn ensure(auth: &dyn AuthStore, file: &Path) -> Result<client::Token, Failure> {
    let kept = read(file).with_context(|| format!("cannot read the token file {file:?}"))?;
    let made = control::ensure_admin_token(auth, &Real, &Real, kept.as_deref()).await?;
    match (made, kept) {
        (Some(secret), _) => {
            write(file, secret.expose()).with_context(|| format!("cannot write the token file {file:?}"))?;
            Ok(client::Token::new(secret.expose()))
        }
        (None, kept) => Ok(client::Token::new(&kept.unwrap_or_default())),
    }
}

fn read(file: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    match File::open(file) {
        Ok(file) => file.take(FILE_MAX_BYTES).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(text))
}

/// Writes beside the file and renames, so that nobody reads half a token or one that others could read for a moment.
fn write(file: &Path, token: &str) -> io::Result<()> {
    let beside = file.with_extension("token.new");
    let mut new = OpenOptions::new().write(true).create(true).truncate(true).mode(ONLY_OWNER).open(&beside)?;
    new.set_permissions(PermissionsExt::from_mode(ONLY_OWNER))?;
    writeln!(new, "{token}")?;
    new.sync_all()?;
    std::fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_can_read_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("admin.token");
        assert_eq!(read(&file).unwrap(), None);
        write(&file, "waft_first").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        write(&file, "waft_second").unwrap();
        assert_eq!(read(&file).unwrap().as_deref(), Some("waft_second\n"));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, ONLY_OWNER);
    }
}
