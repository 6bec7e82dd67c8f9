//! The bus: what a plugin pushes, changes of its configuration, and the fullness of its data folder, to every client that subscribed to that plugin.
//!
//! Published by `ipc.send` and by the config service, read by the gateway (UIs) and by control. A frame is encoded once,
//! whatever the number of clients. Publishing never waits: a client that does not keep up is cut off, and so is the slowest of
//! all where everything that waits is more than may.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use bytes::Bytes;
use outboard_protocol::PluginId;
use outboard_protocol::context::database::QuotaParams;
use outboard_protocol::control::DevelopmentFault;
use outboard_protocol::id::{Channel, ConfigKey};
use serde::Serialize;
use serde_json::value::RawValue;

use super::budget::Budget;
use super::outlet::{CutOff, Outlet, Piece};
use super::retained::{NotRetained, Retained};

/// A frame on the wire of the bus.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Frame<'a> {
    Event {
        plugin: &'a PluginId,
        channel: &'a Channel,
        payload: &'a RawValue,
        /// The process that sent it, where it is the kept value of a channel and not news.
        #[serde(skip_serializing_if = "Option::is_none")]
        replayed: Option<u64>,
    },
    Config {
        plugin: &'a PluginId,
        key: &'a str,
        value: &'a RawValue,
        deleted: bool,
    },
    /// The plugin's data folder has come near its quota, or reached it.
    Quota {
        plugin: &'a PluginId,
        #[serde(flatten)]
        how: &'a QuotaParams,
    },
    /// How the making of a plugin goes: what is wrong with it, or nothing; and whether its pages load anew.
    Development {
        plugin: &'a PluginId,
        fault: Option<&'a DevelopmentFault>,
        reload: bool,
    },
    /// A new process of a plugin of which values are kept: they are its predecessor's until it sends them anew.
    Restarted {
        plugin: &'a PluginId,
        generation: u64,
    },
}

/// The bus. Clones share it.
#[derive(Clone)]
pub struct Bus {
    topics: Arc<RwLock<HashMap<PluginId, Topic>>>,
    /// Every client, to find the slowest.
    clients: Arc<Mutex<Vec<Weak<Outlet>>>>,
    budget: Budget,
}

/// What there is for one plugin.
#[derive(Default)]
struct Topic {
    clients: Vec<Arc<Outlet>>,
    retained: Retained,
    /// What is wrong with it while it is made, for pages that are opened meanwhile.
    fault: Option<Bytes>,
}

/// A fault is longer than pages show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a fault with {0} bytes is not shown; leave out details, and send at most {FAULT_BYTES_MAX}")]
pub struct FaultTooLong(usize);

/// Longest frame of a fault, in bytes: a message, a stack and some lines.
const FAULT_BYTES_MAX: usize = 256 * 1024;

