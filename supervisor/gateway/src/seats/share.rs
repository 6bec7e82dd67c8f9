//! How the seats are divided: as the settings say, and as far as the descriptors reach.
//!
//! Worked out once, when the gateway begins. Must not know connections.

use crate::descriptors;

/// How much of the standing room there is for each seat: enough for a burst to wait in.
const SEATS_A_STANDING: usize = 4;
/// One seat of so many is kept for parties that have few.
const SEATS_A_KEPT: usize = 8;
/// There is always room to ask for health, and to be told that there is no seat.
const LEAST: usize = 4;
/// A proxied request has the client's socket and the plugin's.
const DESCRIPTORS_A_SEAT: u64 = 2;

/// How many places of each kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Connections of anybody.
    pub(crate) ordinary: usize,
    /// Connections of parties that have few.
    pub(crate) kept: usize,
    /// Connections without a seat.
    pub(crate) standing: usize,
    /// Connections that have become WebSockets.
    pub(crate) websockets: usize,
}

impl Shares {
    /// As many as were asked for, or as there are descriptors for beyond those that are open and the reserve.
    pub(crate) fn of(connections: usize, websockets: usize) -> Self {
        let shares = Self::wanted(connections, websockets);
        let (most, free) = (shares.descriptors(), descriptors::free());
        if most <= free {
            return shares;
        }
        let cut = |count: usize| {
            let share = count as u64 * free / most;
            usize::try_from(share).unwrap_or(count).max(LEAST.min(count))
        };
        let fitting = Self::wanted(cut(connections), cut(websockets));
        tracing::warn!(
            free,
            "the limit of descriptors leaves room for {} connections and {} WebSockets in place of {connections} and \
             {websockets}; raise it (LimitNOFILE= of systemd, ulimit -n)",
            fitting.ordinary + fitting.kept,
            fitting.websockets
        );
        fitting
    }

    fn wanted(connections: usize, websockets: usize) -> Self {
        let kept = connections / SEATS_A_KEPT;
        let standing = (connections / SEATS_A_STANDING).max(LEAST);
        Self { ordinary: connections - kept, kept, standing, websockets }
    }

    fn descriptors(&self) -> u64 {
        let pairs = self.ordinary + self.kept + self.websockets;
        pairs as u64 * DESCRIPTORS_A_SEAT + self.standing as u64
    }

    /// How many requests may wait for a seat: the rest of the standing room is for health.
    pub(crate) fn waiting(&self) -> usize {
        self.standing / 2
    }

    /// How many connections are few.
    pub(crate) fn few(&self) -> usize {
        (self.kept / 4).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_divided_and_none_is_counted_twice() {
        let shares = Shares::wanted(512, 512);
        assert_eq!((shares.ordinary, shares.kept, shares.standing, shares.websockets), (448, 64, 128, 512));
        assert_eq!((shares.waiting(), shares.few()), (64, 16));
        let two = Shares::wanted(2, 1);
        assert_eq!((two.ordinary, two.kept, two.standing), (2, 0, LEAST));
    }
}
