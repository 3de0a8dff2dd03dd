//! Schedules, in Airflow's words.

use model::asset::AssetExpression;
use model::schedule::{Schedule, TimeSchedule, Zone};
use serde_json::{Value, json};

/// A schedule in a few words.
pub(crate) fn summary(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Once => "@once".to_owned(),
        Schedule::Continuous => "@continuous".to_owned(),
        Schedule::Assets(_) => "Asset".to_owned(),
        Schedule::AssetsOrTime(both) => format!("Asset or {}", times(&both.time)),
        Schedule::Cron(_) | Schedule::Interval(_) | Schedule::Several(_) => times(&schedule.times()),
    }
}

/// The same as a sentence.
pub(crate) fn description(schedule: Option<&Schedule>) -> String {
    match schedule {
        None => "Never, external triggers only".to_owned(),
        Some(Schedule::Once) => "Once, as soon as possible".to_owned(),
        Some(Schedule::Continuous) => "As frequently as possible, but only one run at a time".to_owned(),
        Some(Schedule::Assets(_)) => "Triggered by assets".to_owned(),
        Some(Schedule::AssetsOrTime(both)) => format!("Triggered by assets or at {}", zoned(&both.time)),
        Some(schedule) => format!("At {}", zoned(&schedule.times())),
    }
}

/// The zone of the first cron expression; UTC where there is none.
pub(crate) fn timezone(schedule: Option<&Schedule>) -> String {
    let times = schedule.map(Schedule::times).unwrap_or_default();
    let zone = times.iter().find_map(|time| match time {
        TimeSchedule::Cron(cron) => Some(cron.timezone.as_str().to_owned()),
        TimeSchedule::Interval(_) => None,
    });
    zone.unwrap_or_else(|| Zone::default().as_str().to_owned())
}

/// What a schedule waits for, as Airflow shows it.
pub(crate) fn asset_expression(expression: &AssetExpression) -> Value {
    let parts = |parts: &[AssetExpression]| parts.iter().map(asset_expression).collect::<Vec<_>>();
    match expression {
        AssetExpression::Asset(name) => {
            json!({"asset": {"name": name.as_str(), "uri": name.as_str(), "group": "asset"}})
        }
        AssetExpression::All(all) => json!({"all": parts(all)}),
        AssetExpression::Any(any) => json!({"any": parts(any)}),
    }
}

fn times(times: &[TimeSchedule]) -> String {
    let time = |time: &TimeSchedule| match time {
        TimeSchedule::Cron(cron) => cron.expression.to_string(),
        TimeSchedule::Interval(interval) => interval_text(interval.every_ms),
    };
    times.iter().map(time).collect::<Vec<_>>().join(", ")
}

fn zoned(times: &[TimeSchedule]) -> String {
    let time = |time: &TimeSchedule| match time {
        TimeSchedule::Cron(cron) => format!("{} ({})", cron.expression, cron.timezone.as_str()),
        TimeSchedule::Interval(interval) => format!("every {}", interval_text(interval.every_ms)),
    };
    times.iter().map(time).collect::<Vec<_>>().join(", ")
}

/// As Python writes the difference of two times.
fn interval_text(every_ms: u64) -> String {
    let (seconds, millis) = (every_ms / 1000, every_ms % 1000);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        days => format!("{days} days, "),
    };
    let fraction = if millis == 0 { String::new() } else { format!(".{millis:03}000") };
    format!("{days}{hours}:{minutes:02}:{:02}{fraction}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(value: Value) -> Schedule {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn schedules_in_a_few_words() {
        let check = |value: Value, expect: &str| assert_eq!(summary(&schedule(value)), expect);
        check(json!("once"), "@once");
        check(json!("continuous"), "@continuous");
        check(json!({"cron": {"expression": "5 4 * * *", "timezone": "Europe/Berlin"}}), "5 4 * * *");
        check(json!({"interval": {"every_ms": 90_061_500}}), "1 day, 1:01:01.500000");
        check(
            json!({"several": [{"cron": {"expression": "@daily"}}, {"interval": {"every_ms": 60_000}}]}),
            "@daily, 0:01:00",
        );
        check(json!({"assets": {"asset": "a"}}), "Asset");
        let either =
            json!({"assets_or_time": {"assets": {"asset": "a"}, "time": [{"cron": {"expression": "@daily"}}]}});
        check(either, "Asset or @daily");
    }

    #[test]
    fn expressions_are_airflows() {
        let expression = serde_json::from_value(json!({"any": [{"asset": "a"}]})).unwrap();
        assert_eq!(
            asset_expression(&expression),
            json!({"any": [{"asset": {"name": "a", "uri": "a", "group": "asset"}}]})
        );
    }
}
