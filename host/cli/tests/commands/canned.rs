//! A server that gives prepared answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A prepared answer.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    media_type: &'static str,
    body: String,
}

impl Answer {
    pub(crate) fn json(status: u16, body: String) -> Self {
        Self { status, media_type: "application/json", body }
    }

    pub(crate) fn problem(status: u16, body: String) -> Self {
        Self { status, media_type: "application/problem+json", body }
    }
}

/// Answers by method and path; anything else is not there. Ends with the test's process.
pub(crate) struct Canned {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    pub(crate) fn start<const N: usize>(answers: [(&'static str, Answer); N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &answers, &seen);
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Head and body of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, answers: &[(&'static str, Answer)], seen: &Mutex<Vec<String>>) {
    let request = read(&mut stream);
    let named = |name: &str| request.starts_with(&format!("{name} ")) || request.starts_with(&format!("{name}?"));
    let none = Answer::problem(404, r#"{"type":"urn:waft:error:not-found","detail":"nothing here"}"#.to_owned());
    let Answer { status, media_type, body } =
        answers.iter().find(|(name, _)| named(name)).map_or(none, |(_, answer)| answer.clone());
    seen.lock().unwrap().push(request);
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Status\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
}

fn read(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).unwrap();
        request.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) || count == 0 {
            return text.into_owned();
        }
    }
}
