//! A world under one seed: one plugin with its actor, session and route, and everything around them drawn from a number.
//!
//! Processes live and die in memory, the disk is slow or full or hangs, orders come in storms, and time passes only when everybody
//! waits: hundreds of short lives a second without optimisation, in one thread. After each turn of the actor's task and whenever all is quiet, it is
//! looked whether what is promised holds ([`audit`]). A world that breaks a promise is told with its seed, by which it can be
//! lived again, and its seed goes to [`ONCE_BROKEN`].
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
#![allow(clippy::print_stdout, reason = "seeds and figures are for whoever runs it")]

mod audit;
mod chance;
mod client;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use outboard_lifecycle::{Order, Policy};
use outboard_protocol::control::PluginState;
use tokio::time::{Instant, sleep, timeout};

use self::audit::Audit;
use self::chance::{Act, Chance, Faults, acts, nature};
use self::client::Clients;
use super::testing::{FOR_EVER, Stage, Subject, installed};

/// Worlds in `make test`; each takes some milliseconds without optimisation.
const FEW: u64 = 400;
/// Worlds in `make trials`.
const MANY: u64 = 20_000;
/// The first seed of `make test` and of `make trials`, which try the same worlds each time: what fails fails for everybody.
/// `OUTBOARD_SEED` begins elsewhere.
const FIRST: u64 = 1;
/// Of the worlds in a row that are lived, how much time passes at most between two looks at rest.
const LOOK: Duration = Duration::from_millis(2500);

/// Seeds of worlds that broke a promise once, and what was wrong. All but the last were wrong on purpose.
const ONCE_BROKEN: &[(u64, &str)] = &[
    (1_796_066_974_000_004, "a row of restarts was longer than the policy allows"),
    (1_796_066_992_000_079, "the way to a dead process stayed open until its pipes were read"),
    (1_796_067_017_000_083, "a call was waited for beyond its limit"),
    (1_796_067_043_000_067, "a start of what was given up did nothing"),
    (1_796_067_061_000_001, "a plugin that was removed was looked after for ever"),
    (1680, "a call on which there was progress was taken for one beyond its limit"),
];

struct World {
    stage: Stage,
    subject: Option<Subject>,
    policy: Policy,
    calm: Arc<AtomicBool>,
    /// Everything crashes until it is calm, as often as the policy lets it.
    doomed: bool,
    audit: Arc<Mutex<Audit>>,
    clients: client::Shared,
    version: String,
}

/// What became of one world.
#[derive(Debug, Default, PartialEq)]
struct Lived {
    faults: u64,
    processes: u64,
    story: String,
    violation: Option<String>,
}

