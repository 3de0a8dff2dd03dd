//! Where a server listens.

use std::net::{Ipv4Addr, SocketAddr};

use super::Element;

/// Address and port of the server; port 0 takes a free one.
pub(crate) struct Listen;

impl Element for Listen {
    const KEY: &'static str = "listen";
    const VARIABLE: &'static str = "WAFT_LISTEN";
    const FLAG: &'static str = "--listen";

    type Value = SocketAddr;

    fn parse(text: &str) -> Result<SocketAddr, String> {
        text.parse().map_err(|_| "it is an address and a port, such as 127.0.0.1:8793 or [::1]:0".to_owned())
    }

    fn show(value: &SocketAddr) -> String {
        value.to_string()
    }

    fn default() -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 8793).into()
    }
}
