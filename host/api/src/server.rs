//! HTTP/1.1 on a listener, with the limits that `axum::serve` does not expose.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use metrics::{counter, gauge};
use model::limits::http::{CONNECTIONS_MAX, HEADER_TIMEOUT_MS, HEADERS_MAX, HEADERS_MAX_BYTES, SHUTDOWN_GRACE_MS};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::metric_names::{CONNECTIONS, CONNECTIONS_REFUSED};
use crate::paced::Paced;
use crate::peers::{Counted, Peers};

/// Accepting failed for a reason that time mends (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Serves until `shutdown`; then takes no more connections, lets open requests end within the grace, and returns.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let (room, peers) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), Peers::default());
    let open = GracefulShutdown::new();
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        match (room.clone().try_acquire_owned(), peers.admit(peer.ip())) {
            (Ok(permit), Some(counted)) => {
                drop(tokio::spawn(converse(stream, peer, router.clone(), open.watcher(), (permit, counted))));
            }
            _ => {
                counter!(CONNECTIONS_REFUSED).increment(1);
                refuse(stream);
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(Duration::from_millis(SHUTDOWN_GRACE_MS), open.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time; they are cut off");
    }
}

async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    watcher: Watcher,
    _room: (OwnedSemaphorePermit, Counted),
) {
    // Without it a small answer may wait for the peer's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
    }
    gauge!(CONNECTIONS).increment(1);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(HEADER_TIMEOUT_MS))
        .max_buf_size(HEADERS_MAX_BYTES)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(Paced::new(stream)), TowerToHyperService::new(router));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%peer, %error, "connection broke");
    }
    gauge!(CONNECTIONS).decrement(1);
}

fn refuse(mut stream: TcpStream) {
    tokio::spawn(async move {
        // The peer may be gone; there is nothing more to do for it.
        let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(TOO_MANY)).await;
    });
}
