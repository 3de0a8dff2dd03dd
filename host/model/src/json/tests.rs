use proptest::prelude::*;
use serde_json::json;

use super::*;

const SMALL: Limits = Limits { bytes: 100, depth: 3, keys: 4, values: 20 };

fn check_refused(text: &str, expect: &str) {
    let told = check_within(text, SMALL).expect_err(text).to_string();
    assert!(told.contains(expect), "{text}: {told:?} does not contain {expect:?}");
}

#[test]
fn refused_texts_say_what_and_where() {
    for (text, expect) in [
        ("", "it ends where a value is expected (line 1, column 1)"),
        ("nul", "the words are true, false and null"),
        ("[1,]", "a value is expected here (line 1, column 4, at /1)"),
        ("[1 2]", "',' or ']' is expected here"),
        ("{\"a\":1 \"b\":2}", "',' or '}' is expected here"),
        ("{\"a\" 1}", "':' is expected after a key"),
        ("{a:1}", "a key in double quotes"),
        ("{\"a\":1,}", "a key in double quotes"),
        ("[1}", "',' or ']' is expected"),
        ("[1", "it ends inside a list or object"),
        ("1 2", "something follows the value"),
        ("\u{feff}1", "a value is expected here"),
        ("01", "does not begin with 0"),
        ("1.", "a digit is expected"),
        ("-", "a digit is expected"),
        ("1e", "a digit is expected"),
        ("+1", "a value is expected"),
        ("1e999", "does not fit a 64-bit float"),
        ("NaN", "a value is expected"),
        ("\"abc", "it ends inside a string"),
        ("\"\\x\"", "no such escape"),
        ("\"\\u12\"", "four hex digits"),
        ("\"\\u+123\"", "four hex digits"),
        ("\"a\nb\"", "must be escaped"),
        ("\"a\u{0}b\"", "U+0000"),
        ("\"\\u0000\"", "U+0000"),
        ("\"\\ud800\"", "half of a surrogate pair"),
        ("\"\\ud800\\u0041\"", "half of a surrogate pair"),
        ("\"\\udc00\\ud800\"", "half of a surrogate pair"),
        ("{\"a\":{\"b\":[\n1,\"\\ud800\"]}}", "line 2, column 4, at /a/b/1"),
        ("{\"a~/\":{\"é\":tru}}", "column 13, at /a~0~1/é"),
        (
            "{\"a\":1,\"b\":{\"c\":1,\"c\":2}}",
            "\"c\" stands twice in one object; remove one (line 1, column 19, at /b/c)",
        ),
        ("{\"a\":1,\"\\u0061\":2}", "\"a\" stands twice"),
        ("[[[[]]]]", "deeper than 3 levels"),
        ("[{\"a\":1,\"b\":2},{\"a\":1,\"b\":2,\"c\":3}]", "more than 4 members"),
    ] {
        check_refused(text, expect);
    }
    check_refused(&"1".repeat(101), "101 bytes, more than the 100");
}

