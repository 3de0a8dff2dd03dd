//! What is to happen where, as text.

use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The process dies and does nothing more.
    Kill,
    /// The process stands still until it is sent `SIGCONT`.
    Stop,
    /// The step fails.
    Error,
}

/// One point of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) step: String,
    pub(crate) side: Side,
    pub(crate) action: Action,
    /// At which passage; counts from 1.
    pub(crate) passage: u32,
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no point: write step.before=action or step.after=action@passage");
        let (place, what) = text.split_once('=').ok_or_else(wrong)?;
        let (step, side) = place.rsplit_once('.').ok_or_else(wrong)?;
        let (action, passage) = what.split_once('@').unwrap_or((what, "1"));
        let side = match side {
            "before" => Side::Before,
            "after" => Side::After,
            _ => return Err(wrong()),
        };
        let action = match action {
            "kill" => Action::Kill,
            "stop" => Action::Stop,
            "error" => Action::Error,
            _ => return Err(wrong()),
        };
        let passage = passage.parse().ok().filter(|passage| *passage > 0).ok_or_else(wrong)?;
        Ok(Self { step: step.to_owned(), side, action, passage })
    }
}

/// All points of a plan.
pub(crate) fn parse(text: &str) -> Result<Vec<Point>, String> {
    text.split(';').map(str::trim).filter(|point| !point.is_empty()).map(str::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: &str, side: Side, action: Action, passage: u32) -> Point {
        Point { step: step.to_owned(), side, action, passage }
    }

    #[test]
    fn a_plan_says_what_happens_where() {
        let expect = [
            point("claim::tx", Side::After, Action::Kill, 3),
            point("log::flush", Side::Before, Action::Error, 1),
            point("hb::send", Side::Before, Action::Stop, 2),
        ];
        let text = "claim::tx.after=kill@3; log::flush.before=error;hb::send.before=stop@2;";
        assert_eq!(parse(text).unwrap(), expect);
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn what_is_no_plan_is_refused() {
        for text in
            ["claim::tx", "claim::tx=kill", "a.around=kill", "a.after=explode", "a.after=kill@0", "a.after=kill@x"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
