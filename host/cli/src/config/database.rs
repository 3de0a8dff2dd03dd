//! Which database holds everything but blobs and logs.

use super::Element;

/// Address of the database.
pub(crate) struct Database;

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DatabaseUrl {
    /// SQLite in the data folder, for one process.
    InDataFolder,
    /// PostgreSQL, which processes may share.
    Postgres(String),
}

impl DatabaseUrl {
    /// The address without its password, for people and logs.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::InDataFolder => SQLITE.to_owned(),
            Self::Postgres(url) => without_password(url),
        }
    }
}

const SQLITE: &str = "sqlite";

/// Hides what stands between the first colon of the user part and the `@`.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "postgres://***".to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((user, _)) => {
            let name = user.split_once(':').map_or(user, |(name, _)| name);
            format!("{scheme}://{name}:***{}", without_query(&rest[user.len()..]))
        }
        None => format!("{scheme}://{}", without_query(rest)),
    }
}

/// A password may stand among the parameters too.
fn without_query(rest: &str) -> &str {
    rest.split_once('?').map_or(rest, |(before, _)| before)
}

impl Element for Database {
    const KEY: &'static str = "database";
    const VARIABLE: &'static str = "WAFT_DATABASE";
    const FLAG: &'static str = "--database";

    type Value = DatabaseUrl;

    fn parse(text: &str) -> Result<DatabaseUrl, String> {
        match text {
            SQLITE => Ok(DatabaseUrl::InDataFolder),
            _ if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                Ok(DatabaseUrl::Postgres(text.to_owned()))
            }
            _ => Err("it is \"sqlite\" or postgres://USER:PASSWORD@HOST:PORT/NAME".to_owned()),
        }
    }

    fn show(value: &DatabaseUrl) -> String {
        value.shown()
    }

    fn default() -> DatabaseUrl {
        DatabaseUrl::InDataFolder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("postgres://ann:secret@db/waft", "postgres://ann:***@db/waft"),
            ("postgres://ann:se@cret@db/waft?password=secret", "postgres://ann:***@db/waft"),
            ("postgresql://db:5433/waft?password=secret", "postgresql://db:5433/waft"),
            ("postgres:///waft?host=/run/postgresql", "postgres:///waft"),
            ("sqlite", "sqlite"),
        ] {
            assert_eq!(Database::show(&Database::parse(url).unwrap()), shown, "{url}");
        }
        assert!(Database::parse("mysql://db").is_err());
    }
}
