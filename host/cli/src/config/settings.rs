//! The layers put together.

use std::path::Path;

use super::file::{ConfigFile, UnknownKey};
use super::{
    Data, Database, Element, Grace, Listen, LogFilter, LogFormatElement, Objects, Origin, Output, Roles, RunsMaxAge,
    RunsMaxPerDag, Server, Setting, Slots, TokenFile, VersionsMaxAge,
};
use crate::failure::Failure;

/// Looks up a variable of the environment.
type Environment = Box<dyn Fn(&str) -> Option<String>>;

/// Environment and file, below the flags.
pub(crate) struct Settings {
    environment: Environment,
    file: ConfigFile,
}

/// One element for `waft config show`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Known {
    pub(crate) key: &'static str,
    pub(crate) value: String,
    pub(crate) origin: String,
    pub(crate) variable: &'static str,
    pub(crate) flag: &'static str,
}

const KEYS: [&str; 15] = [
    Server::KEY,
    TokenFile::KEY,
    Output::KEY,
    Data::KEY,
    Database::KEY,
    Objects::KEY,
    Roles::KEY,
    Listen::KEY,
    Slots::KEY,
    Grace::KEY,
    RunsMaxAge::KEY,
    RunsMaxPerDag::KEY,
    VersionsMaxAge::KEY,
    LogFilter::KEY,
    LogFormatElement::KEY,
];

/// The variable that names the file.
const FILE_VARIABLE: &str = "WAFT_CONFIG";

impl Settings {
    /// Reads the environment of this process and the file that it or `named` names.
    pub(crate) fn read(named: Option<&Path>) -> Result<Self, Failure> {
        let environment = |name: &str| std::env::var(name).ok();
        Self::new(Box::new(environment), named, Path::new("."))
    }

    fn new(environment: Environment, named: Option<&Path>, folder: &Path) -> Result<Self, Failure> {
        let by_variable = environment(FILE_VARIABLE).filter(|path| !path.is_empty());
        let named = named.or(by_variable.as_deref().map(Path::new));
        let file = ConfigFile::read(named, folder)
            .map_err(|error| Failure::new(crate::exit::Exit::Usage, anyhow::Error::new(error)))?;
        Ok(Self { environment, file })
    }

    /// Keys of the file that mean nothing.
    pub(crate) fn unknown_keys(&self) -> Vec<UnknownKey> {
        self.file.unknown_keys(KEYS)
    }

    /// The value of an element; `flag` wins.
    pub(crate) fn get<E: Element>(&self, flag: Option<E::Value>) -> Result<Setting<E::Value>, Failure> {
        if let Some(value) = flag {
            return Ok(Setting { value, origin: Origin::Flag(E::FLAG) });
        }
        if let Some(text) = self.variable(E::VARIABLE) {
            return read::<E>(&text, Origin::Variable(E::VARIABLE));
        }
        if let Some(text) = self.file.text(E::KEY) {
            return read::<E>(&text, Origin::File(self.file.path().to_owned()));
        }
        Ok(Setting { value: E::default(), origin: Origin::Default })
    }

    /// A variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|text| !text.is_empty())
    }

    /// False where the value stands in a file that nobody named.
    pub(crate) fn is_chosen<T>(&self, setting: &Setting<T>) -> bool {
        !matches!(setting.origin, Origin::File(_)) || self.file.is_named()
    }

    /// The value as `waft config show` tells it.
    pub(crate) fn known<E: Element>(&self, flag: Option<E::Value>) -> Result<Known, Failure> {
        let Setting { value, origin } = self.get::<E>(flag)?;
        let (key, variable, flag) = (E::KEY, E::VARIABLE, E::FLAG);
        Ok(Known { key, value: E::show(&value), origin: origin.to_string(), variable, flag })
    }
}

