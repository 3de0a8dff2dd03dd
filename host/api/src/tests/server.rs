//! On a real socket.

use std::time::Duration;

use model::limits::http::{HEADERS_MAX_BYTES, PIECE_BYTES};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::pieces::PieceRoom;

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
    let answer = exchange(address, "GET /api/v2/version HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let answer = exchange(address, "GET /api/v2/version HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    // As much as is read before the head is complete: what is left unread when a connection closes may cost its answer.
    let begun = "GET /api/v2/version HTTP/1.1\r\nhost: x\r\nx: ";
    let long = format!("{begun}{}", "y".repeat(HEADERS_MAX_BYTES - begun.len()));
    assert!(exchange(address, &long).await.starts_with("HTTP/1.1 431 "));
    let many = format!("GET /api/v2/version HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(150));
    assert!(exchange(address, &many).await.starts_with("HTTP/1.1 431 "));
}

/// A request for `path` whose body is framed by these headers.
fn put(api: &Api, digest: model::Digest, framing: &str, body: &str) -> String {
    let token = api.house.token();
    format!(
        "PUT /api/v2/blobs/{digest} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{framing}connection: close\r\n\r\n{body}"
    )
}

fn answers(text: &str) -> usize {
    text.matches("HTTP/1.1 ").count()
}

#[tokio::test]
async fn a_body_is_as_long_as_it_says() {
    let api = Api::start().await;
    let (address, _) = served(&api).await;
    let digest = model::Digest::of(b"hello");
    let check = async |framing: &str, body: &str, status: &str| {
        let answer = exchange(address, &put(&api, digest, framing, body)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{framing:?}: {answer}");
        assert_eq!(answers(&answer), 1, "{framing:?}: {answer}");
    };
    check("content-length: 4\r\ncontent-length: 5\r\n", "hello", "400").await;
    check("content-length: -5\r\n", "hello", "400").await;
    check("content-length: 5, 5\r\n", "hello", "400").await;
    check("content-length: 99999999999999999999\r\n", "hello", "400").await;
    check("content-length: 67108865\r\n", "hello", "413").await;
    check("content-length: 4\r\n", "hello", "400").await;
    check("transfer-encoding: gzip\r\n", "hello", "400").await;
    check("transfer-encoding: gzip, chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "501").await;
    check("transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "501").await;
    check("authorization: Bearer other\r\ncontent-length: 5\r\n", "hello", "400").await;
    check("host: y\r\ncontent-length: 5\r\n", "hello", "400").await;
    check("content-length: 5\r\n", "hello", "201").await;
    check("transfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "200").await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_taken() {
    let api = Api::start().await;
    let (address, _) = served(&api).await;
    let digest = model::Digest::of(b"hello");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(put(&api, digest, "content-length: 6\r\n", "hello").as_bytes()).await.expect("it reads");
    stream.shutdown().await.expect("it is open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    api.get(&format!("/blobs/{digest}")).await.problem(404, "blob-not-found");
}

/// Another program before this server may believe the length and take the second request for a part of the body.
#[tokio::test]
async fn nothing_is_read_after_a_body_in_chunks() {
    let api = Api::start().await;
    let (address, _) = served(&api).await;
    let digest = model::Digest::of(b"hello");
    let smuggled = "GET /api/v2/version HTTP/1.1\r\nhost: x\r\n\r\n";
    for lengths in ["", "content-length: 67\r\n"] {
        let framing = format!("{lengths}transfer-encoding: chunked\r\n");
        let request = put(&api, digest, &framing, &format!("5\r\nhello\r\n0\r\n\r\n{smuggled}"));
        let answer = exchange(address, &request.replace("connection: close\r\n", "")).await;
        assert_eq!((answers(&answer), answer.contains("connection: close")), (1, true), "{answer}");
    }
}

#[tokio::test]
async fn encoded_bodies_are_refused() {
    let api = Api::start().await;
    let send = async |encoding: &str| {
        let digest = model::Digest::of(b"hello");
        let request = api.request(Method::PUT, &format!("/blobs/{digest}")).header("content-encoding", encoding);
        api.send(request.body("hello".into()).expect("a request")).await
    };
    for encoding in ["gzip", "identity, gzip", "br", ""] {
        send(encoding).await.problem(415, "unsupported-encoding");
    }
    assert_eq!(send("identity").await.status, 201);
}

/// An answer without end.
fn endless(room: PieceRoom) -> Router {
    let pieces = move || {
        let room = room.clone();
        let pieces = futures::stream::unfold(room, |room| async move {
            let piece = room.turn().await.hold(vec![b'x'; PIECE_BYTES]);
            Some((Ok::<_, std::convert::Infallible>(piece), room))
        });
        async { Body::from_stream(pieces) }
    };
    Router::new().route("/", axum::routing::get(pieces))
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_ended_and_holds_little_meanwhile() {
    let (room, shutdown) = (PieceRoom::new(), CancellationToken::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let _serving = tokio::spawn(crate::serve(listener, endless(room.clone()), shutdown));
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("it reads");
    let mut first = [0; 15];
    stream.read_exact(&mut first).await.expect("it answers");
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let held = room.taken();
    assert!((1..=2).contains(&held), "{held} pieces are held for one connection");
    // Time goes on when nobody has anything to do: the peer reads nothing.
    while room.taken() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(!rest.ends_with(b"0\r\n\r\n"), "the answer has an end");
}

#[tokio::test(start_paused = true)]
async fn heads_that_do_not_come_are_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let _serving = tokio::spawn(crate::serve(listener, Router::new(), CancellationToken::new()));
    for begun in ["", "GET / HTTP/1.1\r\nhost:"] {
        let answer = exchange(address, begun).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{begun:?}: {answer}");
    }
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
