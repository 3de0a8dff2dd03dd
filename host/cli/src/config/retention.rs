//! How long runs and versions are kept.

use std::time::Duration;

use super::Element;

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    Forever,
    Of(Duration),
}

impl Age {
    /// The limit, where there is one.
    pub(crate) fn limit(self) -> Option<Duration> {
        match self {
            Self::Forever => None,
            Self::Of(age) => Some(age),
        }
    }
}

/// How many of something are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Newest {
    All,
    Only(u32),
}

impl Newest {
    /// The limit, where there is one.
    pub(crate) fn limit(self) -> Option<u32> {
        match self {
            Self::All => None,
            Self::Only(count) => Some(count),
        }
    }
}

const FOREVER: &str = "forever";
const ALL: &str = "all";
/// A hundred years.
const AGE_MAX_S: u64 = 36_500 * 24 * 3600;
/// Letters and seconds of units, the largest first.
const UNITS: [(&str, u64); 4] = [("d", 24 * 3600), ("h", 3600), ("m", 60), ("s", 1)];

fn age(text: &str) -> Result<Age, String> {
    if text == FOREVER {
        return Ok(Age::Forever);
    }
    let seconds = UNITS.iter().find_map(|(letter, seconds)| {
        let number = text.strip_suffix(letter)?.parse::<u64>().ok()?;
        number.checked_mul(*seconds).filter(|seconds| (1..=AGE_MAX_S).contains(seconds))
    });
    let rule = || "it is \"forever\", or a number from 1 with a unit, s, m, h or d, such as \"30d\"".to_owned();
    seconds.map(|seconds| Age::Of(Duration::from_secs(seconds))).ok_or_else(rule)
}

fn show(age: Age) -> String {
    let Age::Of(age) = age else { return FOREVER.to_owned() };
    let seconds = age.as_secs();
    let unit = UNITS.iter().find(|(_, unit)| seconds.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{seconds}s"), |(letter, unit)| format!("{}{letter}", seconds / unit))
}

/// How long a run is kept after its end, with everything that belongs to it.
pub(crate) struct RunsMaxAge;

impl Element for RunsMaxAge {
    const KEY: &'static str = "retention.runs_max_age";
    const VARIABLE: &'static str = "WAFT_RUNS_MAX_AGE";
    const FLAG: &'static str = "--runs-max-age";

    type Value = Age;

    fn parse(text: &str) -> Result<Age, String> {
        age(text)
    }

    fn show(value: &Age) -> String {
        show(*value)
    }

    fn default() -> Age {
        Age::Forever
    }
}

/// How many runs of a DAG are kept, the newest.
pub(crate) struct RunsMaxPerDag;

impl Element for RunsMaxPerDag {
    const KEY: &'static str = "retention.runs_max_per_dag";
    const VARIABLE: &'static str = "WAFT_RUNS_MAX_PER_DAG";
    const FLAG: &'static str = "--runs-max-per-dag";

    type Value = Newest;

    fn parse(text: &str) -> Result<Newest, String> {
        if text == ALL {
            return Ok(Newest::All);
        }
        let count = text.parse().ok().filter(|count| *count >= 1);
        count.map(Newest::Only).ok_or_else(|| format!("it is \"all\" or a number from 1 to {}", u32::MAX))
    }

    fn show(value: &Newest) -> String {
        value.limit().map_or_else(|| ALL.to_owned(), |count| count.to_string())
    }

    fn default() -> Newest {
        Newest::All
    }
}

/// How long a version is kept that is not current and that nothing refers to.
pub(crate) struct VersionsMaxAge;

impl Element for VersionsMaxAge {
    const KEY: &'static str = "retention.versions_max_age";
    const VARIABLE: &'static str = "WAFT_VERSIONS_MAX_AGE";
    const FLAG: &'static str = "--versions-max-age";

    type Value = Age;

    fn parse(text: &str) -> Result<Age, String> {
        age(text)
    }

    fn show(value: &Age) -> String {
        show(*value)
    }

    fn default() -> Age {
        Age::Forever
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_and_shown() {
        for (text, seconds, shown) in [
            ("30d", 2_592_000, "30d"),
            ("36h", 129_600, "36h"),
            ("90m", 5_400, "90m"),
            ("120s", 120, "2m"),
            ("1s", 1, "1s"),
        ] {
            let age = RunsMaxAge::parse(text).unwrap();
            assert_eq!(age, Age::Of(Duration::from_secs(seconds)));
            assert_eq!(RunsMaxAge::show(&age), shown);
        }
        for text in ["", "d", "0d", "30", "-1d", "1w", "1.5h", "30 d", "99999999999999999999d", "36501d", "Forever"] {
            assert!(VersionsMaxAge::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn counts_are_read_and_shown() {
        assert_eq!(RunsMaxPerDag::parse("all"), Ok(Newest::All));
        assert_eq!(RunsMaxPerDag::parse("7").map(|it| RunsMaxPerDag::show(&it)), Ok("7".to_owned()));
        for text in ["", "0", "-1", "1.5", "4294967296"] {
            assert!(RunsMaxPerDag::parse(text).is_err(), "{text:?}");
        }
    }
}
