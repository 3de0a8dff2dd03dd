//! The text files below a folder.
//!
//! `.gitignore` decides which there are; each is opened through `cap-std`, below the folder and never through a link, so a folder
//! that changes while it is read cannot lead out of itself.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use bytes::Bytes;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use ignore::WalkBuilder;
use model::Digest;
use model::limits::demo::{ENTRIES_MAX, FILE_MAX_BYTES, FILES_MAX, TOTAL_MAX_BYTES};
use nix::libc::{O_NOFOLLOW, O_NONBLOCK};

use super::{LeftOut, LeftOuts};

/// A file that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextFile {
    /// Below the folder, with `/`.
    pub(crate) path: String,
    pub(crate) digest: Digest,
    pub(crate) bytes: Bytes,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// In the order of their paths.
    pub(crate) taken: Vec<TextFile>,
    pub(crate) bytes: u64,
    pub(crate) left_out: LeftOuts,
}

/// How much is taken.
#[derive(Debug, Clone, Copy)]
struct Limits {
    files: usize,
    entries: usize,
    file_bytes: u64,
    total_bytes: u64,
}

const LIMITS: Limits =
    Limits { files: FILES_MAX, entries: ENTRIES_MAX, file_bytes: FILE_MAX_BYTES, total_bytes: TOTAL_MAX_BYTES };

/// Reads the text files below `folder`.
pub(crate) fn collect(folder: &Path) -> anyhow::Result<Files> {
    collect_within(folder, LIMITS)
}

fn collect_within(folder: &Path, limits: Limits) -> anyhow::Result<Files> {
    let dir = Dir::open_ambient_dir(folder, ambient_authority()).with_context(|| format!("cannot open {folder:?}"))?;
    let mut files = Files::default();
    let walk = WalkBuilder::new(folder)
        .hidden(false)
        .ignore(false)
        .git_global(false)
        .require_git(false)
        .follow_links(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .sort_by_file_path(Path::cmp)
        .build();
    for entry in walk.take(limits.entries) {
        let Ok(entry) = entry else {
            files.left_out.add(LeftOut::Unreadable, 1);
            continue;
        };
        let Some(kind) = entry.file_type().filter(|kind| !kind.is_dir()) else { continue };
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let taken = if kind.is_file() { take(&dir, below, &files, limits) } else { Err(LeftOut::NotAFile) };
        match taken {
            Ok(file) => {
                files.bytes += file.bytes.len() as u64;
                files.taken.push(file);
            }
            Err(reason) => files.left_out.add(reason, 1),
        }
    }
    Ok(files)
}

fn take(dir: &Dir, below: &Path, before: &Files, limits: Limits) -> Result<TextFile, LeftOut> {
    if before.taken.len() >= limits.files {
        return Err(LeftOut::Count);
    }
    let path = below.to_str().ok_or(LeftOut::Name)?;
    let bytes = read(dir, below, limits.file_bytes)?;
    if before.bytes + bytes.len() as u64 > limits.total_bytes {
        return Err(LeftOut::Total);
    }
    Ok(TextFile { path: path.to_owned(), digest: Digest::of(&bytes), bytes: bytes.into() })
}

fn read(dir: &Dir, below: &Path, limit: u64) -> Result<Vec<u8>, LeftOut> {
    let mut options = OpenOptions::new();
    // A pipe that stands there by now must not hold us up.
    options.read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK);
    let file = dir.open_with(below, &options).map_err(|_| LeftOut::Unreadable)?;
    let metadata = file.metadata().map_err(|_| LeftOut::Unreadable)?;
    if !metadata.is_file() {
        return Err(LeftOut::NotAFile);
    }
    if metadata.len() > limit {
        return Err(LeftOut::TooLarge);
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|_| LeftOut::Unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(LeftOut::TooLarge);
    }
    if bytes.contains(&0) {
        return Err(LeftOut::Binary);
    }
    match std::str::from_utf8(&bytes) {
        Ok(_) => Ok(bytes),
        Err(_) => Err(LeftOut::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    const SMALL: Limits = Limits { files: 100, entries: 1_000, file_bytes: 64, total_bytes: 1_000 };

    fn tree(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    fn check(folder: &Path, limits: Limits, taken: &[&str], left_out: &str) -> Files {
        let files = collect_within(folder, limits).unwrap();
        assert_eq!(files.taken.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), taken);
        assert_eq!(files.left_out.in_words(), left_out);
        files
    }

    #[test]
    fn text_is_taken_in_the_order_of_paths() {
        let folder = tree(&[("b.txt", b"two words"), ("a/z.md", b""), (".hidden/c", "grün".as_bytes())]);
        let files = check(folder.path(), SMALL, &[".hidden/c", "a/z.md", "b.txt"], "");
        assert_eq!(files.bytes, 14);
        assert_eq!(files.taken[2].digest, Digest::of(b"two words"));
    }

    #[test]
    fn what_gitignore_names_is_not_there() {
        let folder = tree(&[
            (".gitignore", b"/target\n*.log\n!keep.log\n"),
            (".git/config", b"[core]"),
            ("target/out", b"x"),
            ("a.log", b"x"),
            ("keep.log", b"x"),
            ("sub/.gitignore", b"secret\n"),
            ("sub/secret", b"x"),
            ("sub/open", b"x"),
        ]);
        check(folder.path(), SMALL, &[".gitignore", "keep.log", "sub/.gitignore", "sub/open"], "");
    }

    #[test]
    fn what_is_no_text_is_counted() {
        let folder =
            tree(&[("binary", b"a\0b"), ("latin1", b"gr\xfcn"), ("large", &[b'x'; 65]), ("fits", &[b'x'; 64])]);
        check(folder.path(), SMALL, &["fits"], "3 left out (1 more than 4 MiB, 1 binary, 1 not UTF-8)");
    }

    #[test]
    fn links_are_not_followed() {
        let outside = tree(&[("secret", b"out of the tree")]);
        let folder = tree(&[("inside", b"x")]);
        symlink(outside.path().join("secret"), folder.path().join("file")).unwrap();
        symlink(outside.path(), folder.path().join("folder")).unwrap();
        symlink("inside", folder.path().join("near")).unwrap();
        check(folder.path(), SMALL, &["inside"], "3 left out (3 no plain file)");
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        for path in ["file", "folder/secret", "near"] {
            assert_eq!(read(&dir, Path::new(path), 64), Err(LeftOut::Unreadable), "{path}");
        }
    }

    #[test]
    fn names_that_are_not_utf8_are_counted() {
        let folder = tree(&[("fine", b"x")]);
        fs::write(folder.path().join(OsStr::from_bytes(b"b\xfcd")), b"x").unwrap();
        check(folder.path(), SMALL, &["fine"], "1 left out (1 path is not UTF-8)");
    }

    #[test]
    fn enough_is_enough() {
        let folder = tree(&[("a", b"0123456789"), ("b", b"0123456789"), ("c", b"1")]);
        check(folder.path(), Limits { files: 1, ..SMALL }, &["a"], "2 left out (2 more than 10000 files)");
        check(
            folder.path(),
            Limits { total_bytes: 15, ..SMALL },
            &["a", "c"],
            "1 left out (1 more than 256 MiB in all)",
        );
    }

    #[test]
    fn a_folder_must_be_there() {
        let error = collect(Path::new("/no/such/folder")).unwrap_err();
        assert_eq!(error.to_string(), "cannot open \"/no/such/folder\"");
    }
}
