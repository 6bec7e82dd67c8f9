//! The task that looks after one plugin: whatever happens becomes one event, one step of the machine, and its effects.
//!
//! Run by the supervisor, one a plugin. Nothing in its loop waits for the plugin: what takes time is work in a set of its
//! own that ends in an event.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outboard_context::{Mailbox, Notice};
use outboard_lifecycle::{Deadline, Event, Fact, Generation, Lifecycle, Order, State};
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tracing::Instrument;

use super::done::Done;
use super::handle::{Letter, PluginHandle};
use super::history::History;
use super::living::Living;
use super::settings::PluginSettings;
use super::shared::Shared;
use super::state::Plugin;
use super::{effects, facts, showing, spawning, trace};
use crate::discovery::Installed;

/// Between two looks whether our disk hangs still.
const HELD_UP_LOOK: Duration = Duration::from_secs(1);

/// One plugin's task.
pub(crate) struct Actor {
    plugin: Plugin,
    mailbox: Mailbox,
    /// Once it is at rest, its task is over.
    retired: bool,
}

impl Actor {
    /// An actor for a plugin that has no process. `machine` is new, or succeeds that of an actor that failed.
    pub(crate) fn new(
        installed: Arc<Installed>,
        settings: Arc<PluginSettings>,
        shared: Shared,
        machine: Lifecycle,
        history: Arc<Mutex<History>>,
    ) -> Self {
        let mailbox = shared.context.mailbox(installed.id());
        let mut plugin = Plugin::new(installed, settings, shared, machine, history);
        showing::begin(&mut plugin);
        Self { plugin, mailbox, retired: false }
    }

    /// A hold on it, to be taken before it runs. `orders` leads to the inbox that it is run with.
    pub(crate) fn handle(&self, orders: mpsc::Sender<Letter>) -> PluginHandle {
        let plugin = &self.plugin;
        PluginHandle {
            id: plugin.installed.id().clone(),
            orders,
            view: plugin.view.subscribe(),
            link: plugin.link.subscribe(),
            history: plugin.share_history(),
            host_call: plugin.settings.host_call,
        }
    }

    /// Looks after the plugin until it is at rest and removed, or every handle on it is gone.
    pub(crate) fn run(
        self,
        orders: mpsc::Receiver<Letter>,
        fault: Option<String>,
    ) -> impl Future<Output = ()> {
        let within = trace::of_plugin(self.plugin.installed.id());
        self.look_after(orders, fault).instrument(within)
    }

    async fn look_after(mut self, mut orders: mpsc::Receiver<Letter>, fault: Option<String>) {
        if let Some(why) = fault {
            self.step(Event::Fault { why });
        }
        let mut ordered = true;
        while !(self.retired && self.plugin.view.borrow().is_at_rest()) {
            tokio::select! {
                // A handshake that is over comes before the news that are sent from then on.
                biased;
                Some(done) = self.plugin.work.join_next() => self.finished(done),
                letter = orders.recv(), if ordered => match letter {
                    Some(letter) => self.take(letter),
                    None => {
                        (ordered, self.retired) = (false, true);
                        self.step(Event::Order(Order::Shutdown));
                    }
                },
                (deadline, generation) = self.plugin.timers.next() => self.reached(generation, deadline),
                () = progressed(self.plugin.living.as_ref()) => {
                    self.step(Event::Fact(self.plugin.generation(), Fact::Progress));
                }
                (notices, lost) = self.mailbox.take() => self.pass_on(notices, lost),
            }
        }
    }

    /// A deadline is reached. While our own disk hangs, a plugin may be waiting for what we keep for it, and its silence says
    /// nothing: it is asked again later, and no step of its start is called late.
    fn reached(&mut self, generation: Generation, deadline: Deadline) {
        if deadline == Deadline::Empty && self.plugin.unseen {
            // The plugin may well be gone; it is we who cannot look.
            self.plugin.timers.arm(deadline, generation, HELD_UP_LOOK);
            return;
        }
        if deadline == Deadline::Spawn && spawning::waits_for_its_turn(&self.plugin) {
            // Others hold their turns for a limited time, and this one comes in the order of asking.
            self.plugin.timers.arm(deadline, generation, self.plugin.machine.policy().spawn);
            return;
        }
        if self.plugin.shared.context.are_held_up() {
            match deadline {
                Deadline::Handshake | Deadline::Start => {
                    if let Some(living) = &self.plugin.living {
                        living.session.excuse();
                    }
                    self.plugin.timers.arm(deadline, generation, HELD_UP_LOOK);
                    return;
                }
                Deadline::Ping => self.step(Event::Fact(generation, Fact::PingExcused)),
                _ => {}
            }
        }
        self.step(Event::Deadline(generation, deadline));
    }

    fn take(&mut self, letter: Letter) {
        let changed = letter.installed.map(|installed| self.plugin.install(installed)).is_some();
        if let Some(order) = letter.order {
            self.retired |= order == Order::Remove;
            self.step(Event::Order(order));
        }
        if changed {
            // An order that changes no state is one to a plugin that stays down, and is shown as what is installed now.
            showing::publish(&mut self.plugin);
        }
        // Nobody may be waiting for it any more; the order counts all the same.
        let _ = letter.taken.send(());
    }

    /// One event, one step, and its effects in order.
    fn step(&mut self, event: Event) {
        let now = self.plugin.elapsed();
        let emptied = matches!(event, Event::Fact(_, Fact::Empty));
        let told = trace::Step::begin(&self.plugin.machine, &event);
        let effects = self.plugin.machine.step(event, now);
        if let Some(told) = told {
            told.end(&self.plugin.machine, &effects);
        }
        for effect in effects {
            effects::carry_out(&mut self.plugin, effect);
        }
        if emptied && !matches!(self.plugin.machine.state(), State::Stopping { .. }) {
            self.plugin.living = self.plugin.living.take().filter(|living| !living.containment.is_empty());
        }
    }

    fn finished(&mut self, done: Result<Done, JoinError>) {
        if let Some(event) = facts::event(&mut self.plugin, done) {
            self.step(event);
        }
    }

    fn pass_on(&self, notices: VecDeque<Notice>, lost: u64) {
        if lost > 0 {
            tracing::warn!(plugin = %self.plugin.installed.id(), lost, "notifications were lost: the supervisor is overloaded");
        }
        // From the handshake on, not only once it runs: what a plugin asks in its start may change in its start.
        let Some(living) = self.plugin.living.as_ref().filter(|living| living.initialized.is_some()) else {
            return;
        };
        for notice in notices {
            // A plugin that does not read misses news, not answers; the session counts what it missed.
            living.session.notify(notice.method, &*notice.params);
        }
    }
}

/// Resolves when the process says that it still works on a call of its start.
async fn progressed(living: Option<&Living>) {
    match living {
        Some(living) => living.session.progressed().await,
        None => std::future::pending().await,
    }
}

impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actor").field("plugin", self.plugin.installed.id()).finish_non_exhaustive()
    }
}
