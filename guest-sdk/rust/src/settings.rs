//! What is said about a task beside its body and its arguments: rules, retries, limits.
//!
//! `#[task]` says it for each call of a function; [`TaskOptions`] says it anew for one call.

use std::time::Duration;

use crate::graph::{self, Node};
use crate::json_text::{Object, ToJson, variant};
use crate::rules::{FailureKind, TriggerRule, WeightRule};

/// All of it. What is not set is the host's to decide.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub map_index_template: Option<&'static str>,
    pub trigger_rule: TriggerRule,
    pub depends_on_past: bool,
    pub wait_for_downstream: bool,
    pub retries: u32,
    pub retry_delay_ms: Option<u64>,
    pub retry_multiplier_milli: Option<u32>,
    pub retry_delay_max_ms: Option<u64>,
    pub retry_jitter_milli: Option<u32>,
    pub retry_on: &'static [FailureKind],
    pub timeout_ms: Option<u64>,
    pub queued_timeout_ms: Option<u64>,
    pub poke_interval_ms: Option<u64>,
    pub soft_fail: bool,
    pub on_failure_fail_run: bool,
    pub ignore_downstream_trigger_rules: Option<bool>,
    pub pool: Option<&'static str>,
    pub pool_slots: Option<u32>,
    pub priority: Option<i32>,
    pub weight_rule: WeightRule,
    pub max_active_per_dag: Option<u32>,
    pub max_active_per_run: Option<u32>,
    pub max_map_length: Option<u32>,
    pub memory_bytes: Option<u64>,
    pub inlets: &'static [&'static str],
    pub outlets: &'static [&'static str],
    pub on_success: &'static [&'static str],
    pub on_failure: &'static [&'static str],
    pub on_retry: &'static [&'static str],
    pub on_skipped: &'static [&'static str],
}

impl Settings {
    /// Nothing set.
    pub const NONE: Self = Self {
        map_index_template: None,
        trigger_rule: TriggerRule::AllSuccess,
        depends_on_past: false,
        wait_for_downstream: false,
        retries: 0,
        retry_delay_ms: None,
        retry_multiplier_milli: None,
        retry_delay_max_ms: None,
        retry_jitter_milli: None,
        retry_on: &[],
        timeout_ms: None,
        queued_timeout_ms: None,
        poke_interval_ms: None,
        soft_fail: false,
        on_failure_fail_run: false,
        ignore_downstream_trigger_rules: None,
        pool: None,
        pool_slots: None,
        priority: None,
        weight_rule: WeightRule::Downstream,
        max_active_per_dag: None,
        max_active_per_run: None,
        max_map_length: None,
        memory_bytes: None,
        inlets: &[],
        outlets: &[],
        on_success: &[],
        on_failure: &[],
        on_retry: &[],
        on_skipped: &[],
    };

    pub(crate) fn write_members(&self, is_mapped: bool, object: &mut Object<'_>) {
        if is_mapped {
            object.option("map_index_template", &self.map_index_template);
        }
        if self.trigger_rule != TriggerRule::AllSuccess {
            object.member("trigger_rule", &self.trigger_rule);
        }
        object.flag("depends_on_past", self.depends_on_past);
        object.flag("wait_for_downstream", self.wait_for_downstream);
        if self.retries > 0 {
            object.member("retries", &self.retries);
        }
        object.option("retry_delay_ms", &self.retry_delay_ms);
        object.option("retry_multiplier_milli", &self.retry_multiplier_milli);
        object.option("retry_delay_max_ms", &self.retry_delay_max_ms);
        object.option("retry_jitter_milli", &self.retry_jitter_milli);
        object.list("retry_on", self.retry_on);
        object.option("timeout_ms", &self.timeout_ms);
        object.option("queued_timeout_ms", &self.queued_timeout_ms);
        object.option("poke_interval_ms", &self.poke_interval_ms);
        object.flag("soft_fail", self.soft_fail);
        object.flag("on_failure_fail_run", self.on_failure_fail_run);
        object.option("ignore_downstream_trigger_rules", &self.ignore_downstream_trigger_rules);
        object.option("pool", &self.pool);
        object.option("pool_slots", &self.pool_slots);
        object.option("priority", &self.priority);
        if self.weight_rule != WeightRule::Downstream {
            object.member("weight_rule", &self.weight_rule);
        }
        object.option("max_active_per_dag", &self.max_active_per_dag);
        object.option("max_active_per_run", &self.max_active_per_run);
        if is_mapped {
            object.option("max_map_length", &self.max_map_length);
        }
        if let Some(memory_bytes) = &self.memory_bytes {
            object.member_with("resources", |out| variant("memory_bytes", memory_bytes, out));
        }
        object.list("inlets", self.inlets);
        let outlets: Vec<_> = self.outlets.iter().map(Outlet).collect();
        object.list("outlets", &outlets);
        let callbacks = [
            ("on_success", self.on_success),
            ("on_failure", self.on_failure),
            ("on_retry", self.on_retry),
            ("on_skipped", self.on_skipped),
        ];
        write_callbacks(&callbacks, object);
    }
}

