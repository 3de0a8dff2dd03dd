//! Parameters of a run: the DAG's defaults, overridden by the members of the conf that have their names, then validated. Members
//! of the conf that name no parameter are left to `conf` sources. The fields of an approval's form are the same, but that all that is
//! answered must be asked for.

use jsonschema::{PatternOptions, Validator};
use model::document::ParamDocument;
use model::limits::dag::{SCHEMA_PARTS_MAX, SCHEMA_STEPS_MAX};
use model::pointer::Pointer;
use model::{Key, Problem, Problems};
use serde_json::{Map, Value};

mod weight;

/// Where validating may take more steps than this, one problem is told, not all.
const STEPS_LOOKED_THROUGH: u64 = 100_000;
/// Largest compiled pattern of a schema.
const PATTERN_MAX_BYTES: usize = 1 << 20;

/// The compiled schemas of a version, or of a form.
#[derive(Debug)]
pub(crate) struct ParamSchemas(Vec<ParamSchema>);

#[derive(Debug)]
struct ParamSchema {
    name: Key,
    default: Option<Value>,
    /// None where the schema takes anything.
    schema: Option<Weighed>,
}

/// A compiled schema, and how many of its parts may look at one place of a value.
#[derive(Debug)]
struct Weighed {
    validator: Validator,
    parts: u64,
}

impl ParamSchemas {
    /// Compiles all schemas, or tells which are none; they stand below `place` in their document. Patterns run in linear time, and
    /// nothing is fetched.
    pub(crate) fn compile<'d>(
        params: impl IntoIterator<Item = (&'d Key, &'d ParamDocument)>,
        place: &Pointer,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let mut schemas = Vec::new();
        for (name, param) in params {
            let at = place.to(name.as_str());
            let schema = match &param.schema {
                Value::Bool(true) => None,
                schema => {
                    let Some(parts) = weight::parts(schema) else {
                        let message = format!(
                            "this schema has more than {SCHEMA_PARTS_MAX} parts when all that it refers to is written out, or refers to itself; make it simpler"
                        );
                        problems.error("schema-too-large", at.to("schema"), message);
                        continue;
                    };
                    let patterns = PatternOptions::regex().size_limit(PATTERN_MAX_BYTES);
                    match jsonschema::options().with_pattern_options(patterns).build(schema) {
                        Ok(validator) => Some(Weighed { validator, parts }),
                        Err(error) => {
                            let path = format!("{}{}", at.to("schema").as_str(), error.instance_path());
                            problems.error("invalid-schema", path, format!("this is not a JSON Schema: {error}"));
                            continue;
                        }
                    }
                }
            };
            if let (Some(schema), Some(default)) = (&schema, &param.default) {
                schema.check(default, &at.to("default"), "invalid-default", &mut problems);
            }
            schemas.push(ParamSchema { name: name.clone(), default: param.default.clone(), schema });
        }
        if problems.is_empty() { Ok(Self(schemas)) } else { Err(problems.into_list()) }
    }

    /// The parameters of a run with this conf, in the order of the document; or everything that is wrong with them. The conf stands in
    /// `member` of what was sent.
    pub(crate) fn resolve(&self, conf: &Map<String, Value>, member: &str) -> Result<Map<String, Value>, Vec<Problem>> {
        let mut problems = Problems::default();
        let params = self.resolved(conf, member, &mut problems);
        if problems.is_empty() { Ok(params) } else { Err(problems.into_list()) }
    }

    /// The same, where everything that is given must have a name that is known.
    pub(crate) fn resolve_all(
        &self,
        given: &Map<String, Value>,
        member: &str,
    ) -> Result<Map<String, Value>, Vec<Problem>> {
        let mut problems = Problems::default();
        let params = self.resolved(given, member, &mut problems);
        for name in given.keys().filter(|name| !self.0.iter().any(|param| param.name.as_str() == name.as_str())) {
            let at = Pointer::default().to(member).to(name);
            problems.error("unknown-param", at, "nobody asks for this; leave it out");
        }
        if problems.is_empty() { Ok(params) } else { Err(problems.into_list()) }
    }

    fn resolved(&self, conf: &Map<String, Value>, member: &str, problems: &mut Problems) -> Map<String, Value> {
        let place = Pointer::default().to(member);
        let mut params = Map::new();
        for ParamSchema { name, default, schema } in &self.0 {
            let at = place.to(name.as_str());
            match (conf.get(name.as_str()), default) {
                (Some(value), _) => {
                    if let Some(schema) = schema {
                        schema.check(value, &at, "invalid-param", problems);
                    }
                    params.insert(name.to_string(), value.clone());
                }
                (None, Some(default)) => {
                    params.insert(name.to_string(), default.clone());
                }
                (None, None) => {
                    let message = format!(
                        "the parameter {name:?} has no default; give it a value in {member}",
                        name = name.as_str()
                    );
                    problems.error("missing-param", &at, message);
                }
            }
        }
        params
    }
}

