//! The map-reduce of dynamic task mapping: one task for each file counts its words, one task at the end tells which file has
//! the most.

use std::io::BufRead;

use serde::{Deserialize, Serialize};
use waft::prelude::*;

/// A file that the run was triggered with.
#[derive(Serialize, Deserialize, Type)]
struct File {
    path: String,
    blob: Blob,
}

/// What one file holds.
#[derive(Clone, Serialize, Deserialize, Type)]
struct FileCount {
    path: String,
    words: u64,
}

/// What all files hold together.
#[derive(Serialize, Deserialize, Type)]
struct Summary {
    files: u64,
    words: u64,
    most_words: FileCount,
    longest_five: Vec<FileCount>,
}

/// The files to count, in the order of their paths.
#[task]
fn list_files(files: Vec<File>) -> Result<Vec<File>, TaskError> {
    if files.is_empty() {
        return Err(TaskError::skip("the run was triggered without files"));
    }
    let mut files = files;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    log::info!("{} files", files.len());
    Ok(files)
}

/// Counts the words of one file, reading it in pieces.
#[task(retries = 3, retry_delay = "1s")]
fn count_words(file: File) -> Result<FileCount, TaskError> {
    let mut reader = file.blob.reader()?;
    let mut words = Words::default();
    let mut done = 0;
    loop {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        words.read(piece);
        let length = piece.len();
        reader.consume(length);
        done += length as u64;
        progress(done, file.blob.size(), &file.path);
    }
    log::info!("{}: {} words", file.path, words.count);
    Ok(FileCount { path: file.path, words: words.count })
}

/// Counts words across the borders of pieces. A word is what stands between ASCII white space.
#[derive(Default)]
struct Words {
    count: u64,
    inside: bool,
}

impl Words {
    fn read(&mut self, piece: &[u8]) {
        for byte in piece {
            let inside = !byte.is_ascii_whitespace();
            self.count += u64::from(inside && !self.inside);
            self.inside = inside;
        }
    }
}

/// Finds the file with the most words and the five longest.
#[task]
fn summarize(counts: Sequence<FileCount>) -> Result<Summary, TaskError> {
    let mut words = 0;
    let mut longest_five: Vec<FileCount> = Vec::with_capacity(6);
    for count in &counts {
        let count = count?;
        words += count.words;
        let place = longest_five.partition_point(|other| other.words >= count.words);
        longest_five.insert(place, count);
        longest_five.truncate(5);
    }
    let most_words = longest_five.first().cloned().ok_or_else(|| TaskError::skip("no file was counted"))?;
    log::info!("{} has the most words: {}", most_words.path, most_words.words);
    Ok(Summary { files: counts.len(), words, most_words, longest_five })
}

/// Which of these files has the most words?
#[dag(tags = ["example"])]
fn word_count(#[param(description = "Files with their paths")] files: Param<Vec<File>>) -> Output<Summary> {
    let files = list_files(files);
    let counts = count_words.expand(files);
    summarize(counts)
}

waft::bundle!(word_count);

#[cfg(test)]
mod tests {
    use super::*;
    use waft::testing;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), blob: testing::blob(text) }
    }

    #[test]
    fn files_are_counted_and_compared() {
        let texts = [("b", "one two\nthree"), ("a", ""), ("c", "  x ")];
        let files = texts.iter().map(|(path, text)| file(path, text)).collect();
        let counts: Vec<_> =
            list_files::body(files).unwrap().into_iter().map(|file| count_words::body(file).unwrap()).collect();
        let summary = summarize::body(counts.into()).unwrap();
        assert_eq!((summary.files, summary.words), (3, 4));
        assert_eq!(summary.most_words.path, "b");
        let order: Vec<_> = summary.longest_five.iter().map(|count| count.path.as_str()).collect();
        assert_eq!(order, ["b", "c", "a"]);
        assert_eq!(testing::progress().unwrap().done, 4);
    }

    #[test]
    fn a_word_across_two_pieces_is_one() {
        let mut words = Words::default();
        words.read(b"be");
        words.read(b"fore after");
        assert_eq!(words.count, 2);
    }
}