#[test]
fn limits_hold_to_the_last() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let wide = |keys: usize| {
        let members: Vec<_> = (0..keys).map(|i| format!("\"{i}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    let long = |bytes: usize| format!("\"{}\"", "a".repeat(bytes - 2));
    let many = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
    let Limits { bytes, depth, keys, values } = Limits::VALUE;
    for n in [depth - 1, depth] {
        assert_eq!(check(&nested(n)), Ok(Kind::List(1)));
    }
    assert_eq!(check(&nested(depth + 1)).unwrap_err().fault, Fault::TooDeep { limit: depth });
    for n in [keys - 1, keys] {
        assert_eq!(check(&wide(n)), Ok(Kind::Object(n as u32)));
    }
    assert_eq!(check(&wide(keys + 1)).unwrap_err().fault, Fault::TooManyKeys { limit: keys });
    for n in [values - 1, values] {
        assert_eq!(check(&many(n)), Ok(Kind::List(n as u32 - 1)));
    }
    assert_eq!(check(&many(values + 1)).unwrap_err().fault, Fault::TooManyValues { limit: values });
    for n in [bytes - 1, bytes] {
        assert_eq!(check(&long(n)), Ok(Kind::String));
    }
    assert_eq!(check(&long(bytes + 1)).unwrap_err().fault, Fault::TooLarge { bytes: bytes + 1, limit: bytes });
}

#[test]
fn json_bombs() {
    let deep = "[".repeat(1 << 20);
    assert!(matches!(check(&deep).unwrap_err().fault, Fault::TooDeep { .. }));
    let deep_keys = "{\"a\":".repeat(200_000);
    assert!(matches!(check(&deep_keys).unwrap_err().fault, Fault::TooDeep { .. }));
    let last_is_first: Vec<_> = (0..9_999).map(|i| format!("\"{i}\":0")).chain(["\"0\":0".to_owned()]).collect();
    assert!(matches!(
        check(&format!("{{{}}}", last_is_first.join(","))).unwrap_err().fault,
        Fault::DuplicateKey { .. }
    ));
}

#[test]
fn kinds_lengths_and_items() {
    for (text, kind_expected, items_expected) in [
        ("null", Kind::Null, None),
        (" true", Kind::Boolean, None),
        ("-1.5e3", Kind::Number, None),
        ("\"[1,2]\"", Kind::String, None),
        ("[]", Kind::List(0), Some(vec![])),
        (" [ ] ", Kind::List(0), Some(vec![])),
        (
            "[1, [2,3] ,{\"a\":[4,5]}, \"],\\\"[\" ]",
            Kind::List(4),
            Some(vec!["1", "[2,3]", "{\"a\":[4,5]}", "\"],\\\"[\""]),
        ),
        ("{}", Kind::Object(0), Some(vec![])),
        (
            "{ \"b\" : 1 , \"a:,\\\"\" : {\"c\": 2} }",
            Kind::Object(2),
            Some(vec!["[\"b\",1]", "[\"a:,\\\"\",{\"c\": 2}]"]),
        ),
    ] {
        assert_eq!(check(text), Ok(kind_expected), "{text}");
        assert_eq!(kind(text), kind_expected, "{text}");
        assert_eq!(list_length(text), kind_expected.length(), "{text}");
        let pieces = items(text);
        assert_eq!(
            pieces.as_ref().map(|items| items.iter().map(AsRef::as_ref).collect::<Vec<_>>()),
            items_expected,
            "{text}"
        );
    }
}

/// A marker is no object to map over.
#[test]
fn blobs_have_no_items() {
    let marker = blob(1).to_value().to_string();
    for text in [marker.clone(), format!(" {} ", marker.replace("$waft", "\\u0024w\\u0061ft"))] {
        assert_eq!(check(&text), Ok(Kind::Blob), "{text}");
        assert_eq!(kind(&text), Kind::Blob, "{text}");
        assert_eq!(list_length(&text), None, "{text}");
        assert_eq!(items(&text), None, "{text}");
    }
    let inside = format!("{{\"a\":{marker},\"$waf\":\"$waft\"}}");
    assert_eq!(check(&inside), Ok(Kind::Object(2)));
    assert_eq!(kind(&inside), Kind::Object(2));
}

/// Wherever it stands in a word of eight bytes, and behind bytes with the highest bit set.
#[test]
fn each_special_byte_is_seen_in_each_place() {
    for before in 0..20 {
        for filler in ["a", "é", "\u{7f}", "!"] {
            let text = |special: &str| format!("\"{}{special}{}\"", filler.repeat(before), filler.repeat(20));
            assert_eq!(check(&text("")), Ok(Kind::String));
            assert_eq!(check(&text("\\n")), Ok(Kind::String));
            for refused in ["\"", "\u{1f}", "\n", "\0", "\\x"] {
                assert!(check(&text(refused)).is_err(), "{refused:?} behind {before} of {filler:?}");
            }
        }
    }
}

fn blob(byte: u8) -> BlobRef {
    BlobRef { digest: crate::Digest::of(&[byte]), size: 1, media_type: "text/plain".to_owned() }
}

#[test]
fn blob_markers_are_collected() {
    let text = json!({"a": [blob(1).to_value(), 2], "b": {"c": blob(2).to_value()}}).to_string();
    assert_eq!(blob_markers(&text), [blob(1), blob(2)]);
    assert_eq!(find_marker(&text), None);
    assert_eq!(blob_markers("{\"waft\":1}"), []);
}

#[test]
fn other_markers_are_found() {
    let mut extra = blob(1).to_value();
    extra["more"] = json!(1);
    let mut bad_digest = blob(1).to_value();
    bad_digest["digest"] = json!("sha256:00");
    for marker in [json!({"$waft": 1}), json!({"$waft": "sequence", "id": 1, "len": 3}), extra, bad_digest] {
        let text = json!({"a": ["$waft", {"b": marker}]}).to_string();
        assert_eq!(find_marker(&text).expect(&text).pointer, "/a/1/b");
        let escaped = text.replace("\"$waft\":", "\"\\u0024waft\":");
        assert_eq!(find_marker(&escaped).expect(&escaped).pointer, "/a/1/b");
    }
    assert_eq!(find_marker("[\"$waft\"]"), None);
}

fn value() -> impl Strategy<Value = Value> {
    let text = || any::<String>().prop_map(|text| text.replace('\0', ""));
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 20, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..20)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// What serde writes passes, and reads back as it was.
    #[test]
    fn what_is_written_is_read(value in value(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        prop_assert_eq!(&parse(&text, Limits::VALUE).unwrap(), &value);
        let expected = match &value {
            Value::Array(items) => Some(items.clone()),
            Value::Object(members) => Some(members.iter().map(|(key, value)| json!([key, value])).collect()),
            _ => None,
        };
        let pieces = items(&text).map(|items| items.iter().map(|item| serde_json::from_str(item).unwrap()).collect());
        prop_assert_eq!(list_length(&text), expected.as_ref().map(|items: &Vec<Value>| items.len() as u32));
        prop_assert_eq!(pieces, expected);
    }

    /// The scanner takes nothing that serde refuses, and refuses nothing else than it says it does.
    #[test]
    fn the_scanner_agrees_with_serde(text in "[\\[\\]{},:\"\\\\ua0-9eE.+ \ntrfalsn-]{0,12}") {
        let read: Result<Value, _> = serde_json::from_str(&text);
        match check(&text) {
            Ok(_) => prop_assert!(read.is_ok(), "{:?}", text),
            Err(JsonError { fault: Fault::DuplicateKey { .. } | Fault::Nul, .. }) => {}
            Err(error) => prop_assert!(read.is_err(), "{:?}: {}", text, error),
        }
    }

    #[test]
    fn pieces_of_anything_do_not_panic(text in any::<String>(), open in "[\\[{ ]?") {
        let text = open + &text;
        let _ = (check(&text), kind(&text), items(&text), blob_markers(&text), find_marker(&text));
        let _ = find_wide_integer(&text);
    }
}

#[test]
fn integers_that_a_tree_would_change_are_found() {
    let finds = |text: &str, expect: Option<(usize, usize)>| {
        assert!(check(text).is_ok(), "{text}");
        let found = find_wide_integer(text).map(|error| (error.line, error.column));
        assert_eq!(found, expect, "{text}");
    };
    finds("18446744073709551615", None);
    finds("18446744073709551616", Some((1, 1)));
    finds("-9223372036854775808", None);
    finds("-9223372036854775809", Some((1, 1)));
    finds("[1,\n {\"a\": 18446744073709551617}]", Some((2, 8)));
    finds("[\"18446744073709551617\", \"\\\"18446744073709551617\", 1.8e19, 18446744073709551617.0]", None);
}
