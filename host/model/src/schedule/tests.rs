use super::*;

fn day(month: u8, day: u8, days_in_month: u8, weekday: u8) -> CronDay {
    CronDay { month, day, days_in_month, weekday }
}

/// The minutes of one day at which an expression without days fires.
fn times(text: &str) -> Vec<(u8, u8)> {
    let cron = Cron::new(text).unwrap();
    let all = (0..24).flat_map(|hour| (0..60).map(move |minute| (hour, minute)));
    all.filter(|(hour, minute)| cron.has_time(*hour, *minute)).collect()
}

#[test]
fn minutes_and_hours() {
    for (text, expect) in [
        ("5 7 * * *", &[(7, 5)][..]),
        ("59,0 0,23 * * *", &[(0, 0), (0, 59), (23, 0), (23, 59)]),
        ("10-30/10 1-2 * * *", &[(1, 10), (1, 20), (1, 30), (2, 10), (2, 20), (2, 30)]),
        ("40/15 */12 * * *", &[(0, 40), (0, 55), (12, 40), (12, 55)]),
        ("@daily", &[(0, 0)]),
    ] {
        assert_eq!(times(text), expect, "{text}");
    }
    assert_eq!(times("* * * * *").len(), 24 * 60);
    assert_eq!(times("@hourly").len(), 24);
}

#[test]
fn the_next_and_the_last_time_of_a_day_agree_with_asking_each_minute() {
    for text in ["5 7 * * *", "59,0 0,23 * * *", "10-30/10 1-2 * * *", "* * * * *", "*/7 */5 * * *", "0 12 * * *"] {
        let (cron, times) = (Cron::new(text).unwrap(), times(text));
        for at in (0..24).flat_map(|hour| (0..60).map(move |minute| (hour, minute))) {
            assert_eq!(cron.time_from(at.0, at.1), times.iter().find(|time| **time >= at).copied(), "{text} {at:?}");
            assert_eq!(cron.time_until(at.0, at.1), times.iter().rfind(|time| **time <= at).copied(), "{text} {at:?}");
        }
    }
}

#[test]
fn days() {
    // November 2026 has 30 days and begins on a Sunday.
    let fires = |text: &str| {
        let cron = Cron::new(text).unwrap();
        (1..=30).filter(|&at| cron.has_day(day(11, at, 30, (at - 1) % 7))).collect::<Vec<u8>>()
    };
    assert_eq!(fires("0 0 * * *").len(), 30);
    assert_eq!(fires("0 0 1,15 * *"), [1, 15]);
    assert_eq!(fires("0 0 L * ?"), [30]);
    assert_eq!(fires("0 0 ? * mon"), [2, 9, 16, 23, 30]);
    assert_eq!(fires("0 0 * NOV 6-7"), [1, 7, 8, 14, 15, 21, 22, 28, 29]);
    assert_eq!(fires("0 0 * * fri#1,5#3"), [6, 20]);
    assert_eq!(fires("0 0 * * 1L"), [30]);
    assert_eq!(fires("0 0 13 * fri"), [6, 13, 20, 27]);
    assert_eq!(fires("0 0 14 * 5#2"), [13, 14]);
    assert!(fires("0 0 * 1-10 *").is_empty());
    assert!(fires("@quarterly").is_empty());
    assert_eq!(fires("@weekly"), [1, 8, 15, 22, 29]);
    assert_eq!(fires("0 0 31 * sun#5"), [29]);
}

#[test]
fn what_is_no_cron_expression_is_told_why() {
    for (text, part) in [
        ("", "five fields"),
        ("* * * *", "five fields"),
        ("0 * * * * *", "five fields"),
        ("60 * * * *", "\"60\" is no minute of a cron expression; minutes are 0 to 59"),
        ("* 24 * * *", "\"24\" is no hour"),
        ("* * 0 * *", "\"0\" is no day of"),
        ("* * * 13 *", "\"13\" is no month"),
        ("* * * * 8", "\"8\" is no weekday"),
        ("* * * * mon#6", "mon#6"),
        ("* * * * mon#0", "mon#0"),
        ("5-1 * * * *", "5-1"),
        ("*/0 * * * *", "*/0"),
        ("*/60 * * * *", "*/60"),
        ("1,,2 * * * *", "\"\" is no minute"),
        ("-1 * * * *", "-1"),
        ("+1 * * * *", "+1"),
        ("1/ * * * *", "1/"),
        ("* * * janu *", "janu"),
        ("99999999999999999999 * * * *", "no minute"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 2,4,6,9,11 *", "never fires"),
        ("@once", "write \"schedule\": \"once\""),
        ("@continuous", "\"continuous\""),
        ("@fortnightly", "words are @hourly"),
    ] {
        let told = Cron::new(text).unwrap_err().to_string();
        assert!(told.contains(part), "{text}: {told}");
    }
    assert!(Cron::new(&format!("0 0 {} * *", "1,".repeat(200))).is_err());
    assert!(Cron::new("0 0 30 2 mon").is_ok(), "either day is enough");
    assert!(Cron::new("0 0 29 2 *").is_ok());
}

#[test]
fn zones_have_their_names() {
    assert_eq!(Zone::new("Europe/Berlin").unwrap().as_str(), "Europe/Berlin");
    assert_eq!(
        Zone::new("europe/berlin").unwrap_err().to_string(),
        "\"europe/berlin\" is no IANA time zone; did you mean Europe/Berlin?"
    );
    assert!(Zone::new("Middle/Earth").unwrap_err().to_string().contains("names are like"));
    assert!(Zone::default().is_utc());
    assert!(Zone::all().count() > 400);
}
