use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn text(value: &impl Serialize) -> Result<String, CanonicalError> {
    canonical(value).map(|bytes| String::from_utf8(bytes).expect("canonical JSON is UTF-8"))
}

#[test]
fn numbers() {
    for (number, expect) in [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (0.1, "0.1"),
        (123_456.789, "123456.789"),
        (9_007_199_254_740_991.0, "9007199254740991"),
        (1e-6, "0.000001"),
        (1.5e-6, "0.0000015"),
        (1e-7, "1e-7"),
        (1.25e-7, "1.25e-7"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (0.000_001_234, "0.000001234"),
        (4.35, "4.35"),
    ] {
        assert_eq!(text(&number).as_deref(), Ok(expect), "{number:?}");
    }
}

#[test]
fn numbers_that_readers_differ_on_are_refused() {
    for number in [9_007_199_254_740_992.0, -9_007_199_254_740_992.0, 1e20] {
        assert!(matches!(text(&number), Err(CanonicalError { obstacle: Obstacle::Integer(_), .. })), "{number:?}");
    }
    for number in [u64::MAX, 1 << 53] {
        assert_eq!(text(&number), Err(Obstacle::Integer(number.to_string()).into()));
    }
    assert_eq!(text(&i64::MIN), Err(Obstacle::Integer(i64::MIN.to_string()).into()));
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(text(&number), Err(Obstacle::NotFinite.into()));
    }
}

/// The example of RFC 8785, section 3.2.3: members by UTF-16 code units, so that U+1F600 stands before U+FB33.
#[test]
fn members_are_sorted_by_utf16() {
    let value = json!({
        "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
        "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis",
    });
    let text = text(&value).unwrap();
    let order: Vec<_> =
        serde_json::from_str::<serde_json::Map<String, Value>>(&text).unwrap().keys().cloned().collect();
    assert_eq!(order, ["\r", "1", "\u{80}", "\u{f6}", "\u{20ac}", "\u{1f600}", "\u{fb33}"]);
}

#[test]
fn strings_carry_no_needless_escapes() {
    assert_eq!(text(&"\u{20ac}$\u{f}\nA'\u{42}\"\\\"/\u{7f}").as_deref(), Ok("\"€$\\u000f\\nA'B\\\"\\\\\\\"/\u{7f}\""));
}

#[test]
fn enums_stand_as_in_documents() {
    #[derive(Serialize)]
    enum Shape {
        Unit,
        Newtype(u8),
        Tuple(u8, u8),
        Struct { b: u8, a: u8 },
    }
    let shapes = [Shape::Unit, Shape::Newtype(1), Shape::Tuple(1, 2), Shape::Struct { b: 1, a: 2 }];
    assert_eq!(text(&shapes).as_deref(), Ok(r#"["Unit",{"Newtype":1},{"Tuple":[1,2]},{"Struct":{"a":2,"b":1}}]"#));
}

#[test]
fn only_strings_are_keys() {
    let map: std::collections::BTreeMap<u8, u8> = [(1, 2)].into();
    assert_eq!(text(&map), Err(Obstacle::Key.into()));
}

#[test]
fn errors_say_where() {
    let error = canonical(&json!({"a": [0, {"b/c": u64::MAX}]})).unwrap_err();
    assert_eq!(error.pointer, "/a/1/b~1c");

    #[derive(Serialize)]
    enum Shape {
        Newtype(u64),
        Tuple(u8, u64),
        Struct { a: u64 },
    }
    for (shape, pointer) in [
        (Shape::Newtype(u64::MAX), "/Newtype"),
        (Shape::Tuple(0, u64::MAX), "/Tuple/1"),
        (Shape::Struct { a: u64::MAX }, "/Struct/a"),
    ] {
        assert_eq!(canonical(&shape).unwrap_err().pointer, pointer);
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1_i64 << 53) + 1..1 << 53).prop_map(Value::from),
        any::<f64>().prop_filter_map("has a canonical form", |number| text(&number).ok().map(|_| Value::from(number))),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Equal as JSON values: 1.0 is 1, and the order of members says nothing.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

proptest! {
    #[test]
    fn canon_roundtrip(value in value()) {
        let once = canonical(&value).unwrap();
        let back: Value = serde_json::from_slice(&once).unwrap();
        prop_assert!(same(&value, &back));
        prop_assert_eq!(canonical(&back).unwrap(), once);
    }
}
