use super::*;
use crate::limits;

fn with(more: Value) -> Value {
    document(json!([{"task_id": "t"}]), more)
}

fn check_schedule(schedule: Value, expect: &[(&str, &str, &str)]) {
    check_problems(&with(json!({"schedule": schedule})), expect);
}

#[test]
fn every_form_of_schedule_is_read_and_written_back() {
    let cron = json!({"cron": {"expression": "0 5 * * 1-5", "timezone": "Europe/Berlin"}});
    let assets = json!({"any": [{"asset": "s3://bucket/a"}, {"all": [{"asset": "b"}, {"asset": "c"}]}]});
    for schedule in [
        json!("once"),
        json!("continuous"),
        cron.clone(),
        json!({"cron": {"expression": "@daily"}}),
        json!({"interval": {"every_ms": 1_000}}),
        json!({"several": [cron, {"interval": {"every_ms": 60_000}}]}),
        json!({"assets": assets}),
        json!({"assets_or_time": {"assets": assets, "time": [cron]}}),
    ] {
        let dag = dag(&with(json!({"schedule": schedule})));
        assert_eq!(serde_json::to_value(&dag.document().schedule).unwrap(), schedule);
    }
    assert_eq!(dag(&with(json!({"schedule": null}))).document().schedule, None);
}

#[test]
fn dates_are_instants() {
    let dag = dag(&with(json!({"start_date": "2026-01-31T08:00:00+02:00", "end_date": "2026-02-01T00:00:00.000001Z"})));
    let written = serde_json::to_value(dag.document()).unwrap();
    assert_eq!(written["start_date"], "2026-01-31T06:00:00Z");
    assert_eq!(written["end_date"], "2026-02-01T00:00:00.000001Z");
}

#[test]
fn what_no_schedule_can_be_is_refused_with_its_place() {
    let expression = "/schedule/cron/expression";
    for (schedule, path, part) in [
        (json!({"cron": {"expression": "61 * * * *"}}), expression, "no minute"),
        (json!({"cron": {"expression": "0 0 30 2 *"}}), expression, "never fires"),
        (json!({"cron": {"expression": "@once"}}), expression, "\"once\""),
        (json!({"cron": {"expression": "@daily", "timezone": "Mars/Olympus"}}), "/schedule/cron/timezone", "IANA"),
        (json!({"cron": {"expression": "@daily", "zone": "UTC"}}), "/schedule/cron", "unknown field `zone`"),
        (json!("@daily"), "/schedule", "unknown variant"),
        (json!({"assets": {"asset": "a b"}}), "/schedule/assets/asset", "without spaces"),
        (json!({"assets": {"asset": ""}}), "/schedule/assets/asset", "it is empty"),
        (json!({"interval": {"every_ms": -1}}), "/schedule/interval/every_ms", "invalid value"),
    ] {
        let problems = check_document(&with(json!({"schedule": schedule}))).unwrap_err();
        assert_eq!((problems[0].code.as_str(), problems.len()), ("wrong-shape", 1), "{problems:#?}");
        assert!(problems[0].path.starts_with(path), "{schedule}: {problems:#?}");
        assert!(problems[0].message.contains(part), "{problems:#?}");
    }
    check_schedule(
        json!({"interval": {"every_ms": 999}}),
        &[("out-of-range", "/schedule/interval/every_ms", "1000 to")],
    );
    check_schedule(json!({"several": []}), &[("empty-schedule", "/schedule/several", "add one")]);
    let many = vec![json!({"interval": {"every_ms": 1_000}}); 21];
    check_schedule(json!({"several": many}), &[("too-many-schedules", "/schedule/several", "21 schedules")]);
    check_schedule(
        json!({"assets_or_time": {"assets": {"all": []}, "time": [{"interval": {"every_ms": 1}}]}}),
        &[
            ("empty-expression", "/schedule/assets_or_time/assets/all", "add one"),
            ("out-of-range", "/schedule/assets_or_time/time/0/interval/every_ms", "1 is not"),
        ],
    );
    let nested = (1..9).fold(json!({"asset": "a"}), |inner, _| json!({"all": [inner]}));
    check_schedule(
        json!({"assets": nested}),
        &[("expression-too-deep", &format!("/schedule/assets{}", "/all/0".repeat(8)), "8 levels")],
    );
    let wide = json!({"any": vec![json!({"asset": "a"}); 101]});
    check_schedule(json!({"assets": wide}), &[("too-many-assets", "/schedule/assets", "101 assets")]);
}

