//! How a process of a plugin comes into being, and what its actor has of it then: streams, a hold on it and on all that it starts,
//! and the socket on which it hears HTTP.
//!
//! This is the seam below the actor. [`super::system`] puts processes of the operating system behind it, tests put theirs, which
//! live in memory and by the test's clock. Behind it nobody knows messages or states.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use outboard_lifecycle::{Exit, Generation};
use tokio::io::{AsyncRead, AsyncWrite};

use super::settings::PluginSettings;
use crate::discovery::Installed;
use crate::process::{Limits, Listener, Place, Remnants};
use crate::routes::Address;

/// Starts processes of plugins.
pub(crate) trait Launcher: Send + Sync {
    /// Starts one, and answers when its program runs. Dropping the future ends what was begun. At most one process of a plugin
    /// lives: one that its owner has dropped is ended first.
    fn launch(&self, wanted: Wanted) -> BoxFuture<'static, Result<NewProcess, LaunchFailure>>;
}

/// Which process is wanted.
pub(crate) struct Wanted {
    pub(super) installed: Arc<Installed>,
    pub(super) settings: Arc<PluginSettings>,
    pub(super) generation: Generation,
    /// Told what the folder is like from which it starts.
    pub(super) note: Box<dyn FnOnce(u64) + Send>,
}

/// A process that runs its program.
pub(crate) struct NewProcess {
    /// To the child's end of the wire.
    pub(super) wire_writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// From the child's end of the wire.
    pub(super) wire_reader: Box<dyn AsyncRead + Send + Unpin>,
    /// What it prints to standard output, where that is not the wire.
    pub(super) stdout: Option<Box<dyn AsyncRead + Send + Unpin>>,
    /// What it prints to standard error.
    pub(super) stderr: Box<dyn AsyncRead + Send + Unpin>,
    pub(super) containment: Arc<dyn Contained>,
    pub(super) socket: Box<dyn Socket>,
    /// Those that it was started with.
    pub(super) limits: Limits,
}

/// One living generation: its process and all that this has started. When the last hold on it is dropped before it was proved
/// empty, it is killed.
pub(crate) trait Contained: Send + Sync {
    /// The pid of the process.
    fn pid(&self) -> u32;
    /// Resolves when the process itself has ended, whoever still holds its pipes. May be asked again and again.
    fn exited(&self) -> BoxFuture<'_, Exit>;
    /// How the process ended, if it has.
    fn exit(&self) -> Option<Exit>;
    /// SIGTERM to the process's group. Fine when nothing is there any more.
    fn terminate(&self) -> io::Result<()>;
    /// SIGKILL to all of it, once.
    fn kill_all(&self) -> BoxFuture<'_, ()>;
    /// Kills and looks until nothing of it lives, or the time is over: then what was left, and the call may be repeated.
    fn prove_empty(&self, limit: Duration) -> BoxFuture<'_, Result<(), Remnants>>;
    /// Whether [`Self::prove_empty`] has succeeded.
    fn is_empty(&self) -> bool;
    /// Whether a debugger holds it.
    fn is_debugged(&self) -> BoxFuture<'_, bool>;
    /// Every place where it listens.
    fn listening(&self) -> BoxFuture<'_, Vec<Place>>;
    /// Whose listener is at a port of this machine.
    fn listener_at(&self, port: u16) -> BoxFuture<'_, io::Result<Listener>>;
    /// What the process has used of the processor, as long as that can be seen.
    fn processor_time(&self) -> Option<Duration>;
    /// How many processes, of whomever, were killed on this machine for lack of memory.
    fn memory_kills(&self) -> Option<u64>;
}

/// The socket of one generation. Dropped, what there is of it goes too, at the latest.
pub(crate) trait Socket: Send + Sync {
    /// Where to connect.
    fn address(&self) -> Address;
    /// Whether it was there before the process, which inherited it.
    fn is_inherited(&self) -> bool;
    /// Removes it from the file system.
    fn remove(self: Box<Self>);
}

/// Why there is no process, in words for an operator.
pub(crate) struct LaunchFailure {
    pub(super) why: String,
    /// Whether the machine was short of something, so that another try may succeed.
    pub(super) transient: bool,
}
