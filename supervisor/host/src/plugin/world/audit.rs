//! What must hold, whatever the world is like. The first thing that does not is kept, with the moment.
//!
//! Looked at after each turn of the actor's task (`after_a_turn`), whenever everybody waits (`at_rest`), and when all is over
//! (`in_the_end`). Each promise has a number, under which docs/TESTING.md names it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use outboard_lifecycle::{Exit, Policy, RouteIntent};
use outboard_protocol::control::{ExitRecord, HostEvent, PluginState, PluginStatus};
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::client::{CALL_LIMIT, Clients};
use crate::plugin::testing::{Answer, FakeLauncher, FakeProcess, Happened, Says, Seen};
use crate::routes::RouteState;

/// Looks that cannot be made draw an `emptying` out by a second each, and the looks between take their time.
const UNSEEN: Duration = Duration::from_secs(6);
/// Longest time from the order to spawn to the end of the start: all limits, one look for a debugger in each step, and the
/// progress that a nature makes.
const STARTING: Duration = Duration::from_secs(120);

/// What was shown last, and since when.
#[derive(Clone, Debug)]
struct Shown {
    state: PluginState,
    generation: u64,
    since: Instant,
}

pub(super) struct Audit {
    launcher: Arc<FakeLauncher>,
    events: broadcast::Receiver<HostEvent>,
    policy: Policy,
    began: Instant,
    shown: Option<Shown>,
    /// Restarts after failures since the last order.
    in_a_row: u32,
    restarts: u64,
    /// When the route to each generation closed.
    closed: BTreeMap<u64, Instant>,
    /// Until when a step of a start is excused.
    pub(super) excused: bool,
    pub(super) story: Vec<String>,
    pub(super) violation: Option<String>,
}

impl Audit {
    pub(super) fn new(
        launcher: Arc<FakeLauncher>,
        events: broadcast::Receiver<HostEvent>,
        policy: Policy,
    ) -> Self {
        Self {
            launcher,
            events,
            policy,
            began: Instant::now(),
            shown: None,
            in_a_row: 0,
            restarts: 0,
            closed: BTreeMap::new(),
            excused: false,
            story: Vec::new(),
            violation: None,
        }
    }

    pub(super) fn tell(&mut self, what: &str) {
        self.story.push(format!("{:>9.3} {what}", self.began.elapsed().as_secs_f64()));
    }

    fn must(&mut self, holds: bool, promise: &str, but: impl FnOnce() -> String) {
        if !holds && self.violation.is_none() {
            let but = but();
            self.tell(&format!("!! {promise}: {but}"));
            self.violation = Some(format!("{promise}: {but}"));
        }
    }

    /// An order gives a plugin new tries.
    pub(super) fn ordered(&mut self) {
        self.in_a_row = 0;
    }

    /// The task of the actor has had its turn.
    pub(super) fn after_a_turn(&mut self, seen: &Seen) {
        self.hear(seen);
        let view = seen.view.borrow().clone();
        let (state, generation) = (view.status.state, view.status.generation);
        let mut living = Vec::new();
        self.launcher.each(|process| {
            if process.lives() && process.is_owned() {
                living.push(process.generation);
            }
        });
        self.must(living.len() <= 1, "1 one process", || format!("{living:?} live"));
        let not_empty = view.status.cause_code.as_deref() == Some("not-empty");
        let none = matches!(state, PluginState::Stopped | PluginState::BackingOff)
            || (state == PluginState::Errored && !not_empty);
        self.must(!none || living.is_empty(), "2 nothing lives at rest", || {
            format!("{state:?} while {living:?} lives")
        });
        let route = seen.route.state();
        let (routed, leads_to) = match &*route {
            RouteState::Open(upstream) => (RouteIntent::Open, Some(upstream.generation())),
            RouteState::Waiting { .. } => (RouteIntent::Waiting, None),
            RouteState::Closed { .. } => (RouteIntent::Closed, None),
        };
        // Before its first step a plugin's route says that it was not started.
        if self.shown.is_some() {
            let intent = view.snapshot.route_intent();
            self.must(routed == intent, "3 the route is what the state says", || {
                format!("{routed:?} while {state:?}, which says {intent:?}")
            });
        }
        self.must(
            leads_to.is_none_or(|leads| leads == generation),
            "4 the route leads to this generation",
            || format!("to {leads_to:?} in generation {generation}"),
        );
        let linked = seen.link.borrow().is_some();
        self.must(linked == (routed == RouteIntent::Open), "5 calls go where requests go", || {
            format!("linked: {linked}, route {routed:?}")
        });
    }