#[test]
fn a_schedule_gives_no_parameters() {
    let params = json!({"named": {"default": null}, "missing": {"schema": {"type": "string"}}});
    dag(&with(json!({"params": params})));
    check_problems(
        &with(json!({"params": params, "schedule": "once"})),
        &[("no-default", "/params/missing", "parameter missing has no default")],
    );
}

#[test]
fn dates_and_limits_have_ranges() {
    check_problems(
        &with(json!({"start_date": "0001-01-01T00:00:00Z"})),
        &[("out-of-range", "/start_date", "the year 1 is not within 1970 to 2200")],
    );
    check_problems(
        &with(json!({"start_date": "2026-01-02T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"})),
        &[("never-fires", "/end_date", "is before the start")],
    );
    for text in ["tomorrow", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00.0000001Z"] {
        check_problems(&with(json!({"start_date": text})), &[("wrong-shape", "/start_date", "")]);
    }
    for (key, max) in [("max_active_runs", 10_000), ("max_consecutive_failed_runs", 1_000)] {
        dag(&with(json!({key: max})));
        for illegal in [0, max + 1] {
            check_problems(&with(json!({key: illegal})), &[("out-of-range", &format!("/{key}"), "not within 1 to")]);
        }
    }
    check_problems(
        &with(json!({"deadline": {"within_ms": 0}})),
        &[("out-of-range", "/deadline/within_ms", "0 is not within 1 to")],
    );
}

#[test]
fn callbacks_and_assets() {
    let task = |more: Value| {
        let mut task = json!({"task_id": "t"});
        task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        task
    };
    dag(&document(
        json!([task(json!({
            "callbacks": {"on_retry": ["tell"], "on_skipped": ["tell"]},
            "inlets": ["s3://in"],
            "outlets": [{"name": "out", "uri": "s3://bucket/out", "group": "g", "extra": {"rows": 1}}],
        }))]),
        json!({"callbacks": {"on_failure": ["page"], "on_deadline_missed": ["page"]}, "deadline": {"within_ms": 1, "from": "logical_date"}}),
    ));
    check_task(
        json!({"callbacks": {"on_deadline_missed": ["x"]}}),
        &[("wrong-shape", "/tasks/1/callbacks/on_deadline_missed", "unknown field")],
    );
    check_task(
        json!({"callbacks": {"on_retry": vec!["x"; 11]}}),
        &[("too-many-callbacks", "/tasks/1/callbacks/on_retry", "11 callbacks")],
    );
    check_task(
        json!({"outlets": [{"name": "a", "uri": "with space"}, {"name": "b", "extra": {"$waft": 1}}, {"name": "a"}]}),
        &[
            ("invalid-uri", "/tasks/1/outlets/0/uri", "visible ASCII"),
            ("reserved-key", "/tasks/1/outlets/1/extra", "reserved"),
            ("asset-conflict", "/tasks/1/outlets/2", "described differently"),
        ],
    );
    let large = "x".repeat(limits::asset::EXTRA_MAX_BYTES);
    check_task(
        json!({"outlets": [{"name": "a", "extra": {"x": large}}]}),
        &[("extra-too-large", "/tasks/1/outlets/0/extra", "at most 65536")],
    );
    check_task(json!({"inlets": vec!["a"; 101]}), &[("too-many-assets", "/tasks/1/inlets", "101 assets")]);
}

#[test]
fn what_is_hardly_meant_is_a_warning() {
    let warnings = |document: &Value| {
        let (_, warnings) = check_document(document).unwrap();
        warnings.into_iter().map(|warning| (warning.code, warning.path)).collect::<Vec<_>>()
    };
    let told = |code: &str, path: &str| vec![(code.to_owned(), path.to_owned())];
    assert_eq!(warnings(&with(json!({"catchup": true}))), told("no-start-date", "/catchup"));
    assert_eq!(
        warnings(&with(json!({"callbacks": {"on_deadline_missed": ["x"]}}))),
        told("no-deadline", "/callbacks/on_deadline_missed")
    );
    let circle = document(
        json!([{"task_id": "t", "outlets": [{"name": "a"}]}]),
        json!({"schedule": {"assets": {"any": [{"asset": "b"}, {"asset": "a"}]}}}),
    );
    assert_eq!(warnings(&circle), told("starts-itself", "/tasks/0/outlets/0"));
}
