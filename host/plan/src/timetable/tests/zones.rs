//! Cron against the slow implementation: all zones, 1970 to 2100, sampled by a seed. `CRON_SAMPLES` raises the number.

use model::schedule::{CronSchedule, Zone};
use testkit::dice::Dice;

use super::slow::Slow;
use super::*;

const EXPRESSIONS: [&str; 14] = [
    "* * * * *",
    "*/15 * * * *",
    "30 * * * *",
    "0 */2 * * *",
    "30 2 * * *",
    "0 0 * * *",
    "15,45 0-3 * * *",
    "0 3 * * 0",
    "59 23 1-7 * 1",
    "5 1 * 3,4,10,11 *",
    "0 2 28-31 * *",
    "7 0-22 * * *",
    "*/20 23,0,1 * * 6,0",
    "0 12 * * 1-5",
];

const DAY_S: u32 = 86_400;
/// From 1970 to 2100.
const SECONDS: u32 = 47_482 * DAY_S;

#[test]
fn every_zone_agrees_with_looking_at_every_minute() {
    let samples: u64 = std::env::var("CRON_SAMPLES").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let zones: Vec<_> = Zone::all().collect();
    for seed in 0..samples {
        let mut dice = Dice::new(seed);
        let zone = dice.pick(&zones);
        let expression = *dice.pick(&EXPRESSIONS);
        let mut from = Timestamp::from_second(i64::from(dice.roll(SECONDS))).unwrap();
        // Most windows hold a change of the offset, where there is one.
        if dice.per_mille(750)
            && let Some(change) = zone.rules().following(from).next()
            && change.timestamp().as_second() < i64::from(SECONDS)
        {
            let before_s = i64::from(dice.roll(2 * DAY_S));
            from = Timestamp::from_second(change.timestamp().as_second() - before_s).unwrap();
        }
        let to = from.as_second() + i64::from(2 * DAY_S + dice.roll(DAY_S));
        let to = Timestamp::from_second(to).unwrap();
        let schedule = CronSchedule { expression: expression.parse().unwrap(), timezone: zone.clone() };
        let cron = CronTimes::new(schedule);
        let story = format!("seed {seed}: {expression:?} in {zone}, {from} to {to}");

        let slow = Slow::new(expression).fires(zone.rules(), from, to);
        let forwards = std::iter::successors(cron.next_after(from), |fire| cron.next_after(*fire));
        let forwards: Vec<_> = forwards.take_while(|fire| *fire <= to).collect();
        assert_eq!(forwards, slow, "{story}");

        let backwards = std::iter::successors(cron.last_until(to), |fire| cron.last_until(before(*fire)));
        let mut backwards: Vec<_> = backwards.take_while(|fire| *fire > from).collect();
        backwards.reverse();
        assert_eq!(backwards, slow, "backwards, {story}");
    }
}
