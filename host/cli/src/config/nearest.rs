//! Which known word was meant?

/// The known word that differs least, where it differs little.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = |it: &str| word.len().max(it.len()) / 3 + 1;
    known
        .into_iter()
        .map(|it| (distance(word, it), it))
        .filter(|(distance, it)| *distance <= far(it) || it.starts_with(word))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, it)| it)
}

/// Letters to insert, leave out or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expect: Option<&str>) {
        assert_eq!(nearest(word, ["server", "token_file", "slots", "log", "log_format"]), expect, "{word}");
    }

    #[test]
    fn what_was_meant() {
        check("sever", Some("server"));
        check("slot", Some("slots"));
        check("token", Some("token_file"));
        check("log-format", Some("log_format"));
        check("colour", None);
    }
}