impl Bus {
    /// A bus on which at most so many bytes wait for all clients together.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { topics: Arc::default(), clients: Arc::default(), budget: Budget::new(bytes) }
    }

    /// A client without subscriptions.
    pub fn connect(&self) -> BusClient {
        let outlet = Arc::new(Outlet::default());
        self.lock_clients().push(Arc::downgrade(&outlet));
        BusClient { bus: self.clone(), outlet }
    }

    /// A client that is subscribed to one plugin, for good.
    pub fn subscribe(&self, id: &PluginId) -> BusSubscription {
        let client = self.connect();
        client.subscribe(id);
        BusSubscription { client }
    }

    /// How many clients are subscribed to a plugin.
    pub fn subscribers(&self, id: &PluginId) -> usize {
        self.topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .map_or(0, |topic| topic.clients.len())
    }

    /// Forgets the values that are kept of a plugin, because it is installed no longer.
    pub fn forget(&self, id: &PluginId) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = topics.get_mut(id) {
            topic.retained = Retained::default();
            topic.fault = None;
        }
    }

    pub(crate) fn event(&self, plugin: &PluginId, channel: &Channel, payload: &RawValue) {
        self.publish(plugin, &Frame::Event { plugin, channel, payload, replayed: None });
    }

    /// As [`Bus::event`], and kept for those who subscribe later; null is kept as nothing.
    pub(crate) fn retain(
        &self,
        plugin: &PluginId,
        generation: u64,
        channel: &Channel,
        payload: &RawValue,
    ) -> Result<(), NotRetained> {
        let replayed = Some(generation);
        let kept = encode(&Frame::Event { plugin, channel, payload, replayed });
        let sent = self.budget.count(encode(&Frame::Event { plugin, channel, payload, replayed: None }));
        // Under one lock: who subscribes at this moment gets it once, from here or from what is kept.
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let topic = topics.entry(plugin.clone()).or_default();
        topic.clients.iter().for_each(|client| client.push(&sent));
        drop(sent);
        self.keep_within_budget();
        if payload.get() == "null" {
            topic.retained.remove(channel);
            return Ok(());
        }
        topic.retained.keep(channel, kept.into())
    }

    pub(crate) fn config(&self, plugin: &PluginId, key: &ConfigKey, value: &RawValue, deleted: bool) {
        self.publish(plugin, &Frame::Config { plugin, key: key.as_str(), value, deleted });
    }

    pub(crate) fn quota(&self, plugin: &PluginId, how: &QuotaParams) {
        self.publish(plugin, &Frame::Quota { plugin, how });
    }

    /// Says how the making of a plugin goes; a fault is kept until the next word.
    ///
    /// # Errors
    /// [`FaultTooLong`], and nothing was said.
    pub fn development(
        &self,
        plugin: &PluginId,
        fault: Option<&DevelopmentFault>,
        reload: bool,
    ) -> Result<(), FaultTooLong> {
        let frame = encode(&Frame::Development { plugin, fault, reload });
        if frame.len() > FAULT_BYTES_MAX {
            return Err(FaultTooLong(frame.len()));
        }
        // Who comes later has nothing to load anew.
        let kept = fault.map(|_| encode(&Frame::Development { plugin, fault, reload: false }).into());
        let sent = self.budget.count(frame);
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let topic = topics.entry(plugin.clone()).or_default();
        topic.clients.iter().for_each(|client| client.push(&sent));
        topic.fault = kept;
        drop((topics, sent));
        self.keep_within_budget();
        Ok(())
    }

    /// Has a plugin's pages loaded anew, since its UI is another one.
    pub fn reload(&self, plugin: &PluginId) {
        self.publish(plugin, &Frame::Development { plugin, fault: None, reload: true });
    }

    /// Says that a new process is there, where values of the one before are kept.
    pub(crate) fn restarted(&self, plugin: &PluginId, generation: u64) {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let keeps = topics.get(plugin).is_some_and(|topic| !topic.retained.is_empty());
        drop(topics);
        if keeps {
            self.publish(plugin, &Frame::Restarted { plugin, generation });
        }
    }

    fn publish(&self, id: &PluginId, frame: &Frame<'_>) {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let Some(topic) = topics.get(id).filter(|topic| !topic.clients.is_empty()) else { return };
        let frame = self.budget.count(encode(frame));
        topic.clients.iter().for_each(|client| client.push(&frame));
        drop(frame);
        self.keep_within_budget();
    }

    /// Cuts the slowest, one after the other, until no more waits than may. Frames are shared, so one cut may free nothing.
    fn keep_within_budget(&self) {
        while self.budget.is_spent() {
            let clients: Vec<_> = self.lock_clients().iter().filter_map(Weak::upgrade).collect();
            let slowest = clients
                .iter()
                .filter_map(|client| Some((client.slowness()?, client)))
                .max_by_key(|(slow, _)| *slow);
            match slowest {
                Some((_, client)) => client.cut_off(),
                // What is left is held by those who write it at this moment.
                None => return,
            }
        }
    }

    fn lock_clients(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Outlet>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, id: &PluginId, outlet: &Arc<Outlet>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let Topic { clients, retained, fault } = topics.entry(id.clone()).or_default();
        if !clients.iter().any(|client| Arc::ptr_eq(client, outlet)) {
            // Counted for each client: what is kept may be replaced while it still waits here.
            retained.frames().for_each(|frame| outlet.push(&self.budget.count(frame.clone())));
            fault.iter().for_each(|frame| outlet.push(&self.budget.count(frame.clone())));
            clients.push(Arc::clone(outlet));
        }
        drop(topics);
        self.keep_within_budget();
    }

    fn leave(&self, outlet: &Arc<Outlet>, which: impl Fn(&PluginId) -> bool) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        for (_, topic) in topics.iter_mut().filter(|(id, _)| which(id)) {
            topic.clients.retain(|client| !Arc::ptr_eq(client, outlet));
        }
        topics.retain(|_, topic| {
            !topic.clients.is_empty() || !topic.retained.is_empty() || topic.fault.is_some()
        });
    }
}

