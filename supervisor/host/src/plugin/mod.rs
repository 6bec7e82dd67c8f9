//! One plugin's life: a task that owns a state machine, a process and a session.
//!
//! The supervisor starts one [`actor::Actor`] a plugin and keeps a [`PluginHandle`] on it; everybody else reads what the
//! actor publishes. `effects` is the only file of the crate that knows both processes and messages.
//!
//! ```text
//!   orders ──▶ actor ──event──▶ Lifecycle::step ──effects──▶ effects ──▶ process/, session/
//!                ▲                                               │
//!                └──── facts: spawned, answered, exited, empty ◀─┘        view ──▶ everybody (watch)
//! ```

mod actor;
mod advice;
mod calls;
mod effects;
mod elsewhere;
mod environment;
mod history;
mod launch;
mod limits_hit;
mod living;
mod output;
pub(crate) mod past;
mod reach;
mod record;
mod stopping;
mod timers;
pub mod trial;
mod turns;
mod unaware;
mod view;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outboard_lifecycle::{Order, Policy};
use outboard_protocol::PluginId;
use outboard_protocol::control::ExitRecord;
use outboard_protocol::manifest::Limits;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

pub(crate) use actor::Actor;
pub(crate) use history::History;
pub(crate) use launch::LaunchOptions;
pub(crate) use living::Link;
pub(crate) use turns::Turns;
pub(crate) use view::View;

use crate::discovery::Installed;
use crate::process::Spawner;
use crate::routes::Routes;
use crate::session::SessionLimits;
use outboard_services::Services;

/// Orders that may wait for one plugin's actor, which takes them at once unless it is carrying out a step.
const ORDERS_WAITING: usize = 32;

/// What an operator can set for a plugin, or for all of them.
#[derive(Debug, Clone)]
pub struct PluginSettings {
    /// False: it is not started, whatever was remembered.
    pub enabled: bool,
    /// Deadlines and the restart policy.
    pub policy: Policy,
    /// How long a host call on behalf of a UI or an operator may take.
    pub host_call: Duration,
    /// Further environment variables, which win over ours.
    pub env: Vec<(String, String)>,
    /// Limits that win over the manifest's.
    pub limits: Limits,
    /// Bounds of the session.
    pub session: SessionLimits,
}

impl Default for PluginSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            policy: Policy::default(),
            host_call: Duration::from_secs(30),
            env: Vec::new(),
            limits: Limits::default(),
            session: SessionLimits::default(),
        }
    }
}

/// What every actor needs and shares with the others.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) services: Services,
    pub(crate) spawner: Spawner,
    pub(crate) routes: Arc<Routes>,
    pub(crate) events: broadcast::Sender<outboard_protocol::control::HostEvent>,
    pub(crate) launch: Arc<LaunchOptions>,
    pub(crate) turns: Turns,
}

/// An order to a plugin's actor, or news of what is installed, or both.
pub(crate) struct Letter {
    pub(crate) order: Option<Order>,
    /// What to run from the next start on, where that changed.
    pub(crate) installed: Option<Arc<Installed>>,
    /// Answered once the order has taken effect; what follows from it is to be seen in the view.
    pub(crate) taken: oneshot::Sender<()>,
}

/// A hold on a plugin's actor. Clones are the same.
#[derive(Clone)]
pub(crate) struct PluginHandle {
    pub(crate) id: PluginId,
    pub(crate) orders: mpsc::Sender<Letter>,
    pub(crate) view: watch::Receiver<Arc<View>>,
    pub(crate) link: watch::Receiver<Option<Arc<Link>>>,
    pub(crate) history: Arc<Mutex<History>>,
    pub(crate) host_call: Duration,
}

impl PluginHandle {
    /// Gives an order and waits until it has taken effect. Dropping the future does not take it back. False: the
    /// actor is gone.
    pub(crate) async fn order(&self, order: Order, installed: Option<Arc<Installed>>) -> bool {
        self.send(Some(order), installed).await
    }

    /// Has it show what is installed, which changes nothing that runs, and starts nothing. False: the actor is gone.
    pub(crate) async fn show(&self, installed: Arc<Installed>) -> bool {
        self.send(None, Some(installed)).await
    }

    async fn send(&self, order: Option<Order>, installed: Option<Arc<Installed>>) -> bool {
        let (taken, confirmed) = oneshot::channel();
        let sent = self.orders.send(Letter { order, installed, taken }).await;
        sent.is_ok() && confirmed.await.is_ok()
    }

    /// Waits until the plugin is at rest: running, stopped, errored, or backing off before its next try.
    pub(crate) async fn settled(&self) -> Arc<View> {
        let mut view = self.view.clone();
        match view.wait_for(|view| view.is_settled()).await {
            Ok(view) => Arc::clone(&view),
            Err(_) => Arc::clone(&self.view.borrow()),
        }
    }

    /// What its folder was like when it was started last, where that is known.
    pub(crate) fn started_on(&self) -> Option<u64> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).started_on
    }

    /// What happened to its processes, latest first.
    pub(crate) fn history(&self) -> Vec<ExitRecord> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).latest_first()
    }
}

pub(crate) fn order_channel() -> (mpsc::Sender<Letter>, mpsc::Receiver<Letter>) {
    mpsc::channel(ORDERS_WAITING)
}
