//! A house with the API before it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use api::ApiParts;
use clock::Real;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{DataFolder, FailedPart, House, HouseOptions};
use crate::config::{Element, Roles};
use crate::failure::Failure;

/// How a server is started.
#[derive(Debug, Clone)]
pub(crate) struct ServerOptions {
    pub(crate) data: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) house: HouseOptions,
}

/// A server at work.
pub(crate) struct RunningServer {
    pub(crate) address: SocketAddr,
    pub(crate) token: client::Token,
    /// Where the token is kept.
    pub(crate) token_file: PathBuf,
    house: House,
    shutdown: CancellationToken,
    requests: JoinHandle<()>,
}

/// Starts a server; it takes requests when this returns.
pub(crate) async fn start(options: ServerOptions) -> Result<RunningServer, Failure> {
    let data = DataFolder::open(&options.data).map_err(|error| Failure::from(anyhow::Error::new(error)))?;
    let token_file = data.admin_token();
    let metrics = api::metrics_install().context("cannot start the metrics")?;
    let listener =
        TcpListener::bind(options.listen).await.with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = listener.local_addr().context("the socket has no address")?;
    let (roles, slots) = (options.house.roles, options.house.slots);
    let house = House::open(data, options.house).await?;
    let shutdown = CancellationToken::new();
    let parts = ApiParts { control: house.control.clone(), metrics, clock: Arc::new(Real), shutdown: shutdown.clone() };
    // Every process tells how it is.
    let router = if roles.api { api::router(parts) } else { api::router_of_probes(parts) };
    let requests = tokio::spawn(api::serve(listener, router, shutdown.clone()));
    tracing::info!(%address, role = Roles::show(&roles), slots, data = ?options.data, "server started");
    Ok(RunningServer { address, token: house.token.clone(), token_file, house, shutdown, requests })
}

impl RunningServer {
    /// The address as clients take it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until a loop ends that nobody asked to.
    pub(crate) async fn failed(&self) -> FailedPart {
        self.house.failed().await
    }

    /// Ends a server of which a part has failed. Unlike [`RunningServer::stop`] it answers while attempts finish, so that whoever
    /// asks for its health hears of it.
    pub(crate) async fn give_up(self, grace: Duration) {
        self.house.close(grace).await;
        self.shutdown.cancel();
        ended(self.requests.await);
    }

    /// Takes no more requests, lets attempts finish for at most `grace`, hands back the rest.
    pub(crate) async fn stop(self, grace: Duration) {
        self.shutdown.cancel();
        let house = self.house.close(grace);
        let (requests, ()) = tokio::join!(self.requests, house);
        ended(requests);
    }
}

fn ended(requests: Result<(), JoinError>) {
    match requests {
        Ok(()) => tracing::info!("server stopped"),
        Err(error) => tracing::error!(%error, "the listener did not end well"),
    }
}
