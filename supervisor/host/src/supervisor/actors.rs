//! The plugins' actors: made with what is remembered of each plugin, and replaced when one fails.
//!
//! Called by the supervisor's task and by [`super::changes`]. It must not know what a scan is.

use std::sync::{Arc, Mutex};

use outboard_lifecycle::{Lifecycle, Order};
use outboard_protocol::PluginId;
use tokio::task::{Id, JoinError};

use super::{Entry, Supervisor};
use crate::discovery::{Installed, Program};
use crate::plugin::past;
use crate::plugin::{Actor, History, PluginHandle, PluginSettings, order_channel};
use crate::tries::Tries;

impl Supervisor {
    pub(super) async fn add(&mut self, id: PluginId, found: Arc<Installed>) {
        self.seed = self.seed.wrapping_add(1);
        let settings = self.policy.of(&id);
        let machine = self.since_last_run(Lifecycle::new(settings.policy.clone(), self.seed), &found);
        self.declare(&id, &found);
        let wanted = self.is_wanted(&id, &found);
        let (machine, history) = self.with_past(machine, &id, &found, wanted);
        let given_up = machine.state().cause().is_some();
        let handle = self.begin(id, found, settings, machine, Arc::new(Mutex::new(history)), None);
        if given_up {
            // Its folder may have changed since.
            self.scan(None);
        } else if wanted && !*self.held.borrow() {
            handle.order(Order::Start, None).await;
        }
    }

    /// What went wrong under an earlier supervisor. One that is not wanted up has nothing to be given up.
    fn with_past(
        &mut self,
        machine: Lifecycle,
        id: &PluginId,
        found: &Installed,
        wanted: bool,
    ) -> (Lifecycle, History) {
        let Some(text) = self.context.plugins.past(id) else { return (machine, History::default()) };
        match past::recall(&text, found).filter(|_| wanted) {
            Some((past, history)) => (machine.with_past(past), history),
            None => {
                self.forget_past(id);
                (machine, History::default())
            }
        }
    }

    pub(super) fn forget_past(&mut self, id: &PluginId) {
        if self.context.plugins.past(id).is_some() {
            let forgotten = self.context.plugins.set_past(id, None);
            // What is remembered too long is compared with what is installed then.
            self.actors.spawn(async move { drop(forgotten.await) });
        }
    }

    /// Defaults and rules of its settings hold for operators too, before it ever runs.
    pub(super) fn declare(&self, id: &PluginId, found: &Installed) {
        self.context.config.declare(id, found.manifest.available_settings.clone().into());
    }

    /// The update that happened while no supervisor ran, or no program of the plugin.
    fn since_last_run(&self, machine: Lifecycle, found: &Installed) -> Lifecycle {
        match self.context.plugins.last_version(found.id()) {
            Some(last) => machine.updated(last, &found.version()),
            None => machine,
        }
    }

    /// Whether a plugin is to be started without anybody asking.
    pub(super) fn is_wanted(&self, id: &PluginId, found: &Installed) -> bool {
        found.program != Program::None && self.policy.of(id).enabled && self.context.plugins.is_enabled(id)
    }

    /// Somebody has signed in: what was held back is started.
    pub(super) async fn release(&mut self) {
        self.held.send_replace(false);
        tracing::info!("somebody is signed in; the plugins are started");
        for (id, entry) in &self.plugins {
            let given_up = entry.handle.view.borrow().is_errored();
            if self.is_wanted(id, &entry.installed) && !given_up {
                entry.handle.order(Order::Start, None).await;
            }
        }
    }

    fn begin(
        &mut self,
        id: PluginId,
        installed: Arc<Installed>,
        settings: Arc<PluginSettings>,
        machine: Lifecycle,
        history: Arc<Mutex<History>>,
        fault: Option<String>,
    ) -> PluginHandle {
        let actor = Actor::new(Arc::clone(&installed), settings, self.shared.clone(), machine, history);
        let (orders, inbox) = order_channel();
        let handle = actor.handle(orders);
        let task = self.actors.spawn(actor.run(inbox, fault)).id();
        self.plugins.insert(id, Entry { handle: handle.clone(), installed, task, tries: Tries::default() });
        handle
    }

    /// An actor that ended by itself was retired: true, because its plugin may be back. One that failed took its process
    /// with it, and a successor takes its place.
    pub(super) fn actor_ended(&mut self, ended: Result<(Id, ()), JoinError>) -> bool {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, ())| *task);
        let before = self.retiring.len();
        self.retiring.retain(|_, retiring| retiring.task != task);
        if let Err(error) = ended {
            self.replace(task, &error);
        }
        self.retiring.len() < before
    }

    fn replace(&mut self, task: Id, error: &JoinError) {
        let lost = self.plugins.iter().find(|(_, entry)| entry.task == task).map(|(id, _)| id.clone());
        let Some(id) = lost else { return };
        let Some(Entry { handle, installed, .. }) = self.plugins.remove(&id) else { return };
        tracing::error!(plugin = %id, %error, "the task that looks after the plugin failed");
        let settings = self.policy.of(&id);
        self.seed = self.seed.wrapping_add(1);
        let lost = handle.view.borrow().snapshot.clone();
        let machine = Lifecycle::succeeding(settings.policy.clone(), self.seed, &lost);
        let machine = self.since_last_run(machine, &installed);
        self.begin(id, installed, settings, machine, handle.history, Some(error.to_string()));
        let invalid = self.catalogue.borrow().invalid.clone();
        self.publish(invalid);
    }
}
