//! Whether the store's loops still run.

use tokio::sync::watch;

/// What became of the loops: nothing yet, or why the first of them is of no more use.
#[derive(Debug, Clone)]
pub(crate) struct Loops(watch::Sender<Option<String>>);

/// Held by a loop while it runs.
#[derive(Debug)]
pub(crate) struct Alive {
    name: &'static str,
    loops: Loops,
}

impl Loops {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// For the loop of this name.
    pub(crate) fn alive(&self, name: &'static str) -> Alive {
        Alive { name, loops: self.clone() }
    }

    /// Waits until a loop is of no more use, and says why.
    pub(crate) async fn failed(&self) -> String {
        let mut news = self.0.subscribe();
        let told = news.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        // There is news, for this holds the sender.
        told.unwrap_or_default()
    }

    fn tell(&self, why: String) {
        self.0.send_if_modified(|told| {
            let is_first = told.is_none();
            told.get_or_insert(why);
            is_first
        });
    }
}

impl Alive {
    /// The loop runs on but can do nothing more.
    pub(crate) fn fails(&self, why: &str) {
        self.loops.tell(format!("{} cannot go on: {why}", self.name));
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let how = if std::thread::panicking() { "panicked" } else { "ended" };
        self.loops.tell(format!("{} {how}", self.name));
    }
}
