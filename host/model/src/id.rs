//! Ids: one newtype each, so that one cannot stand where another belongs.
//!
//! Names that people choose ([`DagId`], [`TaskId`], [`RunId`], …) have a grammar and are checked when they are made.
//! Keys that the store chooses ([`RunKey`], [`VersionKey`], …) are UUIDs whose text form carries a prefix in logs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest name in bytes.
pub const NAME_MAX_BYTES: usize = 250;

/// A name that breaks the grammar of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {name:?} is not valid: {rule}")]
pub struct InvalidName {
    kind: &'static str,
    name: String,
    rule: &'static str,
}

fn check_name(kind: &'static str, name: &str, also: &[u8]) -> Result<(), InvalidName> {
    let rule = if name.is_empty() {
        "it is empty"
    } else if name.len() > NAME_MAX_BYTES {
        "it is longer than 250 bytes"
    } else if !name.as_bytes()[0].is_ascii_alphanumeric() {
        "it must start with a letter or digit (A-Z, a-z, 0-9)"
    } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b) || also.contains(&b)) {
        if also.is_empty() {
            "only A-Z, a-z, 0-9, '_', '.' and '-' may stand in it"
        } else {
            "only A-Z, a-z, 0-9, '_', '.', '-', '~', ':' and '+' may stand in it"
        }
    } else {
        return Ok(());
    };
    Err(InvalidName { kind, name: name.chars().take(80).collect(), rule })
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $also:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Checks `name` against the grammar.
            pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidName> {
                check_name($kind, name.as_ref(), $also)?;
                Ok(Self(name.as_ref().into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(name: &str) -> Result<Self, InvalidName> {
                Self::new(name)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(name: String) -> Result<Self, InvalidName> {
                Self::new(name)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let also: &[u8] = $also;
                let also = if also.is_empty() { "" } else { "~:+" };
                schemars::json_schema!({
                    "type": "string",
                    "maxLength": NAME_MAX_BYTES,
                    "pattern": format!("^[A-Za-z0-9][A-Za-z0-9_.{also}-]*$"),
                })
            }
        }
    )*};
}

/// The pool of tasks that name none.
pub const DEFAULT_POOL: &str = "default_pool";

names! {
    /// Names a DAG within a tenant.
    DagId, "dag_id", b"";
    /// Names a task within a DAG.
    TaskId, "task_id", b"";
    /// Names a group of tasks within a DAG.
    GroupId, "group_id", b"";
    /// Names a task or a group: ids of both are unique together.
    MemberId, "id of a task or group", b"";
    /// Names a pool of slots within a tenant.
    PoolName, "pool", b"";
    /// Names a run within a DAG.
    RunId, "run_id", b"~:+";
    /// Names a bundle within a tenant.
    BundleName, "bundle name", b"";
    /// Names a body within a component.
    Entrypoint, "entrypoint", b"";
    /// Names a value of an attempt, an argument or a parameter.
    Key, "key", b"";
    /// Names a connection within a tenant.
    ConnectionId, "connection_id", b"";
}

impl From<TaskId> for MemberId {
    fn from(task: TaskId) -> Self {
        Self(task.0)
    }
}

impl From<GroupId> for MemberId {
    fn from(group: GroupId) -> Self {
        Self(group.0)
    }
}

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that the `Ids` port or a row gave.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID, as it stands in rows and on API paths.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

keys! {
    /// Key of a run in the store; time-ordered.
    RunKey, "run";
    /// Key of a version of a DAG in the store.
    VersionKey, "ver";
    /// Key of a version of a bundle in the store.
    BundleVersionKey, "bun";
    /// Key of a signal to a run; whoever sends one again under the same key sends nothing new.
    SignalId, "sig";
    /// One lifetime of a worker. Its attempts are held under its lease.
    WorkerId, "wrk";
    /// One lifetime of a process of the cluster. Shards and attempts are held under its lease.
    ServerId, "srv";
}

impl RunKey {
    /// Below the key of every run that was made in this millisecond since 1970 or later.
    pub fn earliest(millisecond: i64) -> Self {
        Self(Uuid::from_u128(u128::from(u64::try_from(millisecond).unwrap_or(0)) << 80))
    }
}

impl ServerId {
    /// The worker within this process: it lives and dies with it.
    pub const fn worker(self) -> WorkerId {
        WorkerId(self.0)
    }
}

/// A part of all tenants. The runs, pools and limits of a tenant have one owner at a time: whoever holds its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShardId(u16);

impl ShardId {
    /// How many there are. Never changes for a database.
    pub const COUNT: u16 = 64;

