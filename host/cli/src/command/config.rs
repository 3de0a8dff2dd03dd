//! `waft config show`.

use super::dispatch::Session;
use crate::arguments::ConfigShowArguments;
use crate::config::{
    Data, Database, Grace, Listen, LogFilter, LogFormatElement, Objects, Output, Roles, RunsMaxAge, RunsMaxPerDag,
    Server, Slots, TokenFile, VersionsMaxAge,
};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::screen::Listing;

pub(super) fn show(arguments: ConfigShowArguments, session: &Session) -> Outcome {
    let ConfigShowArguments { server, settings } = arguments;
    let known = &session.settings;
    let elements = [
        known.known::<Server>(server.server)?,
        known.known::<TokenFile>(server.token_file)?,
        known.known::<Output>(Some(session.screen.format).filter(|_| session.has_output_flag))?,
        known.known::<Data>(settings.data)?,
        known.known::<Database>(settings.database)?,
        known.known::<Objects>(settings.objects)?,
        known.known::<Roles>(settings.role)?,
        known.known::<Listen>(settings.listen)?,
        known.known::<Slots>(settings.slots)?,
        known.known::<Grace>(settings.grace_s)?,
        known.known::<RunsMaxAge>(settings.retention.runs_max_age)?,
        known.known::<RunsMaxPerDag>(settings.retention.runs_max_per_dag)?,
        known.known::<VersionsMaxAge>(settings.retention.versions_max_age)?,
        known.known::<LogFilter>(settings.log)?,
        known.known::<LogFormatElement>(settings.log_format)?,
    ];
    let row = |it: &crate::config::Known| {
        vec![it.key.to_owned(), it.value.clone(), it.origin.clone(), it.variable.to_owned(), it.flag.to_owned()]
    };
    let listing = Listing {
        headings: &["KEY", "VALUE", "FROM", "VARIABLE", "FLAG"],
        rows: elements.iter().map(row).collect(),
        empty: "",
    };
    session.screen.list(&elements, &listing)?;
    Ok(Exit::Done)
}