fn lock(audit: &Mutex<Audit>) -> MutexGuard<'_, Audit> {
    audit.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    fn new(seed: u64, faults: &Arc<AtomicU64>) -> Self {
        let calm = Arc::new(AtomicBool::new(false));
        let (mut chance, peace, counted) = (Chance::new(!seed), Arc::clone(&calm), Arc::clone(faults));
        let doomed = chance.percent(8);
        let mut stage = Stage::with(move |_, _| {
            let (mut faults, calm) = (Faults::default(), peace.load(Ordering::Relaxed));
            let mut nature = nature(&mut chance, &mut faults, calm);
            if doomed && !calm {
                faults.0 += 1;
                nature = nature.ending(chance.below(100), 1);
            }
            counted.fetch_add(faults.0, Ordering::Relaxed);
            nature
        });
        let policy = Policy::default();
        let audit = Audit::new(Arc::clone(&stage.launcher), stage.shared.events.subscribe(), policy.clone());
        let audit = Arc::new(Mutex::new(audit));
        let looks = Arc::clone(&audit);
        stage.after_a_turn = Some(Arc::new(move |seen| lock(&looks).after_a_turn(seen)));
        let subject = stage.actor(policy.clone());
        let (clients, version) = (client::Shared::default(), "1.0.0".to_owned());
        Self { stage, subject: Some(subject), policy, calm, doomed, audit, clients, version }
    }

    fn audit(&self) -> MutexGuard<'_, Audit> {
        lock(&self.audit)
    }

    fn subject(&self) -> &Subject {
        self.subject.as_ref().expect("it is dropped as the last thing")
    }

    fn is_broken(&self) -> bool {
        self.audit().violation.is_some()
    }

    /// Lets time pass, and looks now and then.
    async fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while !self.is_broken() {
            self.replace_the_fallen().await;
            self.look_at_rest().await;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            sleep(left.min(LOOK)).await;
        }
    }

    /// As the supervisor does.
    async fn replace_the_fallen(&mut self) {
        let Some(mut subject) = self.subject.take_if(|subject| subject.task.is_finished()) else { return };
        let successor = match (&mut subject.task).await {
            Ok(()) => subject,
            Err(error) => {
                // Without the number of the task, which is not the world's.
                let why = error.to_string();
                let why = why.split_once("message ").map_or(why.clone(), |(_, message)| message.to_owned());
                let planted = why.contains("a bug in the");
                self.audit().tell(&format!("the task fell: {why}"));
                if !planted {
                    self.audit().fails(("7 no fault of ours", why.clone()));
                }
                self.stage.successor(&subject, &why)
            }
        };
        self.subject = Some(successor);
    }

    /// What is not as it must be has one more moment, in which whoever was just woken has his turn.
    async fn look_at_rest(&mut self) {
        let Some(seen) = self.subject.as_ref().map(Subject::seen) else { return };
        let audit = Arc::clone(&self.audit);
        let clients = Arc::clone(&self.clients);
        let look = || client::with(&clients, |clients| lock(&audit).at_rest(&seen, clients));
        if look().is_err() {
            sleep(Duration::from_millis(2)).await;
            // Its task may have fallen meanwhile; who replaces it comes next.
            if self.subject().task.is_finished() {
                return;
            }
            if let Err(fails) = look() {
                self.audit().fails(fails);
            }
        }
    }

    async fn order(&mut self, order: Order, version: Option<u32>) {
        self.replace_the_fallen().await;
        self.audit().tell(&format!("order {order:?}"));
        self.audit().ordered();
        let handle = self.subject().handle.clone();
        let installed = version.map(|_| Arc::new(installed("subject", &self.version)));
        let taken = timeout(Duration::from_millis(1), handle.order(order.clone(), installed)).await;
        // False: its task fell over this order, or just before.
        let fell = taken == Ok(false) && self.subject().task.is_finished();
        if taken != Ok(true) && !fell {
            self.audit().fails(("21 an order takes effect at once", format!("{order:?}: {taken:?}")));
        }
    }

    async fn perform(&mut self, act: Act) {
        match act {
            Act::Order(order) => self.order(order, None).await,
            Act::Install(number) => {
                let to = format!("1.0.{number}");
                let from = std::mem::replace(&mut self.version, to.clone());
                let order = match from == to {
                    true => Order::ManifestChanged,
                    false => Order::Update { from, to, has_old: false },
                };
                self.order(order, Some(number)).await;
            }
            Act::Kill(exit) => {
                self.audit().tell("somebody kills it");
                let mut last = None;
                self.stage.launcher.each(|process| last = Some(Arc::clone(process)));
                last.inspect(|process| process.end(exit));
            }
            Act::Request(stays) => {
                let (route, clients) = (self.subject().route(), Arc::clone(&self.clients));
                tokio::spawn(client::request(route, clients, stays));
            }
            Act::Call => {
                let (handle, clients) = (self.subject().handle.clone(), Arc::clone(&self.clients));
                tokio::spawn(client::call(handle, clients));
            }
            Act::DiskTakes(time) => self.stage.context.take(time),
            Act::DiskFails(fails) => self.stage.context.fail(fails),
            Act::DiskHangs(hangs) => {
                self.audit().excused |= hangs;
                self.stage.context.hold_up(hangs);
            }
        }
    }

    /// From here on nothing goes wrong any more; what has gone wrong already goes on.
    fn calm_down(&mut self) {
        self.calm.store(true, Ordering::Relaxed);
        self.stage.context.take(Duration::ZERO);
        self.stage.context.fail(false);
        self.stage.context.hold_up(false);
        self.stage.launcher.each(|process| process.untrace());
        self.audit().tell("calm");
    }

    /// Waits until it is as wanted. False: it is not, after this time.
    async fn until(&mut self, limit: Duration, wanted: impl Fn(PluginState) -> bool) -> bool {
        let end = Instant::now() + limit;
        while !self.is_broken() {
            self.replace_the_fallen().await;
            if wanted(self.subject().view().status.state) {
                return true;
            }
            if Instant::now() >= end {
                return false;
            }
            self.pass(Duration::from_millis(500)).await;
        }
        true
    }

    /// One of the ends that a plugin may come to, each in its time.
    async fn come_to_an_end(&mut self, which: u64) {
        // Looks that cannot be made, one panic, and one successor's emptying.
        let stop = self.policy.longest_stop() * 2 + Duration::from_secs(15);
        match which {
            0 | 1 => {
                for _ in 0..4 {
                    self.order(Order::Start, None).await;
                    let come = |state| matches!(state, PluginState::Running | PluginState::Errored);
                    let came = self.until(Duration::from_secs(300), come).await;
                    if !came || self.subject().view().status.state == PluginState::Running {
                        break;
                    }
                    self.pass(Duration::from_secs(10)).await;
                }
                let status = self.subject().view().status.clone();
                let up = status.state == PluginState::Running || self.is_broken();
                if !up {
                    self.audit().fails(("22 what is wanted up comes up", format!("{status:?}")));
                }
            }
            2 | 3 => {
                self.order(Order::Stop, None).await;
                let down = |state| matches!(state, PluginState::Stopped | PluginState::Errored);
                if !self.until(stop, down).await {
                    let status = self.subject().view().status.clone();
                    self.audit().fails(("23 what is wanted down goes down in time", format!("{status:?}")));
                }
            }
            _ => {
                self.replace_the_fallen().await;
                let remove = which == 4;
                if remove {
                    self.order(Order::Remove, None).await;
                }
                let subject = self.subject.take().unwrap();
                let Subject { handle, task, .. } = subject;
                // One that is removed ends whoever still holds it, one that was not by this.
                let held = remove.then_some(handle);
                let ended = timeout(stop, task).await;
                drop(held);
                let fell = matches!(&ended, Ok(Err(error)) if error.to_string().contains("a bug in the"));
                if !matches!(ended, Ok(Ok(()))) && !fell {
                    self.audit().fails(("24 nobody's plugin ends", format!("removed: {remove}, {ended:?}")));
                }
                sleep(Duration::from_secs(12)).await;
                let mut living = Vec::new();
                self.stage.launcher.each(|process| {
                    if process.lives() {
                        living.push(process.generation);
                    }
                });
                if !living.is_empty() {
                    self.audit().fails(("25 nothing is left", format!("{living:?} live")));
                }
            }
        }
    }

    async fn live(&mut self, seed: u64, faults: &AtomicU64) {
        let mut chance = Chance::new(seed);
        let mut drawn = Faults::default();
        let acts = acts(&mut chance, &mut drawn);
        faults.fetch_add(drawn.0, Ordering::Relaxed);
        for (pause, act) in acts {
            if !pause.is_zero() {
                self.pass(pause).await;
            }
            if self.is_broken() {
                return;
            }
            self.perform(act).await;
        }
        // A row of crashes up to the last takes minutes.
        let longer = if self.doomed { 200 } else { 0 };
        self.pass(Duration::from_secs(1 + chance.below(40) + longer)).await;
        self.calm_down();
        let history = self.subject().handle.history.clone();
        self.come_to_an_end(chance.below(6)).await;
        let history = history.lock().unwrap_or_else(PoisonError::into_inner).latest_first();
        let clients = Arc::clone(&self.clients);
        client::with(&clients, |clients: &mut Clients| lock(&self.audit).in_the_end(&history, clients));
    }
}

