//! On a real socket.

use model::limits::http::HEADERS_MAX_BYTES;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

async fn served(api: &Api) -> (std::net::SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (address, tokio::spawn(crate::serve(listener, api.router.clone(), api.shutdown.clone())))
}

/// Sends and reads until the server closes.
async fn exchange(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    // A server that refuses may close before it has read all.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn requests_are_answered_and_too_large_heads_refused() {
    let api = Api::start().await;
    let (address, _) = served(&api).await;
    let answer = exchange(address, "GET /api/v2/version HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    // As much as is read before the head is complete: what is left unread when a connection closes may cost its answer.
    let begun = "GET /api/v2/version HTTP/1.1\r\nhost: x\r\nx: ";
    let long = format!("{begun}{}", "y".repeat(HEADERS_MAX_BYTES - begun.len()));
    assert!(exchange(address, &long).await.starts_with("HTTP/1.1 431 "));
    let many = format!("GET /api/v2/version HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(150));
    assert!(exchange(address, &many).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn a_server_that_stops_ends_idle_connections_and_returns() {
    let api = Api::start().await;
    let (address, serving) = served(&api).await;
    let mut idle = TcpStream::connect(address).await.expect("it listens");
    idle.write_all(b"GET /api/v2/version HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("it reads");
    let mut first = [0; 15];
    idle.read_exact(&mut first).await.expect("it answers");
    api.shutdown.cancel();
    serving.await.expect("it returns");
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.expect("it closes");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_waiter_that_leaves_leaves_nothing_behind() {
    let api = Api::with_dag(json!([{"task_id": "hold"}])).await;
    let run = api.trigger(json!({})).await;
    let (address, _) = served(&api).await;
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let head = format!(
        "GET /api/v2{run}/wait HTTP/1.1\r\nhost: x\r\naccept: application/x-ndjson\r\nauthorization: Bearer {}\r\n\r\n",
        api.house.token()
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let mut first = [0; 15];
    stream.read_exact(&mut first).await.expect("it answers");
    assert_eq!(api.house.watched(), 1);
    drop(stream);
    while api.house.watched() > 0 {
        tokio::task::yield_now().await;
    }
}
