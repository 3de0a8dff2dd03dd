//! The messages between a parent and its runner process.
//!
//! The first message of the parent is [`ToChild::Open`]; it fixes what the process is for. One process serves one tenant.

use bytes::Bytes;
use model::Digest;
use serde::{Deserialize, Serialize};

use crate::bench::BenchFigures;
use crate::completion::LogLine;
use crate::parent::DescribeFault;
use crate::{Assignment, Completion, HostReply, HostRequest, LogPiece, Progress};

/// The descriptor of the socket in the child.
pub(crate) const SOCKET_FD: i32 = 3;

/// Bytes of an artefact in one message.
pub(crate) const LOAD_PIECE_BYTES: usize = 1 << 20;

/// What a runner process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mode {
    /// Runs task bodies, at most `slots` at a time.
    Tasks { slots: u32 },
    /// Calls `definition.dags` and ends.
    Parse,
    /// Measures and ends.
    Bench,
}

/// Parent → child.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToChild {
    Open(Mode),
    /// Announces an artefact of `bytes` bytes; that many follow in pieces.
    Load {
        component: Digest,
        bytes: u64,
    },
    LoadPiece(Bytes),
    /// Forgets a component; attempts that run keep it until they end.
    Unload {
        component: Digest,
    },
    Assign(Box<Assignment>),
    Cancel {
        id: u64,
    },
    HostReply {
        call: u64,
        reply: HostReply,
    },
    Beat,
    /// Let what runs end, then end.
    Stop,
    Describe {
        component: Digest,
    },
    Bench {
        component: Digest,
        entrypoint: String,
        args: String,
        calls: u32,
    },
}

/// Child → parent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromChild {
    Ready,
    Loaded { component: Digest, outcome: Result<(), String> },
    Started { ids: Vec<u64> },
    Done(Box<Completion>),
    HostCall { call: u64, assignment: u64, request: HostRequest },
    Log(LogPiece),
    Progress(Progress),
    Beat,
    Described { outcome: Result<Vec<String>, DescribeFault>, log: Vec<LogLine> },
    Benched(Result<BenchFigures, String>),
}
