//! [`Plugin`]: the author's hooks, and the running of them.
//!
//! The author's `main` makes one and calls [`Plugin::run`]; a test hands it to the test host instead.

use std::process::ExitCode;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::context::Context;
use crate::failure::{Failure, chain};
use crate::inherited::{self, Input, Output, Wire};
use crate::session::Session;
use crate::session::dispatch::Dispatcher;
use crate::session::lifecycle::{Hooks, Lifecycle};
use crate::session::serving::{Listening, Routers};

/// Exit code when there is no host to talk with.
const EXIT_NO_HOST: u8 = 2;
/// Exit code when the operating system refuses what the plugin needs to begin.
const EXIT_BROKEN: u8 = 1;

/// A plugin: what it does when it is started, stopped, and resumed after an update.
#[derive(Default)]
#[must_use = "a plugin does nothing until it is run"]
pub struct Plugin {
    hooks: Hooks,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").finish_non_exhaustive()
    }
}

impl Plugin {
    /// A plugin without hooks.
    pub fn new() -> Self {
        Self::default()
    }

    /// What to do at the start: register routers and channels, open files, spawn background tasks. An error, or a panic, means
    /// that the plugin refuses to run: it is shown with that reason and not started again by itself.
    pub fn on_start<F, Fut>(mut self, hook: F) -> Self
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.hooks.on_start = Some(Box::new(move |context| Box::pin(async move { hook(context).await })));
        self
    }

    /// What to do before the end: flush and close. The context still answers. The process exits when it is done, so background
    /// tasks need not be ended by hand.
    pub fn on_stop<F, Fut>(mut self, hook: F) -> Self
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.hooks.on_stop = Some(Box::new(move |context| Box::pin(async move { hook(context).await })));
        self
    }

    /// What to do in place of `on_start` in the first process after an update; [`Namespaces::resumed_from`] is then the version
    /// that ran before. Without this hook, `on_start` runs.
    ///
    /// [`Namespaces::resumed_from`]: crate::context::Namespaces::resumed_from
    pub fn on_resume<F, Fut>(mut self, hook: F) -> Self
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.hooks.on_resume = Some(Box::new(move |context| Box::pin(async move { hook(context).await })));
        self
    }

    /// Talks with the host until it says stop or hangs up; call it first in `main`, and return what it returns.
    ///
    /// The wire is moved to private descriptors before any hook runs: standard input is then empty, and standard output goes
    /// where standard error goes, so printing is safe. Everything runs on this thread; give long computations to
    /// `tokio::task::spawn_blocking`, or the plugin looks hung.
    pub fn run(self) -> ExitCode {
        let wire = match inherited::take_wire() {
            Ok(wire) => wire,
            Err(no_wire) => return complain(EXIT_NO_HOST, &chain(&no_wire)),
        };
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return complain(EXIT_BROKEN, &format!("no async runtime: {error}")),
        };
        let code = runtime.block_on(self.talk(wire));
        // Threads that are still busy must not hold up the exit: the host has said that it is time.
        runtime.shutdown_background();
        code
    }

    async fn talk(self, wire: Wire) -> ExitCode {
        let (input, output) = match wire.open() {
            Ok(ends) => ends,
            Err(error) => {
                return complain(EXIT_BROKEN, &format!("the wire cannot be read or written: {error}"));
            }
        };
        let listening = match inherited::take_http_listener() {
            Ok(None) => Listening::Nowhere,
            Ok(Some(listener)) => Listening::Ready(listener),
            Err(error) => {
                return complain(EXIT_BROKEN, &format!("the HTTP listener cannot be used: {error}"));
            }
        };
        self.converse(input, output, Routers::new(listening)).await;
        ExitCode::SUCCESS
    }

    /// One conversation from its first frame to its last.
    pub(crate) async fn converse(self, input: Input, output: Output, routers: Routers) {
        let session = Arc::new(Session::new(routers));
        let dispatcher = Dispatcher::new(Arc::clone(&session), Lifecycle::new(self.hooks));
        // A task of its own: frames are queued by tasks, and waking the task that the runtime itself stands in costs a look at
        // the poller before it runs.
        let mut writer = JoinSet::new();
        let ours = Arc::clone(&session);
        writer.spawn(async move { ours.peer.outbox.write_to(output).await });
        // Neither the writer nor the deadlines end the conversation: a plugin whose host hung up still puts its things in order.
        tokio::select! {
            () = dispatcher.run(input) => {}
            () = session.peer.watch_deadlines() => {}
        }
    }
}

fn complain(code: u8, sentence: &str) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::from(code)
}
