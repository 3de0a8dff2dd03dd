//! Callbacks, on a link.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{RunKey, TenantScope};
use store::{CallbackEnd, CallbackRow, CallbackStore, CallbackToken, Page, PageRequest, StoreError, TakenCallback};

use super::Link;

#[async_trait]
impl CallbackStore for Link {
    /// Nothing goes wrong here: whoever says what happens to the next call does not mean this one, which comes now and then.
    async fn callbacks_due(&self) -> Result<Vec<(TenantScope, Timestamp)>, StoreError> {
        self.store.callbacks_due().await
    }

    async fn callbacks_take(
        &self,
        scope: TenantScope,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<TakenCallback>, StoreError> {
        self.call("begin of callbacks", self.store.callbacks_take(scope, now, lease_until, limit)).await
    }

    async fn callbacks_renew(&self, held: &[CallbackToken], lease_until: Timestamp) -> Result<(), StoreError> {
        self.call("leases of callbacks", self.store.callbacks_renew(held, lease_until)).await
    }

    async fn callbacks_end(&self, ends: &[CallbackEnd]) -> Result<(), StoreError> {
        self.call("end of callbacks", self.store.callbacks_end(ends)).await
    }

    /// Likewise: at each start.
    async fn callbacks_let_go(&self, now: Timestamp) -> Result<(), StoreError> {
        self.store.callbacks_let_go(now).await
    }

    async fn callback_list(
        &self,
        scope: TenantScope,
        run: RunKey,
        page: PageRequest,
    ) -> Result<Page<CallbackRow>, StoreError> {
        self.call("list of callbacks", self.store.callback_list(scope, run, page)).await
    }

    async fn callback_fetch(
        &self,
        scope: TenantScope,
        run: RunKey,
        number: u32,
    ) -> Result<Option<CallbackRow>, StoreError> {
        self.call("read of a callback", self.store.callback_fetch(scope, run, number)).await
    }

    async fn callbacks_left_out(&self, scope: TenantScope, run: RunKey) -> Result<u64, StoreError> {
        self.call("count of callbacks", self.store.callbacks_left_out(scope, run)).await
    }
}
