//! A router that remembers what it serves, so that tests can go through all of it.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::MethodFilter;

use crate::app::App;

/// A method and a path.
pub(crate) type Route = (Method, &'static str);

/// Routes under way.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<App>,
    pub(crate) table: Vec<Route>,
}

impl Routes {
    pub(crate) fn get<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.on(Method::GET, MethodFilter::GET, path, handler)
    }

    pub(crate) fn head<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.on(Method::HEAD, MethodFilter::HEAD, path, handler)
    }

    pub(crate) fn post<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.on(Method::POST, MethodFilter::POST, path, handler)
    }

    /// A word at the end of a path, where other methods have a name: a thing of this name stays reachable.
    pub(crate) fn post_word<H: Handler<T, App>, T: 'static>(
        mut self,
        path: &'static str,
        name: &'static str,
        handler: H,
    ) -> Self {
        self.table.push((Method::POST, path));
        let parent = path.rsplit_once('/').map_or(path, |(parent, _)| parent);
        self.router = self.router.route(&format!("{parent}/{{{name}}}"), axum::routing::post(handler));
        self
    }

    pub(crate) fn put<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.on(Method::PUT, MethodFilter::PUT, path, handler)
    }

    pub(crate) fn patch<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.on(Method::PATCH, MethodFilter::PATCH, path, handler)
    }

    pub(crate) fn delete<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.on(Method::DELETE, MethodFilter::DELETE, path, handler)
    }

    /// The router, for more layers.
    pub(crate) fn layered(self, layer: impl FnOnce(Router<App>) -> Router<App>) -> Self {
        Self { router: layer(self.router), table: self.table }
    }

    pub(crate) fn merge(self, other: Self) -> Self {
        let mut table = self.table;
        table.extend(other.table);
        Self { router: self.router.merge(other.router), table }
    }

    pub(crate) fn into_router(self) -> Router<App> {
        self.router
    }

    fn on<H: Handler<T, App>, T: 'static>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
    ) -> Self {
        self.table.push((method, path));
        self.router = self.router.route(path, axum::routing::on(filter, handler));
        self
    }
}
