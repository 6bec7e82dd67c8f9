//! What a process is like: how long it takes for each thing, if it does it at all, and what it leaves behind.
//!
//! Given by a test, or drawn by a world; acted out by [`super::process`] and [`super::program`]. Must not know the actor.

use std::time::Duration;

use outboard_lifecycle::Exit;

/// What becomes of the wish for a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spawns {
    /// There is one.
    Yes,
    /// There is none; another try may succeed where it is transient.
    No { transient: bool },
    /// The task that launches panics.
    Panics,
}

/// How a call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// With a result.
    Yes,
    /// With an error; the text is its message.
    No(&'static str),
    /// With a result, twice.
    Twice,
    /// With something that is not a message.
    Noise,
    /// It says that it still works on it, every second, and then the result.
    Progress,
}

/// An answer and the time that it takes; without one, none ever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) after: Option<Duration>,
    pub(crate) says: Says,
}

impl Answer {
    pub(crate) const NEVER: Self = Self { after: None, says: Says::Yes };

    pub(crate) const fn after(millis: u64) -> Self {
        Self { after: Some(Duration::from_millis(millis)), says: Says::Yes }
    }

    pub(crate) const fn saying(self, says: Says) -> Self {
        Self { says, ..self }
    }
}

/// What one process is like.
#[derive(Clone, Debug)]
pub(crate) struct Nature {
    /// From the wish for it to its program's running.
    pub(crate) spawn: Duration,
    pub(crate) spawns: Spawns,
    pub(crate) initialize: Answer,
    pub(crate) start: Answer,
    pub(crate) stop: Answer,
    pub(crate) ping: Answer,
    /// To a call of a channel.
    pub(crate) invoke: Answer,
    /// It answers so many pings, and then no more.
    pub(crate) pings: Option<u32>,
    /// It calls the context at its start, as often as this.
    pub(crate) calls: u32,
    /// It prints this to standard error at its birth.
    pub(crate) prints: &'static str,
    /// It ends by itself so long after its birth.
    pub(crate) ends: Option<(Duration, Exit)>,
    /// It closes its standard output so long after its birth, and lives on.
    pub(crate) hangs_up: Option<Duration>,
    /// From the end of its standard input to its exit.
    pub(crate) leaves: Option<Duration>,
    /// From SIGTERM to its exit.
    pub(crate) terminates: Option<Duration>,
    /// From SIGKILL to its end, and to that of all that it started. `None`: the kernel does not let go of it.
    pub(crate) dies: Option<Duration>,
    /// Processes that it started, which only SIGKILL ends.
    pub(crate) grandchildren: u32,
    /// They hold its pipes open.
    pub(crate) pipes_are_held: bool,
    /// A debugger holds it.
    pub(crate) traced: bool,
    /// So many looks whether it is gone cannot be made.
    pub(crate) unseen: u32,
    /// SIGTERM makes the actor's own task panic.
    pub(crate) panics_on_terminate: bool,
}

impl Nature {
    /// A healthy one: it does everything within milliseconds.
    pub(crate) const HEALTHY: Self = Self {
        spawn: Duration::from_millis(2),
        spawns: Spawns::Yes,
        initialize: Answer::after(5),
        start: Answer::after(5),
        stop: Answer::after(5),
        ping: Answer::after(1),
        invoke: Answer::after(1),
        pings: None,
        calls: 0,
        prints: "",
        ends: None,
        hangs_up: None,
        leaves: Some(Duration::from_millis(3)),
        terminates: Some(Duration::from_millis(3)),
        dies: Some(Duration::from_millis(1)),
        grandchildren: 0,
        pipes_are_held: false,
        traced: false,
        unseen: 0,
        panics_on_terminate: false,
    };

    /// It exits so long after its birth.
    pub(crate) const fn ending(self, millis: u64, code: i32) -> Self {
        Self { ends: Some((Duration::from_millis(millis), Exit::Code(code))), ..self }
    }
}
