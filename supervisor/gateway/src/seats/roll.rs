//! Who is in: every connection with whose it is, to find the one that is idle for longest, and to tell how many each has.
//!
//! Kept by [`super::Seats`]. Looked through when seats run out, which is rare, so that nobody pays for an order among them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::guest::Guest;

/// Whose connection it is: a user of this machine, or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Party {
    /// A local user.
    User(u32),
    /// Another machine; of IPv6 the part that one household has.
    Address(IpAddr),
}

impl Party {
    /// Whoever is at this address.
    pub(crate) fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
            v4 => v4,
        })
    }
}

impl std::fmt::Display for Party {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(uid) => write!(f, "uid {uid}"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Roll {
    guests: HashMap<u64, (Party, Arc<Guest>)>,
    parties: HashMap<Party, usize>,
    next: u64,
}

impl Roll {
    pub(super) fn enter(&mut self, party: Party, guest: Arc<Guest>) -> u64 {
        self.next += 1;
        self.guests.insert(self.next, (party, guest));
        *self.parties.entry(party).or_default() += 1;
        self.next
    }

    pub(super) fn leave(&mut self, number: u64) {
        let Some((party, _)) = self.guests.remove(&number) else { return };
        if let Some(count) = self.parties.get_mut(&party) {
            *count -= 1;
            if *count == 0 {
                self.parties.remove(&party);
            }
        }
    }

    /// How many connections a party has.
    pub(super) fn count_of(&self, party: Party) -> usize {
        self.parties.get(&party).copied().unwrap_or(0)
    }

    /// Asks the connection that is idle for longest to leave. False where none is idle.
    pub(super) fn send_oldest_away(&self) -> bool {
        let idle = self.guests.values().filter_map(|(_, guest)| Some((guest.idle_since()?, guest)));
        let oldest = idle.min_by_key(|(since, _)| *since);
        if let Some((_, guest)) = oldest {
            guest.ask_to_leave();
        }
        oldest.is_some()
    }

    /// The party with the most connections, and how many.
    pub(super) fn largest(&self) -> Option<(Party, usize)> {
        self.parties.iter().max_by_key(|(_, count)| **count).map(|(party, count)| (*party, *count))
    }
}
