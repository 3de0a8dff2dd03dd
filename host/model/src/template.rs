//! Templates that name the instances of mapped tasks: text with places like `{{ map.key }}` or `{{ args.file.parts[0] }}`.
//!
//! A place is a path from a root; what is not there is an empty text. Nothing is computed, so that a template takes no longer than its
//! own length and what it shows.

use serde_json::Value;

/// What a path may begin with.
pub const ROOTS: [&str; 4] = ["map", "args", "params", "run"];

/// A template that keeps to the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Path(Vec<Step>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Item(usize),
}

impl Template {
    /// Reads a template; an error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(open) = rest.find("{{") {
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let after = &rest[open + 2..];
            let close = after.find("}}").ok_or("`{{` has no `}}`")?;
            pieces.push(Piece::Path(path(after[..close].trim())?));
            rest = &after[close + 2..];
        }
        if rest.contains("{%") || pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains("{%"))) {
            return Err("only places like `{{ map.key }}` may stand in it, no statements".to_owned());
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// The text with what stands in the places, cut to `max` characters.
    pub fn render(&self, roots: &Value, max: usize) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Path(steps) => match find(roots, steps) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(found)) => text.extend(found.chars().take(max)),
                    Some(other) => text.extend(other.to_string().chars().take(max)),
                },
            }
        }
        match text.char_indices().nth(max) {
            Some((at, _)) => text[..at].to_owned(),
            None => text,
        }
    }
}

fn find<'a>(roots: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(roots, |value, step| match step {
        Step::Member(name) => value.get(name),
        Step::Item(position) => value.get(position),
    })
}

/// `root.member[0]["another member"]`
fn path(text: &str) -> Result<Vec<Step>, String> {
    let wrong = || format!("`{text}` is no path such as map.key, args.file or args.rows[0]");
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    let (mut steps, mut rest) = (Vec::new(), text);
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let name = &rest[..end];
        if is_name(name) {
            steps.push(
                name.parse().ok().filter(|_| !steps.is_empty()).map_or(Step::Member(name.to_owned()), Step::Item),
            );
        } else {
            return Err(wrong());
        }
        rest = &rest[end..];
        while let Some(inside) = rest.strip_prefix('[') {
            let close = inside.find(']').ok_or_else(wrong)?;
            let key = inside[..close].trim();
            let quoted = key.strip_prefix(['"', '\'']).and_then(|key| key.strip_suffix(['"', '\'']));
            steps.push(match quoted {
                Some(name) => Step::Member(name.to_owned()),
                None => Step::Item(key.parse().map_err(|_| wrong())?),
            });
            rest = &inside[close + 1..];
        }
        match rest.strip_prefix('.') {
            Some(more) if !more.is_empty() => rest = more,
            None if rest.is_empty() => break,
            _ => return Err(wrong()),
        }
    }
    match &steps[..] {
        [Step::Member(root), ..] if ROOTS.contains(&root.as_str()) => Ok(steps),
        _ => Err(format!("`{text}` begins with none of {}", ROOTS.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(template: &str, expect: &str) {
        let roots =
            json!({"map": {"key": "a", "index": 3, "value": {"x y": [1, 2.5], "name": "Ünï"}}, "args": {"n": null}});
        let template = Template::parse(template).unwrap_or_else(|why| panic!("{template}: {why}"));
        assert_eq!(template.render(&roots, 20), expect);
    }

    #[test]
    fn places_are_filled() {
        check("", "");
        check("plain { text }", "plain { text }");
        check("{{ map.key }}: {{map.index}}", "a: 3");
        check("{{ map.value.name }}!", "Ünï!");
        check(r#"{{ map.value["x y"][1] }} {{ map.value['x y'].0 }}"#, "2.5 1");
        check("{{ map.value['x y'] }}", "[1,2.5]");
        check("<{{ args.n }}{{ args.other.deep }}>", "<>");
        check("a text that is longer than it may be", "a text that is longe");
    }

    #[test]
    fn what_is_no_template_says_why() {
        let check = |template: &str, why: &str| {
            let told = Template::parse(template).expect_err("it is none");
            assert!(told.contains(why), "{template}: {told}");
        };
        check("{{ map.key", "has no `}}`");
        check("{{ }}", "is no path");
        check("{{ map. }}", "is no path");
        check("{{ map..key }}", "is no path");
        check("{{ map.key | upper }}", "is no path");
        check("{{ map.value[x] }}", "is no path");
        check("{{ other.key }}", "begins with none of map, args");
        check("{% if map %}{{ map.key }}{% endif %}", "no statements");
    }
}
