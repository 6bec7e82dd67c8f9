//! A plugin process as the machine's effects meet it: how long it takes for each thing, if it does it at all, and
//! what it leaves behind. Honest: it says nothing that is not so.

use std::time::Duration;

use proptest::prelude::*;

/// What one plugin's processes are like.
#[derive(Clone, Debug)]
pub struct Nature {
    /// From the order to spawn to its answer.
    pub spawn: Duration,
    pub spawns: Spawns,
    /// From a message to its answer; `None` is never.
    pub handshake: Option<Duration>,
    pub start: Option<Duration>,
    pub stop: Option<Duration>,
    pub pong: Option<Duration>,
    pub start_is_rejected: bool,
    /// How long after its birth it crashes by itself.
    pub crash: Option<Duration>,
    /// From the end of its stdin to its exit.
    pub leaves: Option<Duration>,
    /// From SIGTERM to its exit.
    pub terminates: Option<Duration>,
    /// From SIGKILL to the end of each process.
    pub dies: Duration,
    /// How many processes it started that only SIGKILL ends.
    pub grandchildren: u32,
    /// How long requests are in flight once the route is closed.
    pub drains: Option<Duration>,
    /// A debugger holds it: it answers nothing, but there is a reason.
    pub traced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spawns {
    Always,
    Never,
    OnlyLater,
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![0_u64..50, 0_u64..12_000].prop_map(Duration::from_millis)
}

fn perhaps() -> impl Strategy<Value = Option<Duration>> {
    prop_oneof![3 => time().prop_map(Some), 1 => Just(None)]
}

pub fn nature() -> impl Strategy<Value = Nature> {
    let spawns =
        prop_oneof![8 => Just(Spawns::Always), 1 => Just(Spawns::Never), 1 => Just(Spawns::OnlyLater)];
    let up = (0_u64..3_000, spawns, perhaps(), perhaps(), prop::bool::weighted(0.1));
    let alive = (perhaps(), prop::option::weighted(0.4, time()), prop::bool::weighted(0.2), 0_u32..4);
    let down = (perhaps(), perhaps(), perhaps(), perhaps(), 0_u64..1_500);
    (up, alive, down).prop_map(|(up, alive, down)| {
        let (spawn, spawns, handshake, start, start_is_rejected) = up;
        let (pong, crash, traced, grandchildren) = alive;
        let (stop, leaves, terminates, drains, dies) = down;
        Nature {
            spawn: Duration::from_millis(spawn),
            spawns,
            handshake,
            start,
            stop,
            pong,
            start_is_rejected,
            crash,
            leaves,
            terminates,
            dies: Duration::from_millis(dies),
            grandchildren,
            drains,
            traced,
        }
    })
}
