//! What the scheduler asks the database for besides its runs: waits and signals, pools, variables, runs by name.

use async_trait::async_trait;
use model::{DagId, InstanceKey, Key, NodeIdx, PoolName, RunId, RunKey, TaskState, TenantScope};
use store::{
    AttemptRow, InstanceFilter, InstanceRow, NewSignal, NodeRow, Page, PageRequest, PoolRow, PoolStore, RequestedRun,
    RunFilter, RunReader, RunRow, SignalRow, StoreError, VariableRow, VariableStore, WaitFilter, WaitKind, WaitRow,
    WaitStore,
};

use super::Link;

#[async_trait]
impl WaitStore for Link {
    async fn waits_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<WaitRow>, StoreError> {
        self.call("read of a run's waits", self.store.waits_of_run(scope, run)).await
    }

    async fn waits_on(
        &self,
        scope: TenantScope,
        kind: WaitKind,
        key: &str,
        after: Option<InstanceKey>,
        limit: u32,
    ) -> Result<Vec<WaitRow>, StoreError> {
        self.call("read of waits", self.store.waits_on(scope, kind, key, after, limit)).await
    }

    async fn wait_list(
        &self,
        scope: TenantScope,
        filter: &WaitFilter,
        page: PageRequest,
    ) -> Result<Page<WaitRow>, StoreError> {
        self.call("list of waits", self.store.wait_list(scope, filter, page)).await
    }

    async fn signal_insert(&self, signal: &NewSignal) -> Result<bool, StoreError> {
        self.call("signal", self.store.signal_insert(signal)).await
    }

    async fn signal_list(&self, scope: TenantScope, run: RunKey) -> Result<Vec<SignalRow>, StoreError> {
        self.call("read of signals", self.store.signal_list(scope, run)).await
    }

    async fn signal_of_instance(
        &self,
        scope: TenantScope,
        instance: InstanceKey,
    ) -> Result<Option<SignalRow>, StoreError> {
        self.call("read of a taken signal", self.store.signal_of_instance(scope, instance)).await
    }
}

#[async_trait]
impl PoolStore for Link {
    async fn pool_put(&self, scope: TenantScope, row: &PoolRow, only_new: bool) -> Result<bool, StoreError> {
        self.call("write of a pool", self.store.pool_put(scope, row, only_new)).await
    }

    async fn pool_fetch(&self, scope: TenantScope, name: &PoolName) -> Result<Option<PoolRow>, StoreError> {
        self.call("read of a pool", self.store.pool_fetch(scope, name)).await
    }

    async fn pool_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<PoolRow>, StoreError> {
        self.call("read of pools", self.store.pool_list(scope, pattern, page)).await
    }

    async fn pool_delete(&self, scope: TenantScope, name: &PoolName) -> Result<bool, StoreError> {
        self.call("end of a pool", self.store.pool_delete(scope, name)).await
    }
}

#[async_trait]
impl VariableStore for Link {
    async fn variable_put(&self, scope: TenantScope, row: &VariableRow, only_new: bool) -> Result<bool, StoreError> {
        self.call("write of a variable", self.store.variable_put(scope, row, only_new)).await
    }

    async fn variable_fetch(&self, scope: TenantScope, key: &Key) -> Result<Option<VariableRow>, StoreError> {
        self.call("read of a variable", self.store.variable_fetch(scope, key)).await
    }

    async fn variable_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<VariableRow>, StoreError> {
        self.call("list of variables", self.store.variable_list(scope, pattern, page)).await
    }

    async fn variable_delete(&self, scope: TenantScope, key: &Key) -> Result<bool, StoreError> {
        self.call("end of a variable", self.store.variable_delete(scope, key)).await
    }
}

#[async_trait]
impl RunReader for Link {
    async fn run_fetch(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        run_id: &RunId,
    ) -> Result<Option<RunRow>, StoreError> {
        self.call("read of a run's row", self.store.run_fetch(scope, dag_id, run_id)).await
    }

    async fn run_of_request(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        key: &str,
    ) -> Result<Option<RequestedRun>, StoreError> {
        self.call("read of a request's run", self.store.run_of_request(scope, dag_id, key)).await
    }

    async fn run_list(
        &self,
        scope: TenantScope,
        filter: &RunFilter,
        page: PageRequest,
    ) -> Result<Page<RunRow>, StoreError> {
        self.call("list of runs", self.store.run_list(scope, filter, page)).await
    }

    async fn node_list(&self, scope: TenantScope, run: RunKey) -> Result<Vec<NodeRow>, StoreError> {
        self.call("list of tasks", self.store.node_list(scope, run)).await
    }

    async fn instance_list(
        &self,
        scope: TenantScope,
        filter: &InstanceFilter,
        page: PageRequest,
    ) -> Result<Page<InstanceRow>, StoreError> {
        self.call("list of instances", self.store.instance_list(scope, filter, page)).await
    }

    async fn instance_counts(
        &self,
        scope: TenantScope,
        run: RunKey,
    ) -> Result<Vec<(NodeIdx, TaskState, u64)>, StoreError> {
        self.call("count of instances", self.store.instance_counts(scope, run)).await
    }

    async fn attempt_list(&self, scope: TenantScope, instance: InstanceKey) -> Result<Vec<AttemptRow>, StoreError> {
        self.call("list of attempts", self.store.attempt_list(scope, instance)).await
    }
}