impl Weighed {
    fn check(&self, value: &Value, at: &Pointer, code: &str, problems: &mut Problems) {
        let Self { validator, parts } = self;
        let values = weight::values(value);
        if values.saturating_mul(*parts) > SCHEMA_STEPS_MAX {
            let message =
                format!("{values} values are too many for a schema of {parts} parts; make one of them smaller");
            return problems.error("param-too-large", at, message);
        }
        let mut tell = |error: jsonschema::ValidationError<'_>| {
            problems.error(code, format!("{}{}", at.as_str(), error.instance_path()), error.masked().to_string());
        };
        // All of them are built before the first is told, each with what it is about.
        if values.saturating_mul(*parts) > STEPS_LOOKED_THROUGH {
            validator.validate(value).err().into_iter().for_each(tell);
        } else {
            validator.iter_errors(value).for_each(&mut tell);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compile(params: Value) -> Result<ParamSchemas, Vec<Problem>> {
        let Value::Object(params) = params else { panic!("{params} is no object") };
        let param =
            |(name, param)| (Key::new(name).expect("a name"), serde_json::from_value(param).expect("a parameter"));
        let params: Vec<(Key, ParamDocument)> = params.into_iter().map(param).collect();
        ParamSchemas::compile(params.iter().map(|(name, param)| (name, param)), &Pointer::default().to("params"))
    }

    fn resolve(params: Value, conf: Value) -> String {
        let schemas = compile(params).expect("schemas");
        match schemas.resolve(conf.as_object().expect("an object"), "conf") {
            Ok(params) => Value::Object(params).to_string(),
            Err(problems) => problems.iter().map(|problem| format!("{}: {}\n", problem.path, problem.code)).collect(),
        }
    }

    #[test]
    fn conf_overrides_defaults_in_the_order_of_the_document() {
        let params =
            json!({"b": {"default": 1}, "a": {"schema": {"type": "string"}, "default": "x"}, "n": {"default": null}});
        assert_eq!(resolve(params, json!({"a": "y", "other": 3})), r#"{"b":1,"a":"y","n":null}"#);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let params = json!({
            "list": {"schema": {"type": "array", "items": {"type": "integer"}}},
            "name": {"schema": {"type": "string", "pattern": "^[a-z]+$"}},
            "must": {},
        });
        let told = resolve(params, json!({"list": [1, "2", 3.5], "name": "A1"}));
        assert_eq!(
            told,
            "/conf/list/1: invalid-param\n/conf/list/2: invalid-param\n/conf/name: invalid-param\n/conf/must: missing-param\n"
        );
    }

    #[test]
    fn a_schema_that_is_none_and_a_default_that_does_not_fit_are_refused() {
        let params = json!({"a": {"schema": {"type": "strin"}}, "b": {"schema": {"minimum": 3}, "default": 2}});
        let problems = compile(params).expect_err("problems");
        let told: Vec<_> = problems.iter().map(|problem| (problem.code.as_str(), problem.path.as_str())).collect();
        assert_eq!(told, [("invalid-schema", "/params/a/schema/type"), ("invalid-default", "/params/b/default")]);
    }

    #[test]
    fn a_pattern_that_needs_backtracking_is_refused() {
        let params = json!({"a": {"schema": {"pattern": "(a+)+\\1"}}});
        assert!(compile(params).is_err());
    }

    #[test]
    fn what_would_take_for_ever_is_refused() {
        let wide = json!({"items": {"allOf": vec![json!({"type": "string"}); 2_000]}});
        let many = json!({"a": vec![1; 200_000]});
        assert_eq!(resolve(json!({"a": {"schema": wide}}), many), "/conf/a: param-too-large\n");
        let itself = json!({"a": {"schema": {"items": {"$ref": "#"}}}});
        let problems = compile(itself).expect_err("problems");
        assert_eq!(problems[0].code, "schema-too-large");
        let short = json!({"a": {"schema": {"items": {"type": "string"}}}});
        assert_eq!(resolve(short, json!({"a": vec![1; 200_000]})), "/conf/a/0: invalid-param\n");
    }

    #[test]
    fn a_form_takes_only_what_it_asks_for() {
        let form = compile(json!({"ok": {"schema": {"type": "boolean"}}, "why": {"default": ""}})).expect("schemas");
        let given = json!({"ok": true, "who": "me"});
        let problems = form.resolve_all(given.as_object().expect("an object"), "params_input").expect_err("problems");
        assert_eq!((problems[0].code.as_str(), problems[0].path.as_str()), ("unknown-param", "/params_input/who"));
        let given = json!({"ok": true});
        let answered = form.resolve_all(given.as_object().expect("an object"), "params_input").expect("an answer");
        assert_eq!(Value::Object(answered), json!({"ok": true, "why": ""}));
    }

    #[test]
    fn messages_do_not_repeat_values() {
        let schemas = compile(json!({"a": {"schema": {"type": "integer"}}})).expect("schemas");
        let conf = json!({"a": "hunter2"});
        let problems = schemas.resolve(conf.as_object().expect("an object"), "conf").expect_err("problems");
        assert!(!problems[0].message.contains("hunter2"), "{}", problems[0].message);
    }
}
