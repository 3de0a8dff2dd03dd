//! How many connections one address has open. Addresses of one IPv6 network count as one; those of this machine are not counted, for a proxy
//! here stands for everybody.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};

use model::limits::http::CONNECTIONS_PER_ADDRESS_MAX;

/// Bits of an IPv6 address that a provider hands out: whoever has one address has all of its network.
const NETWORK: u128 = !0 << 64;

/// Open connections by address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection that is counted, until this is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    peers: Peers,
    /// None for this machine.
    address: Option<IpAddr>,
}

impl Peers {
    /// Counts a connection; none when its address has too many.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Counted> {
        let address = counted_as(address);
        if let Some(address) = address {
            let mut open = self.open();
            let count = open.entry(address).or_default();
            if *count >= CONNECTIONS_PER_ADDRESS_MAX {
                return None;
            }
            *count += 1;
        }
        Some(Counted { peers: self.clone(), address })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().expect("no panic while the lock is held")
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut open = self.peers.open();
        if let Some(count) = open.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&address);
            }
        }
    }
}

fn counted_as(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V6(address) => Some(Ipv6Addr::from_bits(address.to_bits() & NETWORK).into()),
        address => Some(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(peers: &Peers, address: &str) -> Option<Counted> {
        peers.admit(address.parse().expect("an address"))
    }

    #[test]
    fn one_address_cannot_take_all_connections() {
        for (own, same, other) in
            [("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1")]
        {
            let peers = Peers::default();
            let mut open: Vec<_> = (0..CONNECTIONS_PER_ADDRESS_MAX).map(|_| admitted(&peers, own).unwrap()).collect();
            assert!(admitted(&peers, own).is_none() && admitted(&peers, same).is_none());
            assert!(admitted(&peers, other).is_some());
            open.pop();
            assert!(admitted(&peers, same).is_some());
            open.clear();
            assert!(peers.open().is_empty());
        }
    }

    #[test]
    fn this_machine_is_not_counted() {
        let peers = Peers::default();
        let open: Vec<_> = (0..=CONNECTIONS_PER_ADDRESS_MAX).map(|_| admitted(&peers, "127.0.0.1").unwrap()).collect();
        assert!(peers.open().is_empty() && !open.is_empty());
    }
}
