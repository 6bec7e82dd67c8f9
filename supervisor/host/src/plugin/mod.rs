//! One plugin's life: a task that owns a state machine, a process and a session.
//!
//! The supervisor starts one [`actor::Actor`] a plugin and keeps a [`PluginHandle`] on it; everybody else reads what the
//! actor publishes. `effects` carries out what the machine decided, `facts` tells it what came of that; both work on one
//! [`state::Plugin`], and below them lies all that they use. No file uses one that stands above it:
//!
//! ```text
//!   orders ──▶ actor ──event──▶ Lifecycle::step ──effects──▶ effects ──▶ process/, session/
//!                ▲                                               │
//!                └── facts: spawned, answered, exited, empty ◀───┘        view ──▶ everybody (watch)
//!
//!   actor                                the loop: orders, deadlines, finished work; one event, one step
//!   effects, facts                       down: what is to be done · up: what came of it
//!   spawning, record, showing            what takes more than a line: a start, the report on an end, what everybody sees
//!   state                                what there is of one plugin
//!   living, calls, …                     its process, and what is said to it
//!   providing                            its process as a provider and a consumer of services
//!   trace                                each step, told to whoever asks
//!   launching, context                  seams: to processes (`system`, by `launch`), and to what is kept
//! ```

mod actor;
mod advice;
mod calls;
mod context;
mod debugging;
mod done;
mod effects;
mod elsewhere;
mod environment;
mod facts;
mod handle;
mod history;
mod launch;
mod launching;
mod limits_hit;
mod living;
mod output;
pub(crate) mod past;
mod providing;
mod reach;
mod record;
mod remembering;
mod settings;
mod shared;
mod showing;
mod spawning;
mod state;
mod stopping;
mod system;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod timers;
mod trace;
pub mod trial;
mod turns;
mod unaware;
mod view;
#[cfg(test)]
mod world;

pub(crate) use actor::Actor;
pub use debugging::{Debugger, debugger_of};
pub(crate) use handle::{PluginHandle, order_channel};
pub(crate) use history::History;
pub(crate) use launch::LaunchOptions;
pub use settings::PluginSettings;
pub(crate) use shared::Shared;
pub(crate) use system::SystemLauncher;
pub(crate) use turns::Turns;
pub use view::Icons;
