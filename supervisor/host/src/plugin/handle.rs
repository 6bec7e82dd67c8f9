//! A hold on a plugin's actor: orders go down, and what the actor publishes is read.
//!
//! Kept by the supervisor, found by control and the gateway through the catalogue. It must not know how orders are carried out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outboard_lifecycle::Order;
use outboard_protocol::PluginId;
use outboard_protocol::control::ExitRecord;
use tokio::sync::{mpsc, oneshot, watch};

use super::history::History;
use super::living::Link;
use super::view::View;
use crate::discovery::Installed;

/// Orders that may wait for one plugin's actor, which takes them at once unless it is carrying out a step.
const ORDERS_WAITING: usize = 32;

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