fn read<E: Element>(text: &str, origin: Origin) -> Result<Setting<E::Value>, Failure> {
    let value = E::parse(text)
        .map_err(|rule| Failure::usage(format!("{text:?} is not a value of {} ({origin}): {rule}", E::KEY)))?;
    Ok(Setting { value, origin })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn settings(file: &str, variables: &'static [(&'static str, &'static str)]) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("waft.toml"), file).unwrap();
        let environment =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Settings::new(Box::new(environment), None, folder.path()).unwrap()
    }

    #[test]
    fn flags_win_over_environment_over_file_over_default() {
        let file = "slots = 3";
        let both = settings(file, &[("WAFT_SLOTS", "5")]);
        assert_eq!(both.get::<Slots>(Some(7)).unwrap(), Setting { value: 7, origin: Origin::Flag("--slots") });
        assert_eq!(both.get::<Slots>(None).unwrap(), Setting { value: 5, origin: Origin::Variable("WAFT_SLOTS") });
        let of_file = settings(file, &[]).get::<Slots>(None).unwrap();
        assert_eq!(of_file.value, 3);
        assert!(matches!(of_file.origin, Origin::File(_)), "{}", of_file.origin);
        let nobody = settings("", &[("WAFT_SLOTS", "")]).get::<Slots>(None).unwrap();
        assert_eq!(nobody, Setting { value: Slots::default(), origin: Origin::Default });
    }

    #[test]
    fn a_value_that_is_none_says_where_it_stands() {
        let failure = settings("slots = 0", &[]).get::<Slots>(None).unwrap_err();
        let text = failure.render(crate::screen::Format::Table);
        assert!(text.contains("\"0\" is not a value of slots (file "), "{text}");
        assert!(text.contains("it is a number from 1 to"), "{text}");
        assert_eq!(failure.exit(), crate::exit::Exit::Usage);
    }

    #[test]
    fn unknown_keys_are_told_with_the_one_that_was_meant() {
        let told: Vec<String> =
            settings("slot = 3\ncolour = true", &[]).unknown_keys().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2);
        assert!(
            told.iter().any(|it| it.ends_with("unknown key \"slot\" is ignored; did you mean \"slots\"?")),
            "{told:?}"
        );
        assert!(told.iter().any(|it| it.ends_with("unknown key \"colour\" is ignored")), "{told:?}");
    }

    #[test]
    fn keys_of_a_table_are_read_and_known() {
        let known =
            settings("[retention]\nruns_max_age = \"30d\"\nruns_max_per_dag = 7\nruns_max = 1\n[colour]\nred = 1", &[]);
        assert_eq!(RunsMaxAge::show(&known.get::<RunsMaxAge>(None).unwrap().value), "30d");
        assert_eq!(RunsMaxPerDag::show(&known.get::<RunsMaxPerDag>(None).unwrap().value), "7");
        let told: Vec<String> = known.unknown_keys().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().any(|it| it.contains("\"retention.runs_max\" is ignored; did you mean")), "{told:?}");
        assert!(told.iter().any(|it| it.ends_with("\"colour\" is ignored")), "{told:?}");
    }

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join("other.toml");
        let failure = Settings::new(Box::new(|_| None), Some(&named), folder.path()).err().unwrap();
        assert!(failure.render(crate::screen::Format::Table).contains("other.toml"));
        assert!(Settings::new(Box::new(|_| None), None, folder.path()).is_ok());
    }

    #[test]
    fn every_default_reads_back() {
        fn check<E: Element>() {
            let text = E::show(&E::default());
            if !text.is_empty() {
                assert_eq!(E::parse(&text).map(|value| E::show(&value)), Ok(text));
            }
        }
        check::<Server>();
        check::<TokenFile>();
        check::<Output>();
        check::<Data>();
        check::<Listen>();
        check::<Slots>();
        check::<Grace>();
        check::<RunsMaxAge>();
        check::<RunsMaxPerDag>();
        check::<VersionsMaxAge>();
        check::<LogFilter>();
        check::<LogFormatElement>();
    }
}
