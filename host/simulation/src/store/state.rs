//! Task state.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use model::limits::value::STATE_KEYS_MAX;
use model::{AttemptToken, Key, MapIndex, NodeIdx, TenantScope};
use store::{StateStore, StoreError};

use super::SimStore;
use super::rows::{Run, StateRow, kept};

impl StateRow {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

/// The run, when the attempt runs.
fn of_attempt(
    runs: &mut std::collections::BTreeMap<(TenantScope, model::RunKey), Run>,
    scope: TenantScope,
    token: AttemptToken,
) -> Result<&mut Run, StoreError> {
    let run = runs.get_mut(&(scope, token.instance.run)).ok_or(StoreError::StaleFence)?;
    if run.is_running(token.instance, token.try_number, token.fence) { Ok(run) } else { Err(StoreError::StaleFence) }
}

fn place(token: AttemptToken, key: &str) -> (NodeIdx, MapIndex, String) {
    (token.instance.node, token.instance.map_index, key.to_owned())
}

#[async_trait]
impl StateStore for SimStore {
    async fn state_fetch(
        &self,
        scope: TenantScope,
        token: AttemptToken,
        key: &Key,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let tables = self.tables();
        let row = tables.runs.get(&(scope, token.instance.run));
        let row = row.and_then(|run| run.states.get(&place(token, key.as_str())));
        Ok(row.filter(|row| row.is_fresh(now)).map(|row| row.value.clone()))
    }

    async fn state_put(
        &self,
        scope: TenantScope,
        token: AttemptToken,
        key: &Key,
        value: &str,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let run = of_attempt(&mut tables.runs, scope, token)?;
        let of_instance = |(node, index, _): &(NodeIdx, MapIndex, String)| {
            (*node, *index) == (token.instance.node, token.instance.map_index)
        };
        let keys = |run: &Run| run.states.keys().filter(|place| of_instance(place)).count();
        let place = place(token, key.as_str());
        if !run.states.contains_key(&place) && keys(run) >= STATE_KEYS_MAX {
            run.states.retain(|place, row| !of_instance(place) || row.is_fresh(now));
            if keys(run) >= STATE_KEYS_MAX {
                let max = STATE_KEYS_MAX as u64;
                return Err(StoreError::LimitReached { limit: "state keys of a task instance", used: max, max });
            }
        }
        let after = |ttl: Duration| now.checked_add(SignedDuration::try_from(ttl).ok()?).ok();
        run.states.insert(place, StateRow { value: kept(value), expires_at: ttl.and_then(after) });
        Ok(())
    }

    async fn state_delete(&self, scope: TenantScope, token: AttemptToken, key: &Key) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let run = of_attempt(&mut tables.runs, scope, token)?;
        Ok(run.states.remove(&place(token, key.as_str())).is_some())
    }

    async fn state_keys(
        &self,
        scope: TenantScope,
        token: AttemptToken,
        prefix: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let tables = self.tables();
        let Some(run) = tables.runs.get(&(scope, token.instance.run)) else { return Ok(Vec::new()) };
        let of_instance = run.states.iter().filter(|((node, index, key), row)| {
            (*node, *index) == (token.instance.node, token.instance.map_index)
                && key.starts_with(prefix)
                && row.is_fresh(now)
        });
        Ok(of_instance.map(|((.., key), _)| key.clone()).collect())
    }
}
