//! The bus: what a plugin pushes, changes of its configuration, and the fullness of its data folder, to every client that subscribed to that plugin.
//!
//! Published by `ipc.send` and by the config service, read by the gateway (UIs) and by control. A frame is encoded once,
//! whatever the number of clients. Publishing never waits: a client that does not keep up is cut off.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use outboard_protocol::PluginId;
use outboard_protocol::context::database::QuotaParams;
use outboard_protocol::id::Channel;
use serde::Serialize;
use serde_json::value::RawValue;

use super::outlet::{CutOff, Outlet};
use super::retained::{NotRetained, Retained};
use crate::config::Changed;

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
    /// A new process of a plugin of which values are kept: they are its predecessor's until it sends them anew.
    Restarted {
        plugin: &'a PluginId,
        generation: u64,
    },
}

/// The bus. Clones share it.
#[derive(Clone, Default)]
pub struct Bus {
    topics: Arc<RwLock<HashMap<PluginId, Topic>>>,
}

/// What there is for one plugin.
#[derive(Default)]
struct Topic {
    clients: Vec<Arc<Outlet>>,
    retained: Retained,
}

impl Bus {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A client without subscriptions.
    pub fn connect(&self) -> BusClient {
        BusClient { bus: self.clone(), outlet: Arc::new(Outlet::default()) }
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
        let sent = encode(&Frame::Event { plugin, channel, payload, replayed: None });
        // Under one lock: who subscribes at this moment gets it once, from here or from what is kept.
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let topic = topics.entry(plugin.clone()).or_default();
        topic.clients.iter().for_each(|client| client.push(&sent));
        if payload.get() == "null" {
            topic.retained.remove(channel);
            return Ok(());
        }
        topic.retained.keep(channel, kept)
    }

    pub(crate) fn config(&self, plugin: &PluginId, changed: &Changed<'_>) {
        let Changed { key, value, deleted } = *changed;
        self.publish(plugin, &Frame::Config { plugin, key: key.as_str(), value, deleted });
    }

    pub(crate) fn quota(&self, plugin: &PluginId, how: &QuotaParams) {
        self.publish(plugin, &Frame::Quota { plugin, how });
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
        let frame = encode(frame);
        topic.clients.iter().for_each(|client| client.push(&frame));
    }

    fn join(&self, id: &PluginId, outlet: &Arc<Outlet>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let Topic { clients, retained } = topics.entry(id.clone()).or_default();
        if !clients.iter().any(|client| Arc::ptr_eq(client, outlet)) {
            retained.frames().for_each(|frame| outlet.push(frame));
            clients.push(Arc::clone(outlet));
        }
    }

    fn leave(&self, outlet: &Arc<Outlet>, which: impl Fn(&PluginId) -> bool) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        for (_, topic) in topics.iter_mut().filter(|(id, _)| which(id)) {
            topic.clients.retain(|client| !Arc::ptr_eq(client, outlet));
        }
        topics.retain(|_, topic| !topic.clients.is_empty() || !topic.retained.is_empty());
    }
}

fn encode(frame: &Frame<'_>) -> Bytes {
    let text = serde_json::to_vec(frame);
    text.expect("INVARIANT: a frame holds names and JSON only, all of which are JSON").into()
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

    /// Moves every frame that waits to `frames`, after waiting for the first: so that they can be written at once. Cancel safe.
    ///
    /// # Errors
    /// As [`BusClient::next`].
    pub async fn next_batch(&self, frames: &mut Vec<Bytes>) -> Result<(), CutOff> {
        self.outlet.next_batch(frames).await
    }
}

impl Drop for BusClient {
    fn drop(&mut self) {
        self.bus.leave(&self.outlet, |_| true);
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
