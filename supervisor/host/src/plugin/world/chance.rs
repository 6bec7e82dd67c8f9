//! What a seed makes of a world: what each process is like, what happens when, and how the disk is.
//!
//! Asked by the world alone. Must not know what happens then.

use std::time::Duration;

use outboard_lifecycle::{Exit, Order};

use crate::plugin::testing::{Answer, Nature, Says, Spawns};

/// What a world draws from.
#[derive(Clone, Debug)]
pub(super) struct Chance(outboard_lifecycle::Chance);

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self(outboard_lifecycle::Chance::new(seed))
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0.draw() % end.max(1)
    }

    /// True so often of a hundred times.
    pub(super) fn percent(&mut self, often: u64) -> bool {
        self.below(100) < often
    }

    /// Mostly short, at times long.
    fn time(&mut self) -> Duration {
        let most = if self.percent(80) { 40 } else { 12_000 };
        Duration::from_millis(self.below(most))
    }
}

/// How the world is told of faults, to be counted.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) u64);

impl Faults {
    fn one_of<T>(
        &mut self,
        chance: &mut Chance,
        often: u64,
        fault: impl FnOnce(&mut Chance) -> T,
    ) -> Option<T> {
        chance.percent(often).then(|| {
            self.0 += 1;
            fault(chance)
        })
    }
}

fn answer(chance: &mut Chance, faults: &mut Faults) -> Answer {
    let after = Answer { after: Some(chance.time()), says: Says::Yes };
    let fault = faults.one_of(chance, 12, |chance| match chance.below(6) {
        0 | 1 => Answer::NEVER,
        2 => after.saying(Says::No("no")),
        3 => after.saying(Says::Twice),
        4 => after.saying(Says::Noise),
        // Later than any limit.
        _ => {
            Answer { after: Some(Duration::from_millis(9_000 + chance.below(30_000))), says: Says::Progress }
        }
    });
    fault.unwrap_or(after)
}

/// One process. `calm`: nothing of it goes wrong any more.
pub(super) fn nature(chance: &mut Chance, faults: &mut Faults, calm: bool) -> Nature {
    let healthy = Nature {
        spawn: Duration::from_millis(chance.below(30)),
        calls: u32::try_from(chance.below(3)).unwrap_or(0),
        grandchildren: u32::try_from(chance.below(3)).unwrap_or(0),
        dies: Some(Duration::from_millis(chance.below(30))),
        ..Nature::HEALTHY
    };
    if calm {
        return healthy;
    }
    let spawns = faults.one_of(chance, 8, |chance| match chance.below(8) {
        0 => Spawns::No { transient: false },
        1 => Spawns::Panics,
        _ => Spawns::No { transient: true },
    });
    Nature {
        spawn: faults.one_of(chance, 4, |_| Duration::from_secs(8)).unwrap_or(healthy.spawn),
        spawns: spawns.unwrap_or(Spawns::Yes),
        initialize: answer(chance, faults),
        start: answer(chance, faults),
        stop: answer(chance, faults),
        ping: Answer { after: Some(Duration::from_millis(chance.below(20))), says: Says::Yes },
        invoke: answer(chance, faults),
        pings: faults.one_of(chance, 8, |chance| u32::try_from(chance.below(3)).unwrap_or(0)),
        prints: "it prints\n",
        ends: faults.one_of(chance, 25, |chance| {
            let exit = match chance.below(4) {
                0 => Exit::Code(0),
                1 => Exit::Signal { number: 11, name: "SIGSEGV", core_dumped: false },
                2 => Exit::Code(127),
                _ => Exit::Code(1),
            };
            (chance.time() * 3, exit)
        }),
        hangs_up: faults.one_of(chance, 6, Chance::time),
        leaves: if chance.percent(80) { Some(chance.time()) } else { None },
        terminates: if chance.percent(80) { Some(chance.time()) } else { None },
        dies: faults
            .one_of(chance, 3, |chance| Duration::from_millis(1000 + chance.below(8000)))
            .or(healthy.dies),
        pipes_are_held: faults.one_of(chance, 8, |_| ()).is_some(),
        traced: faults.one_of(chance, 4, |_| ()).is_some(),
        unseen: faults.one_of(chance, 5, |chance| u32::try_from(chance.below(4)).unwrap_or(0)).unwrap_or(0),
        panics_on_terminate: faults.one_of(chance, 3, |_| ()).is_some(),
        ..healthy
    }
}

/// Something that happens from outside.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    Order(Order),
    /// What is installed is another version, and the plugin is told so.
    Install(u32),
    /// Somebody kills the process.
    Kill(Exit),
    /// A request comes, and stays so long.
    Request(Duration),
    /// A UI calls a channel.
    Call,
    /// Each write takes so long from now on.
    DiskTakes(Duration),
    DiskFails(bool),
    DiskHangs(bool),
}

fn order(chance: &mut Chance) -> Order {
    match chance.below(10) {
        0..=3 => Order::Start,
        4 | 5 => Order::Restart,
        6 | 7 => Order::Stop,
        8 => Order::KillNow,
        _ => Order::ManifestChanged,
    }
}

/// What happens, each with the pause before it.
pub(super) fn acts(chance: &mut Chance, faults: &mut Faults) -> Vec<(Duration, Act)> {
    let many = 6 + chance.below(16);
    let mut acts = vec![(Duration::ZERO, Act::Order(Order::Start))];
    for _ in 0..many {
        // Orders come in storms as well: many without any pause.
        let pause = if chance.percent(35) { Duration::ZERO } else { chance.time() };
        let act = match chance.below(20) {
            0..=6 => Act::Order(order(chance)),
            7 => Act::Install(u32::try_from(chance.below(3)).unwrap_or(0)),
            8 | 9 => {
                faults.0 += 1;
                Act::Kill(Exit::Signal { number: 9, name: "SIGKILL", core_dumped: false })
            }
            10..=14 => Act::Request(chance.time()),
            15 | 16 => Act::Call,
            17 => {
                faults.0 += 1;
                Act::DiskTakes(chance.time() * 10)
            }
            18 => Act::DiskFails(faults.one_of(chance, 50, |_| ()).is_some()),
            _ => Act::DiskHangs(faults.one_of(chance, 50, |_| ()).is_some()),
        };
        acts.push((pause, act));
    }
    acts
}