/// Names of callbacks, by what they are called for.
pub(crate) fn write_callbacks(callbacks: &[(&str, &[&'static str])], object: &mut Object<'_>) {
    if callbacks.iter().any(|(_, names)| !names.is_empty()) {
        object.member_with("callbacks", |out| {
            let mut object = Object::begin(out);
            for (name, names) in callbacks {
                object.list(name, names);
            }
            object.end();
        });
    }
}

/// An asset that a success changes.
struct Outlet<'a>(&'a &'static str);

impl ToJson for Outlet<'_> {
    fn write(&self, out: &mut String) {
        variant("name", self.0, out);
    }
}

pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn thousandths(factor: f64) -> u32 {
    (factor * 1000.0).round() as u32
}

fn set(task: &impl TaskOptions, change: impl FnOnce(&mut Settings)) {
    graph::settings(task.node(), change);
}

/// What one call of a task function says otherwise than its `#[task]`: the options of [`#[task]`](macro@crate::task) under the
/// same names, on an [`Output`](crate::Output) or a [`Mapped`](crate::Mapped).
///
/// ```
/// use std::time::Duration;
/// use waft::prelude::*;
///
/// #[task(retries = 3)] fn load(table: String) -> u64 { table.len() as u64 }
/// #[task] fn report(rows: Sequence<u64>) {}
///
/// #[dag] fn loads(tables: Param<Vec<String>>) {
///     let rows = load.expand(tables).retries(5).retry_delay(Duration::from_secs(30)).pool("database").max_active_per_run(4);
///     report(rows).trigger_rule(TriggerRule::AllDone);
/// }
/// # let document = loads::DAG.document().unwrap();
/// # assert!(document.contains(r#""retries":5,"retry_delay_ms":30000,"pool":"database","max_active_per_run":4"#), "{document}");
/// # assert!(document.contains(r#""trigger_rule":"all_done""#));
/// ```
pub trait TaskOptions: Sized {
    #[doc(hidden)]
    fn node(&self) -> Node;

    /// Names the task; otherwise it is named after its function, with `__1`, `__2` where that is called again, and with the
    /// name of its group before it.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task] fn load(table: String) {}
    ///
    /// #[dag] fn loads() {
    ///     load("users").task_id("load_users");
    ///     load("orders").task_id("load_orders");
    /// }
    /// # assert!(loads::DAG.document().unwrap().contains(r#""task_id":"load_orders""#));
    /// ```
    fn task_id(self, task_id: &str) -> Self {
        graph::rename(self.node(), task_id);
        self
    }

    /// When it runs, given how its direct upstream tasks ended.
    fn trigger_rule(self, rule: TriggerRule) -> Self {
        set(&self, |settings| settings.trigger_rule = rule);
        self
    }

    /// Names each instance of a mapped task from its item, before it runs: a template that sees `map.key`, `map.value`, `args`
    /// and `params`.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task] fn load(table: String) {}
    ///
    /// #[dag] fn loads(tables: Param<Vec<String>>) {
    ///     load.expand(tables).map_index_template("table {{ map.value }}");
    /// }
    /// # assert!(loads::DAG.document().unwrap().contains(r#""map_index_template":"table {{ map.value }}""#));
    /// ```
    fn map_index_template(self, template: &'static str) -> Self {
        set(&self, |settings| settings.map_index_template = Some(template));
        self
    }

    /// Runs only where the same task of the run before has ended in success or was skipped.
    fn depends_on_past(self) -> Self {
        set(&self, |settings| settings.depends_on_past = true);
        self
    }

    /// As [`depends_on_past`](Self::depends_on_past), and asks the same of what stood directly downstream of it.
    fn wait_for_downstream(self) -> Self {
        set(&self, |settings| (settings.depends_on_past, settings.wait_for_downstream) = (true, true));
        self
    }

    /// Attempts after the first.
    fn retries(self, retries: u32) -> Self {
        set(&self, |settings| settings.retries = retries);
        self
    }

    /// Time before the second attempt.
    fn retry_delay(self, delay: Duration) -> Self {
        set(&self, |settings| settings.retry_delay_ms = Some(milliseconds(delay)));
        self
    }

    /// What the delay is multiplied with from attempt to attempt, 1 to 10.
    fn retry_multiplier(self, factor: f64) -> Self {
        set(&self, |settings| settings.retry_multiplier_milli = Some(thousandths(factor)));
        self
    }

    /// Longest delay.
    fn retry_delay_max(self, delay: Duration) -> Self {
        set(&self, |settings| settings.retry_delay_max_ms = Some(milliseconds(delay)));
        self
    }

    /// By how much of itself a delay may be longer or shorter, 0 to 1.
    fn retry_jitter(self, share: f64) -> Self {
        set(&self, |settings| settings.retry_jitter_milli = Some(thousandths(share)));
        self
    }

    /// The failures that are tried again; all where nothing is said.
    fn retry_on(self, failures: &'static [FailureKind]) -> Self {
        set(&self, |settings| settings.retry_on = failures);
        self
    }

    /// Longest attempt.
    fn timeout(self, timeout: Duration) -> Self {
        set(&self, |settings| settings.timeout_ms = Some(milliseconds(timeout)));
        self
    }

    /// Longest wait for a slot; then the attempt has failed.
    fn queued_timeout(self, timeout: Duration) -> Self {
        set(&self, |settings| settings.queued_timeout_ms = Some(milliseconds(timeout)));
        self
    }

    /// The pool whose slots its instances take.
    fn pool(self, pool: &'static str) -> Self {
        set(&self, |settings| settings.pool = Some(pool));
        self
    }

    /// Slots of the pool that an instance takes.
    fn pool_slots(self, slots: u32) -> Self {
        set(&self, |settings| settings.pool_slots = Some(slots));
        self
    }

    /// The higher goes first.
    fn priority(self, priority: i32) -> Self {
        set(&self, |settings| settings.priority = Some(priority));
        self
    }

    /// How its weight follows from priorities.
    fn weight_rule(self, rule: WeightRule) -> Self {
        set(&self, |settings| settings.weight_rule = rule);
        self
    }

    /// Instances that may run at a time over all runs.
    fn max_active_per_dag(self, instances: u32) -> Self {
        set(&self, |settings| settings.max_active_per_dag = Some(instances));
        self
    }

    /// Instances that may run at a time in one run.
    fn max_active_per_run(self, instances: u32) -> Self {
        set(&self, |settings| settings.max_active_per_run = Some(instances));
        self
    }

    /// Most instances that a mapped task may expand to.
    fn max_map_length(self, instances: u32) -> Self {
        set(&self, |settings| settings.max_map_length = Some(instances));
        self
    }

    /// Memory of an instance in bytes.
    fn memory_bytes(self, bytes: u64) -> Self {
        set(&self, |settings| settings.memory_bytes = Some(bytes));
        self
    }

    /// Assets about which its body may read what is kept.
    fn inlets(self, assets: &'static [&'static str]) -> Self {
        set(&self, |settings| settings.inlets = assets);
        self
    }

    /// Assets that its success changes: each emits an event, and DAGs whose schedule names them run.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task(outlets = ["s3://shop/orders"])] fn load() {}
    /// #[task] fn report() {}
    ///
    /// #[dag(schedule = "every 6h")] fn loads() { load(); }
    /// #[dag(schedule = asset("s3://shop/orders"))] fn reports() { report(); }
    /// # assert!(loads::DAG.document().unwrap().contains(r#""outlets":[{"name":"s3://shop/orders"}]"#));
    /// # assert!(reports::DAG.document().unwrap().contains(r#""schedule":{"assets":{"asset":"s3://shop/orders"}}"#));
    /// ```
    fn outlets(self, assets: &'static [&'static str]) -> Self {
        set(&self, |settings| settings.outlets = assets);
        self
    }
}