    /// The changes that were shown since the last time.
    fn hear(&mut self, seen: &Seen) {
        let mut last = None;
        loop {
            match self.events.try_recv() {
                Ok(HostEvent::PluginState { status }) => {
                    self.shows(&status);
                    last = Some(status);
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        if let Some(last) = last {
            let view = seen.view.borrow().status.clone();
            self.must(view == *last, "6 what is told is what is shown", || format!("{last:?} and {view:?}"));
        }
    }

    fn shows(&mut self, status: &PluginStatus) {
        let phase = status.phase.as_deref().unwrap_or("");
        self.tell(&format!("{:?} {phase} of {}", status.state, status.generation));
        let (to, now) = (status.state, Instant::now());
        let internal = status.cause_code.as_deref() == Some("internal");
        let planted = status.cause.as_deref().is_some_and(|cause| cause.contains("a bug in the"));
        self.must(!internal || planted, "7 no fault of ours", || format!("{:?}", status.cause));
        if let Some(before) = self.shown.clone() {
            let from = before.state;
            self.must(may_follow(from, to), "8 states follow as they may", || format!("{to:?} on {from:?}"));
            let (new, old) = (status.generation, before.generation);
            let begins = to == PluginState::Starting && new == old + 1;
            self.must(new == old || begins, "9 generations are counted", || {
                format!("{new} after {old} as {to:?}")
            });
            if from == PluginState::Running && to != from {
                self.closed.insert(old, now);
                if now - before.since >= self.policy.restart.steady {
                    self.in_a_row = 0;
                }
            }
            if from == to {
                self.shown = Some(Shown { generation: new, ..before });
            } else {
                self.shown = Some(Shown { state: to, generation: new, since: now });
            }
        } else {
            self.shown = Some(Shown { state: to, generation: status.generation, since: now });
        }
        if status.restarts > self.restarts {
            self.in_a_row += 1;
        }
        self.restarts = status.restarts;
        let (row, most) = (self.in_a_row, self.policy.restart.in_a_row);
        self.must(row <= most, "10 no more restarts in a row than allowed", || format!("{row} of {most}"));
    }

    /// Everybody waits.
    pub(super) fn at_rest(&mut self, seen: &Seen, clients: &Clients) -> Result<(), (&'static str, String)> {
        let now = Instant::now();
        if let Some(shown) = &self.shown {
            let lasts = now - shown.since;
            let limit = match shown.state {
                PluginState::Starting if !self.excused => STARTING,
                PluginState::Stopping => self.policy.longest_stop() + UNSEEN,
                PluginState::BackingOff => self.policy.restart.cap,
                _ => Duration::MAX,
            };
            if lasts > limit.saturating_add(Duration::from_millis(50)) {
                return Err(("11 nothing hangs", format!("{:?} for {lasts:?}", shown.state)));
            }
        }
        let open = match &*seen.route.state() {
            RouteState::Open(upstream) => {
                let dead = self
                    .launcher
                    .find(upstream.generation(), seen.route.owner.word())
                    .and_then(|process| process.exit());
                let lets_in = upstream.enter().is_some();
                if let (Some(exit), true) = (dead, lets_in) {
                    return Err(("12 nobody is let in to a dead process", format!("it {exit}")));
                }
                lets_in
            }
            RouteState::Waiting { .. } | RouteState::Closed { .. } => false,
        };
        if open && clients.waiting > 0 {
            return Err(("13 who waits is let in", format!("{} wait before an open route", clients.waiting)));
        }
        // A process that tells of its progress moves its call's limit, until it answers.
        let mut limit = CALL_LIMIT;
        self.launcher.each(|process| {
            let Answer { after, says } = process.nature().invoke;
            if says == Says::Progress {
                limit = limit.max(after.unwrap_or_default());
            }
        });
        let late =
            |made: &&Option<Instant>| made.is_some_and(|made| now - made > limit + Duration::from_secs(1));
        if clients.calls.iter().any(|made| late(&made)) {
            return Err(("14 each call has an outcome within its limit", String::new()));
        }
        let mut left = None;
        self.launcher.each(|process| {
            if process.is_empty() && process.has_socket() {
                left = Some(process.generation);
            }
        });
        match left {
            Some(generation) => {
                Err(("15 a socket goes with its generation", format!("that of {generation} is there")))
            }
            None => Ok(()),
        }
    }

    /// What did not hold for some time.
    pub(super) fn fails(&mut self, (promise, but): (&'static str, String)) {
        self.must(false, promise, || but);
    }

    /// All is over: the whole story of each process.
    pub(super) fn in_the_end(&mut self, history: &[ExitRecord], clients: &Clients) {
        let mut all = Vec::new();
        self.launcher.each(|process| all.push(Arc::clone(process)));
        for process in &all {
            self.was_told_in_order(process);
            self.was_asked_to_stop_when_its_requests_had_left(process, clients);
        }
        // The history keeps the last twenty.
        for process in all.iter().rev().take(8) {
            self.was_recorded(process, history);
        }
    }

    fn was_told_in_order(&mut self, process: &FakeProcess) {
        let told: Vec<String> = process
            .happened()
            .into_iter()
            .filter_map(|happened| match happened {
                Happened::Told(message) if !message.starts_with('$') => Some(message),
                _ => None,
            })
            .collect();
        let at = |wanted: &[&str]| told.iter().position(|message| wanted.contains(&message.as_str()));
        let (initialize, start) = (at(&["initialize"]), at(&["start", "resume"]));
        let first_of_running = at(&["ping", "stop", "ipc.invoke"]);
        let once = ["initialize", "start", "resume", "stop"]
            .iter()
            .all(|once| told.iter().filter(|message| message == once).count() <= 1);
        let in_order = initialize.is_none_or(|at| at == 0)
            && start.is_none_or(|start| initialize.is_some_and(|initialize| initialize < start))
            && first_of_running.is_none_or(|first| start.is_some_and(|start| start < first));
        self.must(once && in_order, "16 handshake, start, then all else, each once", || {
            format!("generation {} was told {told:?}", process.generation)
        });
        let answered = !matches!(process.nature().start.says, Says::No(_) | Says::Noise);
        self.must(at(&["stop"]).is_none() || answered, "17 only what has started is asked to stop", || {
            format!("generation {}", process.generation)
        });
    }

    fn was_asked_to_stop_when_its_requests_had_left(&mut self, process: &FakeProcess, clients: &Clients) {
        let Some(asked) = process.when(&Happened::Told("stop".to_owned())) else { return };
        let Some(closed) = self.closed.get(&process.generation).copied() else { return };
        let inside = clients.stays.iter().any(|stay| {
            stay.generation == process.generation
                && stay.entered <= closed
                && stay.left.is_none_or(|left| left > asked + Duration::from_millis(1))
        });
        let waited = asked - closed;
        self.must(!inside || waited >= self.policy.drain, "18 requests in flight have their time", || {
            format!("generation {} was asked to stop after {waited:?}", process.generation)
        });
    }

    fn was_recorded(&mut self, process: &FakeProcess, history: &[ExitRecord]) {
        let happened = process.happened();
        let lived = happened.contains(&Happened::Told("initialize".to_owned()));
        if !lived || !happened.contains(&Happened::Emptied) {
            return;
        }
        let records: Vec<&ExitRecord> =
            history.iter().filter(|record| record.pid == Some(process.pid)).collect();
        // One that could not be ended at first has a record that says so as well.
        let ends = records.iter().filter(|record| !record.decision.contains("not-empty")).count();
        self.must(ends <= 1 && !records.is_empty(), "19 each end is recorded once", || {
            format!("{} records of generation {}", records.len(), process.generation)
        });
        let Some(record) = records.first() else { return };
        let told = match process.exit() {
            Some(Exit::Code(code)) => record.exit_code == Some(code) && record.signal.is_none(),
            Some(Exit::Signal { name, .. }) => record.signal.as_deref() == Some(name),
            Some(Exit::Unknown) | None => true,
        };
        self.must(told, "20 each end is recorded as what it was", || {
            format!("{:?}: {record:?}", process.exit())
        });
    }
}

fn may_follow(from: PluginState, to: PluginState) -> bool {
    use PluginState::{BackingOff, Errored, Running, Starting, Stopped, Stopping};
    match from {
        Stopped => matches!(to, Stopped | Starting | Stopping | Errored),
        Starting => matches!(to, Starting | Running | Stopping),
        Running => matches!(to, Running | Stopping),
        Stopping => to != Running,
        BackingOff => matches!(to, BackingOff | Starting | Stopped | Stopping),
        Errored => matches!(to, Errored | Starting | Stopped | Stopping),
        _ => false,
    }
}
