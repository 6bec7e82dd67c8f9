//! What happens to a plugin, told one by one to whoever asks: the spans of a plugin and of a generation, and each step of the
//! state machine.
//!
//! Called by the actor and by what begins a conversation. Names of events, states and effects alone: what a plugin says may
//! hold secrets. Nothing is formatted unless somebody asks.

use std::fmt;

use outboard_lifecycle::{Effect, Event, Fact, Generation, Lifecycle, Order, State};
use outboard_protocol::PluginId;
use tracing::{Level, Span};

/// All that is done for a plugin.
pub(super) fn of_plugin(id: &PluginId) -> Span {
    tracing::trace_span!(target: "outboard", "plugin", plugin = %id)
}

/// All that is done for one of its processes.
pub(super) fn of_generation(id: &PluginId, generation: Generation) -> Span {
    tracing::trace_span!(target: "outboard", "generation", plugin = %id, generation = generation.0)
}

/// One step, as far as it is known before it is taken.
pub(super) struct Step {
    event: String,
    /// The process that it speaks of, where it speaks of one.
    of: Option<Generation>,
    before: String,
}

impl Step {
    /// `None`: nobody asks.
    pub(super) fn begin(machine: &Lifecycle, event: &Event) -> Option<Self> {
        tracing::enabled!(target: "outboard::step", Level::TRACE).then(|| {
            let of = match event {
                Event::Fact(generation, _) | Event::Deadline(generation, _) => Some(*generation),
                Event::Order(_) | Event::Fault { .. } => None,
            };
            Self { event: Happened(event).to_string(), of, before: Shown(machine.state()).to_string() }
        })
    }

    /// Tells it.
    pub(super) fn end(self, machine: &Lifecycle, effects: &[Effect]) {
        let Self { event, of, before } = self;
        let (after, effects) = (Shown(machine.state()), Effects(effects));
        let generation = of.unwrap_or_else(|| machine.generation()).0;
        tracing::trace!(target: "outboard::step", generation, %before, %after, %effects, "{event}");
    }
}

struct Shown<'a>(&'a State);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())?;
        self.0.phase_name().map_or(Ok(()), |phase| write!(f, "/{phase}"))
    }
}

struct Effects<'a>(&'a [Effect]);

impl fmt::Display for Effects<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, effect) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "," })?;
            f.write_str(effect.name())?;
            if let Effect::Arm { deadline, .. } = effect {
                write!(f, "({})", deadline.name())?;
            }
        }
        f.write_str(if self.0.is_empty() { "none" } else { "" })
    }
}

struct Happened<'a>(&'a Event);

impl fmt::Display for Happened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Event::Order(order) => write!(f, "order {}", name_of_order(order)),
            Event::Deadline(_, deadline) => write!(f, "deadline {}", deadline.name()),
            Event::Fault { .. } => f.write_str("the supervisor failed"),
            Event::Fact(_, fact) => {
                write!(f, "fact {}", name_of_fact(fact))?;
                match fact {
                    Fact::Spawned { pid } => write!(f, ": pid {pid}"),
                    Fact::Exited { exit } => write!(f, ": {exit}"),
                    _ => Ok(()),
                }
            }
        }
    }
}

fn name_of_order(order: &Order) -> &'static str {
    match order {
        Order::Start => "Start",
        Order::Stop => "Stop",
        Order::KillNow => "KillNow",
        Order::Restart => "Restart",
        Order::Update { .. } => "Update",
        Order::ManifestChanged => "ManifestChanged",
        Order::FolderChanged => "FolderChanged",
        Order::Shutdown => "Shutdown",
        Order::Remove => "Remove",
    }
}

fn name_of_fact(fact: &Fact) -> &'static str {
    match fact {
        Fact::Spawned { .. } => "Spawned",
        Fact::SpawnFailed { .. } => "SpawnFailed",
        Fact::HandshakeDone { .. } => "HandshakeDone",
        Fact::Incompatible { .. } => "Incompatible",
        Fact::Progress => "Progress",
        Fact::StartOk => "StartOk",
        Fact::StartRejected { .. } => "StartRejected",
        Fact::Exited { .. } => "Exited",
        Fact::StdioLost => "StdioLost",
        Fact::Pong => "Pong",
        Fact::PingUnanswered => "PingUnanswered",
        Fact::PingExcused => "PingExcused",
        Fact::TracerSeen => "TracerSeen",
        Fact::TracerGone => "TracerGone",
        Fact::Drained => "Drained",
        Fact::StopAnswered => "StopAnswered",
        Fact::Empty => "Empty",
        Fact::NotEmpty { .. } => "NotEmpty",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_is_told_with_what_tells_it_from_others_of_its_name() {
        let fact = |fact| Happened(&Event::Fact(Generation(3), fact)).to_string();
        assert_eq!(fact(Fact::Spawned { pid: 77 }), "fact Spawned: pid 77");
        let ended = fact(Fact::Exited { exit: outboard_lifecycle::Exit::Code(4) });
        assert!(ended.starts_with("fact Exited: ") && ended.contains('4'), "{ended}");
        assert_eq!(Happened(&Event::Order(Order::Restart)).to_string(), "order Restart");
    }
}
