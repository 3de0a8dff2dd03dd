//! Which server the commands talk to.

use super::Element;

/// Address of the server.
pub(crate) struct Server;

impl Element for Server {
    const KEY: &'static str = "server";
    const VARIABLE: &'static str = "WAFT_SERVER";
    const FLAG: &'static str = "--server";

    type Value = String;

    fn parse(text: &str) -> Result<String, String> {
        client::Client::new(text, None).map(|_| text.to_owned()).map_err(|error| error.kind().to_string())
    }

    fn show(value: &String) -> String {
        value.clone()
    }

    fn default() -> String {
        "http://127.0.0.1:8793".to_owned()
    }
}
