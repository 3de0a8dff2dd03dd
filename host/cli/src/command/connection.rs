//! The client of the server that the settings name, and reading of lists.

use std::path::Path;

use anyhow::Context;
use client::{Client, ClientError, Page, PageRequest, Token};
use model::limits::http::TOTAL_ENTRIES_MAX;

use super::dispatch::Session;
use crate::arguments::ServerArguments;
use crate::config::{Origin, Server, Setting, TokenFile};
use crate::exit::Exit;
use crate::failure::Failure;

const TOKEN_FILE_MAX_BYTES: u64 = 4 << 10;
const PAGE: u32 = 100;

/// A client of the server that flags, environment or `waft.toml` name.
pub(super) fn client(arguments: &ServerArguments, session: &Session) -> Result<Client, Failure> {
    let server = session.settings.get::<Server>(arguments.server.clone())?;
    let token = token(arguments, session)?;
    if let Some(token) = &token {
        check_receiver(session, &server, token)?;
    }
    Ok(Client::new(&server.value, token.as_ref().map(|it| &it.value))?)
}

/// `--token-file`, else the token in the environment, else the file that environment or `waft.toml` name.
fn token(arguments: &ServerArguments, session: &Session) -> Result<Option<Setting<Token>>, Failure> {
    let variable = TokenFile::TOKEN_VARIABLE;
    if arguments.token_file.is_none()
        && let Some(token) = session.settings.variable(variable)
    {
        return Ok(Some(Setting { value: Token::new(&token), origin: Origin::Variable(variable) }));
    }
    let Setting { value: path, origin } = session.settings.get::<TokenFile>(arguments.token_file.clone())?;
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    Ok(Some(Setting { value: Token::new(&read_token(&path)?), origin }))
}

fn read_token(path: &Path) -> Result<String, Failure> {
    let read = || {
        let metadata = std::fs::metadata(path)?;
        if metadata.len() > TOKEN_FILE_MAX_BYTES {
            return Err(std::io::Error::other("it is too long for a token"));
        }
        std::fs::read_to_string(path)
    };
    let text = read().with_context(|| format!("cannot read the token file {path:?}"));
    text.map_err(|error| {
        Failure::new(Exit::Usage, error)
            .hint("the server writes its first token to the file admin.token in its data folder")
    })
}

/// A folder that somebody else made may hold a `waft.toml` that names a server of theirs: it gets no token but the one that stands beside.
fn check_receiver(session: &Session, server: &Setting<String>, token: &Setting<Token>) -> Result<(), Failure> {
    if session.settings.is_chosen(server) || matches!(token.origin, Origin::File(_)) {
        return Ok(());
    }
    let message = format!(
        "the server {} stands in a waft.toml that was found in this folder, the token does not ({}): it is not sent there",
        server.value, token.origin
    );
    Err(Failure::usage(message).hint("say --server, or name the file with --config"))
}

/// Reads a list page by page, at most `limit` of it.
pub(super) async fn gather<T>(
    limit: u32,
    fetch: impl AsyncFn(PageRequest) -> Result<Page<T>, ClientError>,
) -> Result<Page<T>, Failure> {
    let mut all = Page { items: Vec::new(), total_entries: 0 };
    loop {
        let read = u32::try_from(all.items.len()).unwrap_or(u32::MAX);
        let asked = PAGE.min(limit - read);
        let page = fetch(PageRequest { limit: asked, offset: read }).await?;
        // A total that is not exact says nothing about the end.
        let is_all = |read| read >= page.total_entries && page.total_entries < TOTAL_ENTRIES_MAX;
        // A page may be shorter than it was asked for.
        let is_last = page.items.is_empty() || is_all(u64::from(read) + page.items.len() as u64);
        all.total_entries = page.total_entries;
        all.items.extend(page.items);
        if is_last || all.items.len() as u64 >= u64::from(limit) {
            return Ok(all);
        }
    }
}

/// Says how many entries of a list are not shown.
pub(super) fn rest<T>(page: &Page<T>) -> Option<String> {
    let shown = page.items.len() as u64;
    let or_more = if page.total_entries < TOTAL_ENTRIES_MAX { "" } else { " or more" };
    (shown < page.total_entries)
        .then(|| format!("{shown} of {}{or_more} are shown; --limit shows more", page.total_entries))
}
