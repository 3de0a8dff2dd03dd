//! The connection: addresses, the token, sending and reading of what all calls share.

use std::fmt;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::error::{ClientError, ErrorKind, Refusal};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For calls that neither wait nor carry much.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// For calls that carry a component or a blob.
pub(crate) const UPLOAD_TIMEOUT: Duration = Duration::from_secs(600);
/// What a call that waits may take longer than its wait.
pub(crate) const WAIT_SLACK: Duration = Duration::from_secs(10);
/// Longest answer that is read whole.
const ANSWER_MAX_BYTES: usize = 256 << 20;

/// A secret that opens a server. Its debug form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes the text of a token; white space around it is left out.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The secret.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A client of one server. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    server: Url,
    authorization: Option<HeaderValue>,
}

impl Client {
    /// A client of the server at `address` (`http://HOST:PORT`). Nothing is sent yet.
    pub fn new(address: &str, token: Option<&Token>) -> Result<Self, ClientError> {
        let failed = |kind| ClientError::new("talk to a server", kind);
        let server =
            server_url(address).map_err(|why| failed(ErrorKind::Address { address: address.to_owned(), why }))?;
        let authorization = match token {
            Some(Token(token)) => {
                let mut value =
                    HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| failed(ErrorKind::Token))?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|source| failed(ErrorKind::Unreachable { server: address.to_owned(), source }))?;
        Ok(Self { http, server, authorization })
    }

    /// The address as it is shown to people.
    pub fn server(&self) -> &str {
        self.server.as_str().trim_end_matches('/')
    }

    /// The address of something below `/api/v2`; each part is escaped.
    pub(crate) fn url<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.server.clone();
        // An http address always has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v2"]).extend(parts);
        }
        url
    }

    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.http.request(method, url).timeout(CALL_TIMEOUT);
        match &self.authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization.clone()),
            None => request,
        }
    }

    /// Sends; an answer whose status says no is an error.
    pub(crate) async fn send(&self, action: &str, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = self.send_any(action, request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = self.body(action, response).await?;
        Err(ClientError::new(action, ErrorKind::Refused(Refusal::of_body(status, &body))))
    }

    /// Sends; whatever the status is.
    pub(crate) async fn send_any(&self, action: &str, request: RequestBuilder) -> Result<Response, ClientError> {
        let (http, request) = request.build_split();
        let request = request.map_err(|source| self.broken(action, None, source))?;
        let timeout = request.timeout().copied();
        http.execute(request).await.map_err(|source| self.broken(action, timeout, source))
    }

    /// Sends and reads the answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        action: &str,
        request: RequestBuilder,
    ) -> Result<T, ClientError> {
        let response = self.send(action, request).await?;
        self.read_json(action, response).await
    }

    pub(crate) async fn read_json<T: DeserializeOwned>(
        &self,
        action: &str,
        response: Response,
    ) -> Result<T, ClientError> {
        let body = self.body(action, response).await?;
        serde_json::from_slice(&body).map_err(|error| self.unexpected(action, error.to_string()))
    }

    async fn body(&self, action: &str, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|source| self.broken(action, None, source))? {
            if body.len() + piece.len() > ANSWER_MAX_BYTES {
                return Err(self.unexpected(action, format!("it has more than {ANSWER_MAX_BYTES} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// The error of an answer that has no body by its method.
    pub(crate) fn refused_without_body(&self, action: &str, status: StatusCode) -> ClientError {
        let detail = status.canonical_reason().unwrap_or("the server says no").to_owned();
        let refusal = Refusal { status: status.as_u16(), slug: String::new(), detail, hint: None, errors: Vec::new() };
        ClientError::new(action, ErrorKind::Refused(refusal))
    }

    pub(crate) fn unexpected(&self, action: &str, what: String) -> ClientError {
        ClientError::new(action, ErrorKind::Answer { server: self.server().to_owned(), what })
    }

    pub(crate) fn broken(&self, action: &str, timeout: Option<Duration>, source: reqwest::Error) -> ClientError {
        let server = self.server().to_owned();
        // The address stands in the message already.
        let source = source.without_url();
        if source.is_timeout() && !source.is_connect() {
            return ClientError::new(action, ErrorKind::TimedOut { server, after: timeout.unwrap_or(CALL_TIMEOUT) });
        }
        ClientError::new(action, ErrorKind::Unreachable { server, source })
    }
}

fn server_url(address: &str) -> Result<Url, String> {
    let url = Url::parse(address).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" => {}
        "https" => {
            return Err("this program speaks http only; put a proxy on this machine before the server".to_owned());
        }
        scheme => return Err(format!("{scheme}: is not http:")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a name or password does not belong there; give a token".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("leave out what begins with ? or #".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_paths_are_escaped() {
        let client = Client::new("http://127.0.0.1:8793", None).unwrap();
        let url = client.url(["dags", "a/b", "dagRuns", "manual__2026-01-01T00:00:00+00:00~x"]);
        assert_eq!(url.as_str(), "http://127.0.0.1:8793/api/v2/dags/a%2Fb/dagRuns/manual__2026-01-01T00:00:00+00:00~x");
        assert_eq!(client.server(), "http://127.0.0.1:8793");
    }

    #[test]
    fn a_server_may_stand_below_a_path() {
        let client = Client::new("http://host/waft/", None).unwrap();
        assert_eq!(client.url(["version"]).as_str(), "http://host/waft/api/v2/version");
    }

    #[test]
    fn addresses_that_are_none_say_why() {
        for (address, why) in [
            ("127.0.0.1:8793", "relative URL without a base"),
            ("localhost:8793", "localhost: is not http:"),
            ("https://host", "speaks http only"),
            ("http://user:secret@host", "give a token"),
            ("http://host/?a=b", "leave out"),
        ] {
            let error = Client::new(address, None).unwrap_err();
            assert!(error.kind().to_string().contains(why), "{address}: {}", error.kind());
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let token = Token::new(" waft_secret\n");
        let client = Client::new("http://host", Some(&token)).unwrap();
        assert!(!format!("{token:?} {client:?}").contains("secret"));
    }
}
