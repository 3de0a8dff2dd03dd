//! One execution that this worker holds, and what its guest may see of it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use model::document::TaskDocument;
use model::outcome::ResourcesUsed;
use model::{AttemptToken, Digest, TenantScope};
use sandbox::{ItemAnswer, ItemCall};
use store::Claim;
use tokio_util::sync::CancellationToken;

use crate::item_answers::ItemAnswers;
use crate::secrets::Secrets;
use crate::sequence::Sequence;
use crate::writers::Writers;

/// One execution. Its identity is fixed at the claim: no request of the guest can change it.
pub(crate) struct Attempt {
    pub(crate) claim: Claim,
    pub(crate) writers: tokio::sync::Mutex<Writers>,
    state: Mutex<State>,
    ended: CancellationToken,
    /// When it could not begin for the first time.
    put_off: OnceLock<Duration>,
}

#[derive(Default)]
struct State {
    /// The sequences in its arguments, by the number in the marker.
    sequences: Vec<Arc<Sequence>>,
    /// Blobs that it has been shown or has written itself.
    blobs: HashSet<Digest>,
    /// Bodies that are called for its items now.
    calls: Option<Vec<ItemCall>>,
    /// What they made of items before.
    answers: Arc<ItemAnswers>,
    /// What that took.
    used: ResourcesUsed,
    secrets: Secrets,
}

impl Attempt {
    pub(crate) fn new(claim: Claim) -> Self {
        Self {
            claim,
            writers: Default::default(),
            state: Mutex::default(),
            ended: CancellationToken::new(),
            put_off: OnceLock::new(),
        }
    }

    pub(crate) fn scope(&self) -> TenantScope {
        self.claim.run.scope
    }

    pub(crate) fn token(&self) -> AttemptToken {
        self.claim.token
    }

    /// Its task; a callback has none.
    pub(crate) fn task(&self) -> Option<&TaskDocument> {
        let is_body = self.claim.notify.is_none();
        is_body.then(|| self.claim.run.dag.task(self.claim.token.instance.node))
    }

    /// Since when it waits for something that it cannot begin without: since `now`, if it is the first time.
    pub(crate) fn waits_since(&self, now: Duration) -> Duration {
        *self.put_off.get_or_init(|| now)
    }

    /// Gives it its arguments, before it is assigned.
    pub(crate) fn prepare(&self, args: &str, sequences: Vec<Arc<Sequence>>) {
        let mut state = self.state();
        (state.sequences, state.calls) = (sequences, None);
        drop(state);
        self.show(args);
    }

    /// Gives it items that bodies make something of, before it is assigned.
    pub(crate) fn prepare_items(&self, calls: &[ItemCall], sequences: Vec<Arc<Sequence>>) {
        let mut state = self.state();
        (state.sequences, state.calls) = (sequences, Some(calls.to_vec()));
        drop(state);
        calls.iter().for_each(|call| self.show(&call.item));
    }

    /// The bodies that were called for its items, if it was that what has ended now.
    pub(crate) fn take_calls(&self) -> Option<Vec<ItemCall>> {
        self.state().calls.take()
    }

    /// Keeps what bodies made of items, and what that took.
    pub(crate) fn keep_answers(&self, calls: Vec<ItemCall>, answers: Vec<ItemAnswer>, used: ResourcesUsed) {
        let mut state = self.state();
        state.answers = Arc::new(state.answers.with(calls, answers));
        state.used = sum(state.used, used);
    }

    pub(crate) fn item_answers(&self) -> Arc<ItemAnswers> {
        self.state().answers.clone()
    }

    /// What it used before, and this.
    pub(crate) fn used_with(&self, used: ResourcesUsed) -> ResourcesUsed {
        sum(self.state().used, used)
    }

    /// Keeps a text out of everything that people read of it.
    pub(crate) fn hide(&self, secret: &str) {
        self.state().secrets.add(secret);
    }

    /// A text for people, without what is hidden.
    pub(crate) fn shown(&self, text: String) -> String {
        self.state().secrets.masked(text)
    }

    pub(crate) fn sequence(&self, id: u64) -> Option<Arc<Sequence>> {
        self.state().sequences.get(usize::try_from(id).ok()?).cloned()
    }

    /// Lets it open every blob that a text it is shown names.
    pub(crate) fn show(&self, text: &str) {
        let blobs = model::json::blob_markers(text);
        if !blobs.is_empty() {
            self.state().blobs.extend(blobs.into_iter().map(|blob| blob.digest));
        }
    }

    pub(crate) fn grant(&self, blob: Digest) {
        self.state().blobs.insert(blob);
    }

    pub(crate) fn may_read(&self, blob: Digest) -> bool {
        self.state().blobs.contains(&blob)
    }

    /// Refuses a checked text that holds markers which are not this attempt's to give.
    pub(crate) fn check_markers(&self, text: &str) -> Result<(), String> {
        if let Some(error) = model::json::find_marker(text) {
            return Err(format!("holds an object with the key \"$waft\", which is reserved: {error}"));
        }
        let foreign = model::json::blob_markers(text).into_iter().find(|blob| !self.may_read(blob.digest));
        match foreign {
            Some(blob) => {
                let digest = blob.digest;
                Err(format!("names the blob {digest}, which this attempt was not given and did not write"))
            }
            None => Ok(()),
        }
    }

    /// Tells everything that still waits for its guest that nobody does.
    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    /// Returns when it has ended.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }
}

/// Of one execution after another.
fn sum(one: ResourcesUsed, next: ResourcesUsed) -> ResourcesUsed {
    ResourcesUsed {
        wall_us: one.wall_us.saturating_add(next.wall_us),
        cpu_us: one.cpu_us.saturating_add(next.cpu_us),
        memory_bytes: one.memory_bytes.max(next.memory_bytes),
    }
}
