//! An HTTP/1.1 client that costs next to nothing, so that what is measured is the server: one blocking connection, no delay of packets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Far above what any answer takes.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Where a server listens and how it knows us.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

/// A kept-alive connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    /// The headers that each request has.
    headers: String,
}

impl Connection {
    pub(crate) fn open(endpoint: &Endpoint) -> Result<Self> {
        let stream = TcpStream::connect(endpoint.address).context("connecting")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let headers = format!("host: {}\r\nauthorization: Bearer {}\r\n", endpoint.address, endpoint.token);
        Ok(Self { stream: BufReader::new(stream), headers })
    }

    /// Sends bytes and reads the answer; `headers` are whole lines.
    pub(crate) fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> Result<Value> {
        let head = format!("POST {path} HTTP/1.1\r\n{}{headers}content-length: {}\r\n\r\n", self.headers, body.len());
        // One write: a head alone would be a packet of its own.
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.stream.get_mut().write_all(&request).context("sending")?;
        let (status, body) = self.read_answer()?;
        ensure!(status == 200, "POST {path} answered {status}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).context("the answer is no JSON")
    }

    /// The body of an answer.
    pub(crate) fn get(&mut self, path: &str) -> Result<Vec<u8>> {
        let head = format!("GET {path} HTTP/1.1\r\n{}\r\n", self.headers);
        self.stream.get_mut().write_all(head.as_bytes()).context("sending")?;
        let (status, body) = self.read_answer()?;
        ensure!(status == 200, "GET {path} answered {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    fn read_answer(&mut self) -> Result<(u16, Vec<u8>)> {
        let status_line = self.read_line()?;
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("no status in {status_line:?}"))?;
        let mut length = None;
        let mut is_chunked = false;
        loop {
            let line = self.read_line()?.to_ascii_lowercase();
            match line.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = Some(value.trim().parse::<usize>()?),
                Some(("transfer-encoding", value)) => is_chunked = value.contains("chunked"),
                Some(_) => {}
            }
        }
        let mut body = Vec::new();
        if is_chunked {
            loop {
                let size = usize::from_str_radix(self.read_line()?.trim(), 16).context("the size of a chunk")?;
                self.read_exact(size, &mut body)?;
                self.read_line()?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.read_exact(length.context("neither a length nor chunks")?, &mut body)?;
        }
        Ok((status, body))
    }

    fn read_exact(&mut self, size: usize, into: &mut Vec<u8>) -> Result<()> {
        let start = into.len();
        into.resize(start + size, 0);
        self.stream.read_exact(&mut into[start..]).context("reading the answer")
    }

    fn read_line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).context("reading the answer")? == 0 {
            bail!("the server closed the connection");
        }
        Ok(line.trim_end().to_owned())
    }
}
