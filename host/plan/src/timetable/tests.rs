use model::json::parse_document;
use serde_json::{Value, json};

use super::*;

mod slow;
mod zones;

fn timetable(more: Value) -> Timetable {
    let mut document = json!({"schema": "waft.dag/v1", "dag_id": "d", "tasks": [{"task_id": "t"}]});
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let document = parse_document(&document.to_string()).unwrap_or_else(|problems| panic!("{problems:#?}"));
    Timetable::of(&document, at("2026-01-01T00:00:00Z")).expect("a schedule by time")
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn cron(expression: &str, timezone: &str) -> Value {
    json!({"cron": {"expression": expression, "timezone": timezone}})
}

/// The fires after an instant are these.
#[track_caller]
fn check(schedule: Value, after: &str, expect: &[&str]) {
    let timetable = timetable(json!({"schedule": schedule}));
    let fires = std::iter::successors(timetable.next_after(at(after)), |fire| timetable.next_after(*fire));
    let fires: Vec<_> = fires.take(expect.len()).map(|fire| fire.to_string()).collect();
    assert_eq!(fires, expect);
    for pair in fires.windows(2) {
        let until = before(at(&pair[1]));
        assert_eq!(timetable.last_until(until), Some(at(&pair[0])), "the last until {until}");
    }
}

#[test]
fn a_time_in_a_gap_fires_once_at_its_end() {
    check(
        cron("30 2 * * *", "Europe/Berlin"),
        "2026-03-28T00:00:00Z",
        &["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
    );
    // Two times of the gap, and the time at its end, are one fire.
    check(
        cron("0,30 2,3 * * *", "Europe/Berlin"),
        "2026-03-29T00:00:00Z",
        &["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:00:00Z"],
    );
    // A whole day that was skipped.
    check(cron("0 9 * * *", "Pacific/Apia"), "2011-12-29T19:00:00Z", &["2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"]);
}

#[test]
fn a_time_in_a_fold_fires_once_the_first_time() {
    check(
        cron("30 2 * * *", "Europe/Berlin"),
        "2026-10-24T12:00:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
    );
    check(
        cron("45 1-2 * * *", "Europe/Berlin"),
        "2026-10-24T22:00:00Z",
        &["2026-10-24T23:45:00Z", "2026-10-25T00:45:00Z", "2026-10-26T00:45:00Z"],
    );
}

#[test]
fn an_open_hour_follows_the_clock() {
    check(
        cron("30 * * * *", "Europe/Berlin"),
        "2026-03-29T00:00:00Z",
        &["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"],
    );
    check(
        cron("30 * * * *", "Europe/Berlin"),
        "2026-10-25T00:00:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"],
    );
    check(
        cron("0 * * * *", "Australia/Lord_Howe"),
        "2026-04-04T14:00:00Z",
        &["2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z"],
    );
}

#[test]
fn rare_days_are_found() {
    check(cron("0 0 29 2 *", "UTC"), "2097-01-01T00:00:00Z", &["2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"]);
    check(cron("0 0 * 2 sun#5", "UTC"), "2061-01-01T00:00:00Z", &["2088-02-29T00:00:00Z", "2128-02-29T00:00:00Z"]);
    check(
        cron("* * 29 2 *", "Europe/Berlin"),
        "2096-03-01T00:00:00Z",
        &["2104-02-28T23:00:00Z", "2104-02-28T23:01:00Z"],
    );
}

#[test]
fn intervals_are_counted_from_the_start_or_from_1970() {
    let hour = json!({"interval": {"every_ms": 3_600_000}});
    check(hour.clone(), "2026-01-01T00:30:00Z", &["2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"]);
    let timetable = timetable(json!({"schedule": hour, "start_date": "2026-01-01T00:10:00Z"}));
    assert_eq!(timetable.next_after(at("2025-01-01T00:00:00Z")), Some(at("2026-01-01T00:10:00Z")));
    assert_eq!(timetable.next_after(at("2026-01-01T00:10:00Z")), Some(at("2026-01-01T01:10:00Z")));
    assert_eq!(timetable.last_until(at("2026-01-01T00:09:59Z")), None);
}

#[test]
fn several_schedules_fire_once_at_the_same_instant() {
    check(
        json!({"several": [cron("0 12 * * *", "UTC"), cron("0 13 * * *", "Europe/Berlin"), {"interval": {"every_ms": 43_200_000}}]}),
        "2026-01-01T00:00:00Z",
        &["2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z", "2026-01-02T12:00:00Z"],
    );
}

#[test]
fn a_run_is_named_for_its_fire_or_for_the_start_of_its_interval() {
    let daily = cron("@daily", "UTC");
    let dates = json!({"start_date": "2026-01-05T00:00:00Z", "end_date": "2026-01-07T00:00:00Z"});
    let with = |logical_date: &str| {
        let mut more = json!({"schedule": daily, "logical_date": logical_date});
        more.as_object_mut().unwrap().extend(dates.as_object().unwrap().clone());
        timetable(more)
    };
    let names = |timetable: &Timetable| {
        let fires = timetable.fires_within(at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"));
        let day = |time: Timestamp| time.to_string()[8..10].to_owned();
        fires
            .map(|it| {
                format!(
                    "{} {}-{} at {}",
                    day(it.logical_date),
                    day(it.data_interval.0),
                    day(it.data_interval.1),
                    day(it.run_after)
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&with("fire")), ["05 04-05 at 05", "06 05-06 at 06", "07 06-07 at 07"]);
    assert_eq!(names(&with("interval_start")), ["05 05-06 at 06", "06 06-07 at 07", "07 07-08 at 08"]);
    let within = with("interval_start");
    let within: Vec<_> = within.fires_within(at("2026-01-06T00:00:00Z"), at("2026-01-06T23:00:00Z")).collect();
    assert_eq!(within.iter().map(|fire| fire.run_after).collect::<Vec<_>>(), [at("2026-01-07T00:00:00Z")]);
}

#[test]
fn missed_fires_are_caught_up_with_one_by_one_or_passed_over() {
    let daily = |catchup: bool| {
        timetable(json!({"schedule": cron("@daily", "UTC"), "catchup": catchup, "start_date": "2026-01-02T00:00:00Z"}))
    };
    let now = at("2026-01-05T10:00:00Z");
    let (lazy, eager) = (daily(false), daily(true));

    let first = lazy.due(lazy.first_cursor(now), now);
    assert_eq!((first.fire, first.skipped), (Some(lazy.fire(at("2026-01-05T00:00:00Z"))), 0));
    let cursor = first.cursor;
    assert_eq!(lazy.due(cursor, now), Due { fire: None, skipped: 0, cursor });
    let without_start = timetable(json!({"schedule": cron("@daily", "UTC")}));
    assert_eq!(without_start.first_cursor(now), now);
    let later = at("2026-01-09T10:00:00Z");
    let due = lazy.due(cursor, later);
    assert_eq!((due.fire, due.skipped), (Some(lazy.fire(at("2026-01-09T00:00:00Z"))), 3));
    assert_eq!(lazy.due(due.cursor, later), Due { fire: None, skipped: 0, cursor: due.cursor });
    assert_eq!(lazy.next_due(due.cursor), Some(at("2026-01-10T00:00:00Z")));

    let mut cursor = eager.first_cursor(now);
    let mut made = Vec::new();
    while let Due { fire: Some(fire), skipped: 0, cursor: next } = eager.due(cursor, now) {
        made.push(fire.logical_date);
        cursor = next;
    }
    assert_eq!(
        made,
        ["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05"].map(|day| at(&format!("{day}T00:00:00Z")))
    );
}

#[test]
fn a_changed_schedule_does_not_make_up_for_what_it_would_have_fired() {
    let hourly = |catchup: bool| {
        timetable(json!({"schedule": cron("@hourly", "UTC"), "catchup": catchup, "start_date": "2026-01-01T00:00:00Z"}))
    };
    let (cursor, now) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T10:30:00Z"));
    assert_eq!(hourly(false).next_cursor(cursor, now), now);
    assert_eq!(hourly(true).next_cursor(cursor, now), cursor);
}

#[test]
fn once_and_continuous() {
    let now = at("2026-01-05T00:00:00Z");
    for (once, fire) in [
        (timetable(json!({"schedule": "once"})), "2026-01-01T00:00:00Z"),
        (timetable(json!({"schedule": "once", "start_date": "2026-01-03T00:00:00Z"})), "2026-01-03T00:00:00Z"),
    ] {
        let due = once.due(once.first_cursor(now), now);
        assert_eq!(due.fire.map(|it| (it.logical_date, it.data_interval)), Some((at(fire), (at(fire), at(fire)))));
        assert_eq!(once.due(due.cursor, now).fire, None);
        assert_eq!(once.next_due(due.cursor), None);
    }
    let late = timetable(json!({"schedule": "once", "start_date": "2026-02-01T00:00:00Z"}));
    assert_eq!(late.due(late.first_cursor(now), now).fire, None);
    assert_eq!(late.next_due(late.first_cursor(now)), Some(at("2026-02-01T00:00:00Z")));

    let continuous = timetable(json!({"schedule": "continuous", "end_date": "2026-01-06T00:00:00Z"}));
    let cursor = continuous.first_cursor(now);
    assert!(continuous.is_continuous());
    assert!(continuous.next_due(cursor).is_some_and(|next| next <= at("2026-01-05T00:00:01Z")));
    let due = continuous.due(cursor, at("2026-01-05T00:05:00Z"));
    assert_eq!(due.fire.map(|it| it.data_interval), Some((now, at("2026-01-05T00:05:00Z"))));
    assert_eq!(continuous.due(cursor, at("2026-01-06T00:00:01Z")).fire, None);
}

#[test]
fn long_ago_is_bounded_work() {
    let minutes = timetable(
        json!({"schedule": cron("* * * * *", "Europe/Berlin"), "start_date": "1970-01-01T00:00:00Z", "catchup": false}),
    );
    let due = minutes.due(at("1970-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z"));
    assert_eq!(due.fire.map(|fire| fire.run_after), Some(at("2100-01-01T00:00:00Z")));
    assert_eq!(due.skipped, SKIPPED_COUNT_MAX);
    let ended = timetable(
        json!({"schedule": cron("@yearly", "UTC"), "start_date": "2026-02-01T00:00:00Z", "end_date": "2026-03-01T00:00:00Z"}),
    );
    assert_eq!(ended.next_after(Timestamp::MIN), None);
    assert_eq!(ended.last_until(Timestamp::MAX), None);
    assert_eq!(ended.due(Timestamp::MIN, at("2027-01-01T00:00:00Z")).fire, None);
    for edge in [Timestamp::MIN, Timestamp::MAX] {
        // Nothing fires where time ends; it must not panic.
        let _ = (minutes.next_after(edge), minutes.last_until(edge), minutes.fire(edge));
    }
}

#[test]
fn deadlines_count_from_what_the_author_says() {
    let [queued, after, logical] = ["2026-01-01T00:00:03Z", "2026-01-01T00:00:02Z", "2026-01-01T00:00:01Z"].map(at);
    for (from, expect) in [
        (DeadlineFrom::QueuedAt, "2026-01-01T00:00:04Z"),
        (DeadlineFrom::RunAfter, "2026-01-01T00:00:03Z"),
        (DeadlineFrom::LogicalDate, "2026-01-01T00:00:02Z"),
    ] {
        assert_eq!(deadline(Deadline { from, within_ms: 1_000 }, queued, after, Some(logical)), Some(at(expect)));
    }
    let named = Deadline { from: DeadlineFrom::LogicalDate, within_ms: 1 };
    assert_eq!(deadline(named, queued, after, None), None);
}
