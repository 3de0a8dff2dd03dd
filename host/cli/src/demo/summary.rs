//! What the demo prints.

use serde::{Deserialize, Serialize};

use super::left_out::{LeftOuts, Reason};
use crate::stopwatch::Stage;

/// The result of `word_count`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) files: u64,
    pub(crate) words: u64,
    pub(crate) most_words: FileCount,
    pub(crate) longest_five: Vec<FileCount>,
}

/// The words of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FileCount {
    pub(crate) path: String,
    pub(crate) words: u64,
}

/// All that the demo has to tell.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) result: Summary,
    pub(crate) folder: String,
    pub(crate) left_out: Vec<Reason>,
    pub(crate) dag_id: String,
    pub(crate) run_id: String,
    pub(crate) version_number: u32,
    pub(crate) version_id: String,
    pub(crate) stages: Vec<Stage>,
    /// Where the server is that was left up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<KeptServer>,
}

/// A server that was left up.
#[derive(Debug, Serialize)]
pub(crate) struct KeptServer {
    pub(crate) url: String,
    pub(crate) token_file: String,
}

impl Report {
    /// For people.
    pub(crate) fn fields(&self, left_out: &LeftOuts) -> Vec<(&'static str, String)> {
        let Summary { files, words, most_words, longest_five } = &self.result;
        let place = |(i, count): (usize, &FileCount)| format!("{}. {:>9}  {}", i + 1, grouped(count.words), count.path);
        let longest: Vec<_> = longest_five.iter().enumerate().map(place).collect();
        let stages: Vec<_> = self.stages.iter().map(|it| format!("{:<8} {:>8.3} s", it.name, it.seconds)).collect();
        let mut fields = vec![
            ("most words", format!("{} ({} words)", most_words.path, grouped(most_words.words))),
            ("the longest", longest.join("\n")),
            ("files", format!("{} with {} words, below {}", grouped(*files), grouped(*words), self.folder)),
        ];
        if left_out.total() > 0 {
            fields.push(("not taken", left_out.in_words()));
        }
        fields.push(("run", format!("{}/{}", self.dag_id, self.run_id)));
        fields.push(("version", format!("{} ({})", self.version_number, self.version_id)));
        fields.push(("stages", stages.join("\n")));
        if let Some(server) = &self.server {
            fields.push(("server", server.url.clone()));
            fields.push(("token", server.token_file.clone()));
        }
        fields
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::LeftOut;

    #[test]
    fn people_see_the_answer_first() {
        let count = |path: &str, words| FileCount { path: path.into(), words };
        let mut left_out = LeftOuts::default();
        left_out.add(LeftOut::Binary, 2);
        left_out.add(LeftOut::NotUtf8, 1);
        let report = Report {
            result: Summary {
                files: 1_234,
                words: 98_765_432,
                most_words: count("docs/long.md", 12_345),
                longest_five: vec![count("docs/long.md", 12_345), count("b", 7)],
            },
            folder: "/repo".into(),
            left_out: left_out.reasons(),
            dag_id: "word_count".into(),
            run_id: "manual__2026".into(),
            version_number: 1,
            version_id: "0198c0de".into(),
            stages: vec![Stage { name: "build", seconds: 0.5 }, Stage { name: "total", seconds: 12.25 }],
            server: None,
        };
        let text: Vec<_> =
            report.fields(&left_out).into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        insta::assert_snapshot!(text.join("\n"), @r"
        most words: docs/long.md (12,345 words)
        the longest: 1.    12,345  docs/long.md
        2.         7  b
        files: 1,234 with 98,765,432 words, below /repo
        not taken: 3 left out (2 binary, 1 not UTF-8)
        run: word_count/manual__2026
        version: 1 (0198c0de)
        stages: build       0.500 s
        total      12.250 s
        ");
    }
}
