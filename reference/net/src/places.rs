//! Who may come in: connections in all, and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections from one address, unless another number is given; none is counted on the loopback interface then, where
/// a proxy of TLS or SSH stands for all.
const FROM_ONE: usize = 1_000;

/// The places that a server has for connections.
pub(crate) struct Places {
    all: Arc<Semaphore>,
    from_one: Option<usize>,
    taken: Taken,
}

/// How many connections there are from each address.
type Taken = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// Held as long as a connection lives.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _address: Option<Counted>,
}

/// Counts down when dropped.
struct Counted {
    address: IpAddr,
    taken: Taken,
}

impl Places {
    pub(crate) fn new(all: usize, from_one: Option<usize>) -> Self {
        Self { all: Arc::new(Semaphore::new(all.max(1))), from_one, taken: Taken::default() }
    }

    /// Waits until there is room for one more, whoever it is.
    pub(crate) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    /// A place for a connection from `address`; `None` if it has as many as it may.
    pub(crate) fn take(&self, permit: OwnedSemaphorePermit, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let most = match self.from_one {
            None if address.is_loopback() => {
                return Some(Place { _permit: permit, _address: None });
            }
            from_one => from_one.unwrap_or(FROM_ONE),
        };
        let address = source(address);
        let mut taken = lock(&self.taken);
        let count = taken.entry(address).or_default();
        if *count >= most.max(1) {
            return None;
        }
        *count += 1;
        let counted = Counted { address, taken: Arc::clone(&self.taken) };
        Some(Place { _permit: permit, _address: Some(counted) })
    }
}

/// What counts as one address: of IPv6 the first 64 bits, which one customer has whole.
fn source(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

fn lock(taken: &Mutex<HashMap<IpAddr, usize>>) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of ten connections from these addresses, in turn, get a place.
    async fn admitted(from_one: Option<usize>, addresses: &[&str]) -> usize {
        let places = Places::new(10_000, from_one);
        let mut held = Vec::new();
        for index in 0..10 {
            let address = addresses[index % addresses.len()].parse().expect("is an address");
            let permit = places.room().await.expect("is open");
            held.extend(places.take(permit, address));
        }
        let admitted = held.len();
        assert_eq!(places.all.available_permits(), 10_000 - admitted, "a refused one holds none");
        drop(held);
        assert!(lock(&places.taken).is_empty(), "nothing is kept of those who have gone");
        admitted
    }

    #[tokio::test]
    async fn addresses_are_counted_by_themselves() {
        assert_eq!(admitted(Some(3), &["192.0.2.1"]).await, 3);
        assert_eq!(admitted(Some(3), &["192.0.2.1", "192.0.2.2"]).await, 6);
        // One host, written in two ways; one network; two networks.
        assert_eq!(admitted(Some(3), &["192.0.2.1", "::ffff:192.0.2.1"]).await, 3);
        assert_eq!(admitted(Some(3), &["2001:db8::1", "2001:db8::ffff:1"]).await, 3);
        assert_eq!(admitted(Some(3), &["2001:db8::1", "2001:db8:0:1::1"]).await, 6);
    }

    #[tokio::test]
    async fn the_loopback_interface_is_counted_only_if_a_number_is_given() {
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(admitted(None, &[address]).await, 10);
            assert_eq!(admitted(Some(3), &[address]).await, 3);
        }
        let places = Places::new(10_000, None);
        let mut held = Vec::new();
        for _ in 0..FROM_ONE + 1 {
            let permit = places.room().await.expect("is open");
            held.extend(places.take(permit, "192.0.2.1".parse().expect("is an address")));
        }
        assert_eq!(held.len(), FROM_ONE);
    }
}
