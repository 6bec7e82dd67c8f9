//! Every wait and every limit of a plugin's life, with its default and its reason.
//!
//! Filled by whoever reads the settings, read by the machine. All of it can be set, globally and per plugin.

use std::fmt;
use std::time::Duration;

use crate::event::Deadline;

/// How long things may take, and how failures are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// From `Spawn` to its answer. Making a process takes milliseconds; this covers a machine that swaps.
    pub spawn: Duration,
    /// From `initialize` to its answer. A cold interpreter loads its modules in this time.
    pub handshake: Duration,
    /// From `start` to its answer. Plugins open databases and call servers here.
    pub start: Duration,
    /// For requests in flight once the route is closed. Long enough for an ordinary answer; an event stream
    /// never ends by itself, and a stop must not wait for it.
    pub drain: Duration,
    /// From `stop` to its answer: the grace that an author's `onStop` has.
    pub ask: Duration,
    /// From the close of its stdin to its exit. An orderly process flushes and goes at end of file; SIGTERM at that
    /// moment would cut off what it flushes.
    pub leave: Duration,
    /// From SIGTERM to its exit, for a process that was not asked or did not listen.
    pub terminate: Duration,
    /// From SIGKILL to the leader's end. Only the kernel can delay this, in a system call that does not return.
    pub kill: Duration,
    /// From the leader's end to an empty containment.
    pub empty: Duration,
    /// Between two looks at a containment that is not empty yet: killed processes vanish within milliseconds.
    pub look_again: Duration,
    /// Between two pings; also how long each may stay unanswered before it counts as missed.
    pub ping_every: Duration,
    /// So many missed pings in a row are a hang.
    pub pings_missed: u32,
    /// For the look whether a debugger holds a silent process, before silence is taken for a no.
    pub verdict: Duration,
    /// Between two looks whether the debugger is still there.
    pub tracer_look: Duration,
    /// How long a new version must run before the old one is out of reach. The same minute that ends a row of failures.
    pub probation: Duration,
    /// What follows an unexpected end.
    pub restart: RestartPolicy,
}

/// What follows an unexpected end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// The delay before the second restart in a row; the first is at once, each later one waits twice as long.
    pub base: Duration,
    /// No delay is longer.
    pub cap: Duration,
    /// How much of a delay chance may take away, in hundredths, so that plugins which fell together do not rise together.
    pub jitter_percent: u32,
    /// Running for so long ends a row of failures.
    pub steady: Duration,
    /// More unexpected ends in a row than this are a crash loop.
    pub in_a_row: u32,
    /// More unexpected ends within the window than this are a crash loop too, however steady the plugin was in between.
    pub in_window: u32,
    /// The window.
    pub window: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            spawn: Duration::from_secs(5),
            handshake: Duration::from_secs(10),
            start: Duration::from_secs(30),
            drain: Duration::from_secs(2),
            ask: Duration::from_secs(5),
            leave: Duration::from_secs(1),
            terminate: Duration::from_secs(2),
            kill: Duration::from_secs(2),
            empty: Duration::from_secs(3),
            look_again: Duration::from_millis(20),
            ping_every: Duration::from_secs(5),
            pings_missed: 3,
            verdict: Duration::from_secs(1),
            tracer_look: Duration::from_secs(5),
            probation: Duration::from_secs(60),
            restart: RestartPolicy::default(),
        }
    }
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(250),
            cap: Duration::from_secs(30),
            jitter_percent: 20,
            steady: Duration::from_secs(60),
            in_a_row: 10,
            in_window: 30,
            window: Duration::from_secs(60 * 60),
        }
    }
}

impl Policy {
    /// The length of a wait; zero for the back-off, whose length is computed for each failure.
    #[must_use]
    pub const fn limit(&self, deadline: Deadline) -> Duration {
        match deadline {
            Deadline::Spawn => self.spawn,
            Deadline::Handshake => self.handshake,
            Deadline::Start => self.start,
            Deadline::Drain => self.drain,
            Deadline::Ask => self.ask,
            Deadline::Leave => self.leave,
            Deadline::Terminate => self.terminate,
            Deadline::Kill => self.kill,
            Deadline::Empty => self.empty,
            Deadline::Look => self.look_again,
            Deadline::Ping => self.ping_every,
            Deadline::Verdict => self.verdict,
            Deadline::Tracer => self.tracer_look,
            Deadline::Probation => self.probation,
            Deadline::BackOff => Duration::ZERO,
        }
    }

    /// The longest that an ordered stop can take, all waits spent: after it a plugin is stopped or errored as not empty.
    #[must_use]
    pub fn longest_stop(&self) -> Duration {
        [self.drain, self.ask, self.leave, self.terminate, self.kill, self.empty]
            .into_iter()
            .fold(Duration::ZERO, Duration::saturating_add)
    }

    /// Refuses values with which a plugin could not be looked after.
    ///
    /// # Errors
    /// The first field that is out of its range. The machine itself bears any value without panicking.
    pub fn check(&self) -> Result<(), PolicyError> {
        for (field, length, shortest) in self.lengths() {
            if length < shortest {
                return Err(PolicyError { field, must: "be at least 1 ms" });
            }
            if length > LONGEST_WAIT {
                return Err(PolicyError { field, must: "be at most 366 days" });
            }
        }
        if self.pings_missed == 0 {
            return Err(PolicyError { field: "deadlines.pings_missed", must: "be at least 1" });
        }
        if self.restart.jitter_percent > 100 {
            return Err(PolicyError { field: "restart.jitter_percent", must: "be at most 100" });
        }
        Ok(())
    }

    /// Every length with its key in the settings and its least value: what is repeated, or waits for an answer, must take some time.
    const fn lengths(&self) -> [(&'static str, Duration, Duration); 18] {
        let restart = &self.restart;
        [
            ("deadlines.spawn", self.spawn, SHORTEST_WAIT),
            ("deadlines.handshake", self.handshake, SHORTEST_WAIT),
            ("deadlines.start", self.start, SHORTEST_WAIT),
            ("deadlines.drain", self.drain, Duration::ZERO),
            ("deadlines.stop", self.ask, Duration::ZERO),
            ("deadlines.leave", self.leave, Duration::ZERO),
            ("deadlines.terminate", self.terminate, Duration::ZERO),
            ("deadlines.kill", self.kill, SHORTEST_WAIT),
            ("deadlines.empty", self.empty, SHORTEST_WAIT),
            ("deadlines.look_again", self.look_again, SHORTEST_WAIT),
            ("deadlines.ping", self.ping_every, SHORTEST_WAIT),
            ("deadlines.verdict", self.verdict, SHORTEST_WAIT),
            ("deadlines.tracer_look", self.tracer_look, SHORTEST_WAIT),
            ("deadlines.probation", self.probation, Duration::ZERO),
            ("restart.base", restart.base, Duration::ZERO),
            ("restart.cap", restart.cap, Duration::ZERO),
            ("restart.steady", restart.steady, Duration::ZERO),
            ("restart.window", restart.window, Duration::ZERO),
        ]
    }
}

/// A repeated wait that is shorter than this would keep a processor busy; the timers have this resolution.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// No wait is meant to be longer, and clocks can add this to any time without overflowing.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A value of a [`Policy`] that is out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The field's key in the settings.
    pub field: &'static str,
    /// The range.
    pub must: &'static str,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` must {}", self.field, self.must)
    }
}

impl std::error::Error for PolicyError {}