    /// The shard of a tenant.
    pub const fn of(tenant: TenantId) -> Self {
        Self(tenant.0.rem_euclid(Self::COUNT as i64) as u16)
    }

    /// All shards.
    pub fn all() -> impl Iterator<Item = ShardId> {
        (0..Self::COUNT).map(ShardId)
    }

    /// Reads the number of a row.
    pub fn from_number(number: i32) -> Option<Self> {
        u16::try_from(number).ok().filter(|number| *number < Self::COUNT).map(Self)
    }

    /// The number as it stands in rows.
    pub const fn number(self) -> i32 {
        self.0 as i32
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A tenant. Every row belongs to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TenantId(i64);

impl TenantId {
    /// The tenant that exists from the first start.
    pub const DEFAULT: TenantId = TenantId(1);

    /// Wraps a number that a row gave.
    pub const fn from_row(number: i64) -> Self {
        Self(number)
    }

    /// The number as it stands in rows.
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ten_{}", self.0)
    }
}

/// Proof that a caller may act for a tenant. Every query takes one, so a query without a tenant does not compile.
///
/// Made by authentication (for a request), by the scheduler and the worker (for the tenant whose work they do).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantScope(TenantId);

impl TenantScope {
    /// Acts for `tenant`. Call this only where the right to do so has just been established.
    pub const fn assume(tenant: TenantId) -> Self {
        Self(tenant)
    }

    /// The tenant.
    pub const fn tenant(self) -> TenantId {
        self.0
    }
}

/// A task's place in a run: its position in the DAG version with which the run began. Rows name tasks by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeIdx(pub u32);

impl NodeIdx {
    /// What callbacks have for a task: no DAG has so many. Their place in the run stands where a map index does.
    pub const CALLBACK: NodeIdx = NodeIdx(i32::MAX.unsigned_abs());
}

/// A level of mapping in a DAG: the run itself, a mapped group, or a mapped task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScopeIdx(pub u32);

impl ScopeIdx {
    /// The run itself, which is there once.
    pub const RUN: ScopeIdx = ScopeIdx(0);
}

/// Position of a mapped instance in its task's expansion. An unmapped instance, and the summary row of a
/// task that is not expanded yet, have none; rows and Airflow's clients see −1 there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MapIndex(i32);

impl MapIndex {
    /// Not mapped, or not expanded yet.
    pub const NONE: MapIndex = MapIndex(-1);

    /// The position `position`; positions above `i32::MAX` cannot arise below the map limits and saturate.
    pub fn at(position: u32) -> Self {
        Self(i32::try_from(position).unwrap_or(i32::MAX))
    }

    /// Reads the number of a row or path: −1 or a position.
    pub fn from_number(number: i32) -> Option<Self> {
        (number >= -1).then_some(Self(number))
    }

    /// −1 or the position.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The position of a mapped instance.
    pub fn position(self) -> Option<u32> {
        u32::try_from(self.0).ok()
    }
}

impl fmt::Display for MapIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One task instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceKey {
    pub run: RunKey,
    pub node: NodeIdx,
    pub map_index: MapIndex,
}

impl InstanceKey {
    /// The instance's id on API paths: always the same for the same instance.
    pub fn uuid(self) -> Uuid {
        let mut name = [0; 8];
        name[..4].copy_from_slice(&self.node.0.to_be_bytes());
        name[4..].copy_from_slice(&self.map_index.0.to_be_bytes());
        Uuid::new_v5(&self.run.0, &name)
    }
}

/// Counts the attempts of an instance from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TryNumber(pub u32);

/// Who may write for an instance: (cluster epoch, counter). It rises with every claim; a write that carries an older one
/// changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fence(i64);

impl Fence {
    /// The fence of a row that was never claimed.
    pub const NONE: Fence = Fence(0);
    const COUNTER_BITS: u32 = 40;

    /// `epoch` rises with each start of the cluster, `counter` with each commit within it.
    pub fn new(epoch: u32, counter: u64) -> Self {
        assert!(counter < 1 << Self::COUNTER_BITS, "fence counter exhausted; restart the server");
        Self((i64::from(epoch & 0x7f_ffff) << Self::COUNTER_BITS) | counter as i64)
    }

    /// Reads the number of a row.
    pub const fn from_row(number: i64) -> Self {
        Self(number)
    }

    /// The number as it stands in rows.
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 >> Self::COUNTER_BITS, self.0 & ((1 << Self::COUNTER_BITS) - 1))
    }
}

/// The right to run and write for one execution of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptToken {
    pub instance: InstanceKey,
    pub try_number: TryNumber,
    pub fence: Fence,
}
