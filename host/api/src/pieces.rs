//! Pieces of blobs and logs on their way to clients. So many are in memory at a time, over all connections; each gives its room back when
//! the connection has sent it.

use std::sync::Arc;

use bytes::Bytes;
use model::limits::http::PIECES_MAX;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room that all pieces share.
#[derive(Debug, Clone)]
pub(crate) struct PieceRoom(Arc<Semaphore>);

/// Room for one piece.
#[derive(Debug)]
pub(crate) struct Turn(OwnedSemaphorePermit);

/// A piece, and its room.
struct Held {
    bytes: Bytes,
    _turn: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl PieceRoom {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(PIECES_MAX)))
    }

    /// Room for one more; waits until there is.
    pub(crate) async fn turn(&self) -> Turn {
        Turn(self.0.clone().acquire_owned().await.expect("the semaphore is never closed"))
    }

    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        PIECES_MAX - self.0.available_permits()
    }
}

impl Turn {
    /// These bytes, which hold the room while anybody holds them.
    pub(crate) fn hold(self, bytes: impl Into<Bytes>) -> Bytes {
        Bytes::from_owner(Held { bytes: bytes.into(), _turn: self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_comes_back_with_the_last_of_the_bytes() {
        let room = PieceRoom::new();
        let mut piece = room.turn().await.hold("0123");
        let part = piece.split_to(2);
        assert_eq!(room.taken(), 1);
        drop(piece);
        assert_eq!((room.taken(), &part[..]), (1, &b"01"[..]));
        drop(part);
        assert_eq!(room.taken(), 0);
    }
}