fn encode(frame: &Frame<'_>) -> Vec<u8> {
    serde_json::to_vec(frame).expect("INVARIANT: a frame holds names and JSON only, all of which are JSON")
}

/// One client of the bus: any number of subscriptions, one queue.
pub struct BusClient {
    bus: Bus,
    outlet: Arc<Outlet>,
}

impl BusClient {
    /// From now on this client gets what is pushed for the plugin, after the values that are kept. Twice is as good as once.
    pub fn subscribe(&self, id: &PluginId) {
        self.bus.join(id, &self.outlet);
    }

    /// As [`BusClient::subscribe`], and puts what `told` returns before everything that comes of it. It is asked when the
    /// subscription holds already, so that nothing can happen between what it tells and what is pushed.
    pub fn subscribe_after(&self, id: &PluginId, told: impl FnOnce() -> String) {
        let place = self.outlet.end();
        self.subscribe(id);
        self.outlet.insert(place, self.bus.budget.count(told()));
        self.bus.keep_within_budget();
    }

    /// From now on it does not. Frames that are queued already still come.
    pub fn unsubscribe(&self, id: &PluginId) {
        self.bus.leave(&self.outlet, |topic| topic == id);
    }

    /// The next frame: one UTF-8 JSON text. Cancel safe.
    ///
    /// # Errors
    /// [`CutOff`] once the client has fallen too far behind; then nothing comes any more.
    pub async fn next(&self) -> Result<Bytes, CutOff> {
        self.outlet.next().await
    }

    /// Puts a frame for this client alone behind those that wait: what answers it is bounded with what is pushed to it.
    pub fn tell(&self, frame: String) {
        self.outlet.push(&self.bus.budget.count(frame.into_bytes()));
        self.bus.keep_within_budget();
    }

    /// Resolves once a frame waits. Cancel safe.
    ///
    /// # Errors
    /// As [`BusClient::next`].
    pub async fn some(&self) -> Result<(), CutOff> {
        self.outlet.some().await
    }

    /// Resolves once nothing waits to be written to the client, or it is cut off. Cancel safe.
    pub async fn is_read(&self) {
        self.outlet.is_empty().await;
    }

    /// The next piece of at most `most` bytes, where anything waits. Taken when it can be written, so that nothing is held
    /// outside of the queue.
    pub fn piece(&self, most: usize) -> Option<Piece> {
        self.outlet.piece(most)
    }

    /// Resolves once the client is cut off.
    pub async fn cut_off(&self) {
        self.outlet.is_cut_off().await;
    }
}

impl Drop for BusClient {
    fn drop(&mut self) {
        self.bus.leave(&self.outlet, |_| true);
        let gone = Arc::as_ptr(&self.outlet);
        self.bus.lock_clients().retain(|client| client.as_ptr() != gone);
    }
}

/// One client's view of one plugin.
pub struct BusSubscription {
    client: BusClient,
}

impl BusSubscription {
    /// The next frame: one UTF-8 JSON text. Cancel safe.
    ///
    /// # Errors
    /// [`CutOff`] once the client has fallen too far behind; then nothing comes any more.
    pub async fn next(&self) -> Result<Bytes, CutOff> {
        self.client.next().await
    }
}
