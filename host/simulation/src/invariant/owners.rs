//! Who owned what when a write was taken.

use std::collections::{BTreeMap, BTreeSet};

use model::{Fence, ServerId, ShardId, TenantScope};
use store::{Offer, Ownership, RunCommit};

/// A shard has one owner at a time; nobody else changes its runs, and nobody who is gone takes work.
#[derive(Default)]
pub(super) struct Owners {
    of: BTreeMap<ShardId, (ServerId, u32)>,
    gone: BTreeSet<ServerId>,
}

/// Tenants whose runs a commit changes; making a run changes none.
fn changed<'a>(commit: &'a RunCommit, offers: &'a [Offer]) -> impl Iterator<Item = TenantScope> + 'a {
    let scopes = commit.ended.iter().map(|it| it.scope);
    let scopes = scopes.chain(commit.expansions.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.instances.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.transitions.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.claims.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.run_states.iter().map(|it| it.scope));
    scopes.chain(offers.iter().map(|it| it.scope))
}

impl Owners {
    pub(super) fn own(&mut self, server: ServerId, epoch: u32, shards: &[ShardId]) -> Vec<String> {
        let mut broken = Vec::new();
        for shard in shards {
            if let Some((owner, _)) = self.of.insert(*shard, (server, epoch)) {
                broken.push(format!("shard {shard} goes to {server} while {owner} owns it"));
            }
        }
        broken
    }

    pub(super) fn keep(&mut self, server: ServerId, since: u32) {
        self.of.values_mut().filter(|(owner, _)| *owner == server).for_each(|(_, epoch)| *epoch = since);
    }

    pub(super) fn release(&mut self, server: ServerId, shards: &[ShardId]) {
        self.of.retain(|shard, (owner, _)| *owner != server || !shards.contains(shard));
    }

    pub(super) fn leave(&mut self, server: ServerId) {
        self.gone.insert(server);
        self.of.retain(|_, (owner, _)| *owner != server);
    }

    pub(super) fn take(&self, server: ServerId) -> Vec<String> {
        if self.gone.contains(&server) { vec![format!("{server} is gone and takes work")] } else { Vec::new() }
    }

    pub(super) fn commit(&self, commit: &RunCommit, offers: &[Offer], owner: Option<Ownership>) -> Vec<String> {
        let mut broken = Vec::new();
        for scope in changed(commit, offers).collect::<BTreeSet<_>>() {
            let shard = ShardId::of(scope.tenant());
            match (owner, self.of.get(&shard)) {
                (None, None) => {}
                (Some(by), Some((owner, epoch))) if by.server == *owner => {
                    if by.epoch < *epoch || commit.fence.is_some_and(|fence| fence < Fence::new(*epoch, 0)) {
                        broken.push(format!("a commit of {owner} is of an epoch of before {epoch}"));
                    }
                }
                (by, owner) => broken.push(format!("{by:?} changes runs of shard {shard}, which is of {owner:?}")),
            }
        }
        broken
    }
}
