//! One consumer's hold on the broker: what a process of a plugin, or a page of it, may ask.
//!
//! Made by the context for each process and by the gateway for each page. Dropped, its subscriptions end.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use outboard_protocol::context::service::{CallParams, ReplyParams, SubscribeParams};
use outboard_protocol::{PluginId, RpcError};

use crate::broker::Broker;
use crate::calling;
use crate::inbox::{Inbox, Told};
use crate::provider::Answer;
use crate::service::Key;

/// A consumer.
pub struct Consumer {
    broker: Broker,
    key: Key,
    plugin: PluginId,
    inbox: Arc<Inbox>,
    open: Arc<AtomicUsize>,
}

impl Consumer {
    pub(crate) fn new(broker: Broker, key: Key, plugin: PluginId, inbox: Arc<Inbox>) -> Self {
        Self { broker, key, plugin, inbox, open: Arc::default() }
    }

    /// Calls a method of a service. Where its provider is up, the question has been sent when this returns; the answer always comes
    /// within the call's own limit. Dropping it withdraws the call, and the provider is told so.
    ///
    /// From then on it is told when the service comes and goes.
    ///
    /// Errors: the provider's own; `no_provider` where nobody provides the service; `unavailable` where its provider is gone or does
    /// not come in time; `timeout`; `limit_exceeded` where too many calls are open, of the consumer or at the provider.
    pub fn call(&self, params: CallParams) -> Answer {
        self.broker.lock().called(self.key, &params.service);
        calling::call(&self.broker, &self.plugin, &self.open, params)
    }

    /// From now on the inbox gets this event, whoever provides it, now or later. Twice is as good as once.
    ///
    /// # Errors
    /// `limit_exceeded`.
    pub fn subscribe(&self, wanted: &SubscribeParams) -> Result<(), RpcError> {
        self.broker.lock().subscribe(self.key, &wanted.service, &wanted.event)
    }

    /// From now on it does not, and what waited of it is forgotten.
    pub fn unsubscribe(&self, wanted: &SubscribeParams) {
        self.broker.lock().unsubscribe(self.key, &wanted.service, &wanted.event);
    }

    /// Answers an event that asked for it. Nobody waits for an answer that comes late, or from somebody else than was asked.
    pub fn reply(&self, reply: ReplyParams) {
        self.broker.replied(self.key, reply);
    }

    /// It wants nothing any more, as if it were dropped: whoever waits in [`Consumer::filled`] is let go.
    pub fn close(&self) {
        self.broker.lock().leave(self.key);
        self.inbox.close();
    }

    /// What waits to be told, oldest first.
    pub fn take(&self) -> Option<Told> {
        self.inbox.take()
    }

    /// Resolves when something waits, or it is closed. Cancel safe; for one waiter.
    pub async fn filled(&self) {
        self.inbox.filled().await;
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.broker.lock().leave(self.key);
    }
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("plugin", &self.plugin).finish_non_exhaustive()
    }
}
