use serde_json::json;

use super::*;

fn ty(json: Value) -> Type {
    serde_json::from_value(json).unwrap()
}

fn check_fits(from: Value, into: Value, expect: bool) {
    let (from, into) = (ty(from), ty(into));
    assert_eq!(from.fits(&into), expect, "{from} into {into}");
}

#[test]
fn fits() {
    let object = |members: Value| json!({ "object": members });
    for (from, into, expect) in [
        (json!("any"), json!("string"), true),
        (json!("string"), json!("any"), true),
        (json!("integer"), json!("number"), true),
        (json!("number"), json!("integer"), false),
        (json!("string"), json!("integer"), false),
        (json!("blob"), json!("string"), false),
        (json!("blob"), json!("blob"), true),
        (json!({"list": "integer"}), json!({"list": "number"}), true),
        (json!({"list": "string"}), json!({"list": "number"}), false),
        (json!({"list": "string"}), json!("string"), false),
        (json!({"sequence": "string"}), json!({"list": "string"}), true),
        (json!({"list": "string"}), json!({"sequence": "string"}), true),
        (json!({"sequence": "string"}), json!({"sequence": "integer"}), false),
        (json!("string"), json!({"union": ["null", "string"]}), true),
        (json!({"union": ["null", "string"]}), json!("string"), false),
        (json!({"union": ["null", "string"]}), json!({"union": ["string", "number", "null"]}), true),
        (json!({"enum": ["a", "b"]}), json!("string"), true),
        (json!({"enum": ["a", 1]}), json!("string"), false),
        (json!({"enum": ["a"]}), json!({"enum": ["b", "a"]}), true),
        (json!({"enum": ["a", "c"]}), json!({"enum": ["b", "a"]}), false),
        (json!("string"), json!({"enum": ["a"]}), false),
        (json!({"map": "integer"}), json!({"map": "number"}), true),
        (object(json!({"a": {"type": "integer"}})), json!({"map": "number"}), true),
        (object(json!({"a": {"type": "string"}})), json!({"map": "number"}), false),
        (
            object(json!({"a": {"type": "string"}, "b": {"type": "null"}})),
            object(json!({"a": {"type": "string"}})),
            true,
        ),
        (object(json!({})), object(json!({"a": {"type": "string"}})), false),
        (object(json!({})), object(json!({"a": {"type": "string", "optional": true}})), true),
        (object(json!({"a": {"type": "string", "optional": true}})), object(json!({"a": {"type": "string"}})), false),
        (json!({"map": "string"}), object(json!({"a": {"type": "string", "optional": true}})), true),
        (json!({"map": "string"}), object(json!({"a": {"type": "string"}})), false),
    ] {
        check_fits(from, into, expect);
    }
}

#[test]
fn accepts() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let object = json!({"object": {"a": {"type": "integer"}, "b": {"type": "string", "optional": true}}});
    for (into, value, expect) in [
        (json!("any"), json!([1, "a"]), true),
        (json!("integer"), json!(1), true),
        (json!("integer"), json!(1.0), true),
        (json!("integer"), json!(1.5), false),
        (json!("number"), json!(1.5), true),
        (json!("blob"), json!({"$waft": "blob", "digest": digest, "size": 1, "media_type": "text/plain"}), true),
        (json!("blob"), json!({"$waft": "blob", "digest": digest, "size": 1}), true),
        (json!("blob"), json!({"$waft": "blob", "digest": digest, "size": 1, "more": 1}), false),
        (json!("blob"), json!({"$waft": "blob"}), false),
        (json!({"list": "integer"}), json!([1, 2]), true),
        (json!({"list": "integer"}), json!([1, "2"]), false),
        (json!({"sequence": "integer"}), json!([1]), true),
        (json!({"enum": [1, "a"]}), json!(1.0), true),
        (json!({"enum": [1, "a"]}), json!("b"), false),
        (json!({"map": "integer"}), json!({"x": 1}), true),
        (object.clone(), json!({"a": 1, "c": null}), true),
        (object.clone(), json!({"a": 1, "b": 2}), false),
        (object, json!({"b": "x"}), false),
    ] {
        let into = ty(into);
        assert_eq!(into.accepts(&value), expect, "{value} into {into}");
    }
}

#[test]
fn items() {
    for (of, expect) in [
        (json!({"list": "string"}), Some("string")),
        (json!({"sequence": {"list": "string"}}), Some("list<string>")),
        (json!({"map": "integer"}), Some("list<string | integer>")),
        (json!({"object": {"a": {"type": "null"}}}), Some("list<string | null>")),
        (json!({"union": [{"list": "string"}, {"list": "null"}]}), Some("string | null")),
        (json!({"union": [{"list": "string"}, "null"]}), None),
        (json!({"enum": [[1, 2], {"a": 3}]}), Some(r#"1 | 2 | ["a",3]"#)),
        (json!("any"), Some("any")),
        (json!("string"), None),
        (json!("blob"), None),
    ] {
        let of = ty(of);
        assert_eq!(of.item().map(|item| item.to_string()).as_deref(), expect, "{of}");
    }
}

#[test]
fn shown_as_text_and_schema() {
    let ty = ty(json!({"object": {
        "names": {"type": {"list": "string"}},
        "mode": {"type": {"enum": ["a", "b"]}, "optional": true},
        "rest": {"type": {"union": ["null", {"map": "any"}, {"sequence": "blob"}]}},
    }}));
    assert_eq!(ty.to_string(), r#"{names: list<string>, mode?: "a" | "b", rest: null | map<any> | sequence<blob>}"#);
    insta::assert_json_snapshot!(ty.json_schema());
}

#[test]
fn a_comparison_ends_though_types_are_large() {
    let from = Type::Union([vec![Type::String; 3_000], vec![Type::Integer]].concat());
    let into = Type::Union([vec![Type::Null; 3_000], vec![Type::String]].concat());
    let mut comparison = Comparison::default();
    assert!(comparison.fits(&from, &into), "undecided counts as fitting");
    assert!(comparison.is_spent());
}