/// Lives the world of a seed.
fn live(seed: u64) -> Lived {
    hide_planted_panics();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let faults = Arc::new(AtomicU64::new(0));
        let mut world = World::new(seed, &faults);
        let lived = timeout(FOR_EVER, world.live(seed, &faults)).await;
        if lived.is_err() {
            world.audit().fails(("11 nothing hangs", "the world does not end".to_owned()));
        }
        let mut processes = 0;
        world.stage.launcher.each(|_| processes += 1);
        let mut audit = world.audit();
        let (story, violation) = (audit.story.join("\n"), audit.violation.take());
        Lived { faults: faults.load(Ordering::Relaxed), processes, story, violation }
    })
}

/// Panics that a world plants are expected; all others are told.
fn hide_planted_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !panic.payload_as_str().is_some_and(|why| why.starts_with("a bug in the")) {
                tell(panic);
            }
        }));
    });
}

fn judge(seed: u64, lived: &Lived) {
    if let Some(violation) = &lived.violation {
        panic!(
            "the world of seed {seed} breaks a promise: {violation}\n\n{}\n\nLive it again with OUTBOARD_SEED={seed} cargo test -p outboard-host --lib plugin::world, and when it is mended put the seed into ONCE_BROKEN",
            lived.story
        );
    }
}

#[test]
fn what_is_promised_holds_in_every_world() {
    let given: Option<u64> = std::env::var("OUTBOARD_SEED").ok().map(|seed| seed.parse().unwrap());
    let many = std::env::var_os("OUTBOARD_TRIALS").is_some();
    let (first, count) = match (given, many) {
        (from, true) => (from.unwrap_or(FIRST), MANY),
        (Some(one), false) => (one, 1),
        (None, false) => (FIRST, FEW),
    };
    let one = given.filter(|_| !many);
    println!("worlds from seed {first} on");
    let began = std::time::Instant::now();
    let (mut faults, mut processes) = (0, 0);
    for seed in first..first + count {
        let lived = live(seed);
        judge(seed, &lived);
        if one.is_some() {
            println!("{}", lived.story);
        }
        (faults, processes) = (faults + lived.faults, processes + lived.processes);
    }
    let took = began.elapsed().as_secs_f64();
    println!(
        "{count} worlds in {took:.1} s: {:.0} a second, {:.0} lives of processes a second, {:.1} faults a world",
        count as f64 / took,
        processes as f64 / took,
        faults as f64 / count as f64
    );
    assert!(one.is_some() || faults > count, "worlds without faults show nothing");
}

#[test]
fn worlds_that_once_broke_a_promise_keep_it() {
    for (seed, was_wrong) in ONCE_BROKEN {
        println!("{was_wrong}");
        judge(*seed, &live(*seed));
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in FIRST..FIRST + 60 {
        let (one, other) = (live(seed), live(seed));
        let differs = one.story.lines().zip(other.story.lines()).find(|(one, other)| one != other);
        assert!(one == other, "the world of seed {seed} is not the same twice: {differs:?}");
    }
}
