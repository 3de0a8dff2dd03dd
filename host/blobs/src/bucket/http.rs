//! HTTP to buckets. Never waits without end: for a connection, for an answer, for the next bytes of one.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::Sleep;

const CONNECT_MAX: Duration = Duration::from_secs(5);
/// From the first byte of a request to the head of its answer.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// Between two pieces of an answer.
const PIECE_MAX: Duration = Duration::from_secs(15);
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Makes connections as the settings of a bucket say.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let allows_http = options.get_config_value(&ClientConfigKey::AllowHttp).as_deref() == Some("true");
        let unusable = |source| object_store::Error::Generic { store: "S3", source };
        let tls = tls(allows_http).map_err(unusable)?;
        let mut tcp = TcpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_MAX));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls);
        let https = if allows_http { https.https_or_http() } else { https.https_only() };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .build(https.enable_http1().wrap_connector(tcp));
        Ok(HttpClient::new(Service(client)))
    }
}

/// A machine without certificates can still use a bucket beside it.
fn tls(allows_http: bool) -> Result<ClientConfig, Box<dyn Error + Send + Sync>> {
    let settings = || {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
    };
    match settings()?.with_native_roots() {
        Ok(trusting) => Ok(trusting.with_no_client_auth()),
        Err(_) if allows_http => Ok(settings()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()),
        Err(error) => Err(format!("{error}: install the CA certificates of the system, or set SSL_CERT_FILE").into()),
    }
}

#[derive(Debug)]
struct Service(Client<HttpsConnector<TcpConnector>, HttpRequestBody>);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = tokio::time::timeout(ANSWER_MAX, self.0.request(request)).await;
        let late = |late| HttpError::new(HttpErrorKind::Timeout, late);
        let (head, body) = answer.map_err(late)?.map_err(failed)?.into_parts();
        let body = Paced { body, late: None };
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)))
    }
}

fn failed(error: hyper_util::client::legacy::Error) -> HttpError {
    let kind = if error.is_connect() { HttpErrorKind::Connect } else { kind_of(&error) };
    HttpError::new(kind, error)
}

/// What may be repeated after an error.
fn kind_of(error: &(dyn Error + 'static)) -> HttpErrorKind {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let known = causes.filter_map(|cause| cause.downcast_ref::<hyper::Error>()).map(|cause| {
        if cause.is_canceled() || cause.is_closed() || cause.is_incomplete_message() {
            HttpErrorKind::Request
        } else {
            HttpErrorKind::Interrupted
        }
    });
    known.last().unwrap_or(HttpErrorKind::Unknown)
}

/// The body of an answer whose pieces come in time.
struct Paced {
    body: Incoming,
    /// Set while somebody waits for a piece.
    late: Option<Pin<Box<Sleep>>>,
}

impl Body for Paced {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.late = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| HttpError::new(kind_of(&error), error))));
        }
        let late = self.late.get_or_insert_with(|| Box::pin(tokio::time::sleep(PIECE_MAX)));
        ready!(late.as_mut().poll(context));
        let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
        Poll::Ready(Some(Err(HttpError::new(HttpErrorKind::Timeout, late))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
