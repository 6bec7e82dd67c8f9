//! Services on the bus: what a plugin's pages use of them, and what the operator's page provides.
//!
//! Owned by one client's conversation. A page is a consumer under its plugin's id; it hears as fast as it reads, and the newest event
//! takes the place of what is latest only. Must not know WebSockets.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use outboard_broker::{Broker, Consumer, Desk, Provider, Told, Word};
use outboard_context::BusClient;
use outboard_protocol::context::service::{CallParams, EmitParams, ReplyParams, SubscribeParams};
use outboard_protocol::id::ServiceName;
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use serde_json::value::RawValue;

use super::frames::ToClient;
use crate::directory::Later;

/// Services that one page may provide: those of a shell are a handful.
const PROVIDED_MAX: usize = 32;
/// As many words go out before the client is looked at again.
const AT_ONCE: usize = 64;

/// What one client has to do with services.
pub(super) struct Services {
    broker: Broker,
    pushed: Arc<BusClient>,
    consumers: HashMap<PluginId, Arc<Consumer>>,
    /// One a consumer: resolves when something waits for it and the client has read what was written before.
    ears: FuturesUnordered<Later<PluginId>>,
    provided: HashMap<ServiceName, Desk>,
}

impl Services {
    pub(super) fn new(broker: Broker, pushed: Arc<BusClient>) -> Self {
        Self {
            broker,
            pushed,
            consumers: HashMap::new(),
            ears: FuturesUnordered::new(),
            provided: HashMap::new(),
        }
    }

    /// Calls a service for a plugin's page.
    pub(super) fn call(
        &mut self,
        plugin: &PluginId,
        params: CallParams,
    ) -> Later<Result<Box<RawValue>, RpcError>> {
        self.consumer(plugin).call(params)
    }

    pub(super) fn subscribe(&mut self, plugin: &PluginId, wanted: &SubscribeParams) -> Result<(), RpcError> {
        self.consumer(plugin).subscribe(wanted)
    }

    pub(super) fn unsubscribe(&self, plugin: &PluginId, wanted: &SubscribeParams) {
        if let Some(consumer) = self.consumers.get(plugin) {
            consumer.unsubscribe(wanted);
        }
    }

    pub(super) fn reply(&self, plugin: &PluginId, reply: ReplyParams) {
        if let Some(consumer) = self.consumers.get(plugin) {
            consumer.reply(reply);
        }
    }

    /// A plugin's page hears nothing any more, since the client unsubscribed from the plugin.
    pub(super) fn leave(&mut self, plugin: &PluginId) {
        if let Some(consumer) = self.consumers.remove(plugin) {
            consumer.close();
        }
    }

    fn consumer(&mut self, plugin: &PluginId) -> Arc<Consumer> {
        if let Some(consumer) = self.consumers.get(plugin) {
            return Arc::clone(consumer);
        }
        let consumer = Arc::new(self.broker.consumer(plugin.clone()));
        self.consumers.insert(plugin.clone(), Arc::clone(&consumer));
        self.listen(plugin, &consumer);
        consumer
    }

    fn listen(&self, plugin: &PluginId, consumer: &Arc<Consumer>) {
        let (plugin, consumer, pushed) = (plugin.clone(), Arc::clone(consumer), Arc::clone(&self.pushed));
        self.ears.push(Box::pin(async move {
            consumer.filled().await;
            pushed.is_read().await;
            plugin
        }));
    }

    /// Tells the client what waits for one of its consumers. Cancel safe; never resolves where there is none.
    pub(super) async fn hear(&mut self) {
        let Some(plugin) = self.ears.next().await else { return std::future::pending().await };
        let Some(consumer) = self.consumers.get(&plugin).map(Arc::clone) else { return };
        for told in std::iter::from_fn(|| consumer.take()).take(AT_ONCE) {
            let frame = match &told {
                Told::Event(event) => ToClient::ServiceEvent { plugin: &plugin, event },
                Told::Changed(change) => ToClient::ServiceChanged { plugin: &plugin, change },
            };
            self.pushed.tell(frame.text());
        }
        self.listen(&plugin, &consumer);
    }

    /// The client would provide a service from now on.
    pub(super) fn provide(&mut self, service: ServiceName) -> Result<(), RpcError> {
        if self.provided.contains_key(&service) {
            return Ok(());
        }
        if self.provided.len() >= PROVIDED_MAX {
            let what = format!("a page provides at most {PROVIDED_MAX} services");
            return Err(RpcError::new(ErrorReason::LimitExceeded, what));
        }
        let (pushed, name) = (Arc::clone(&self.pushed), service.clone());
        let provider = Provider::Page(self.broker.number());
        let desk = Desk::open(&self.broker, service.clone(), provider, move |word| {
            pushed.tell(text(&name, &word));
            true
        });
        self.provided.insert(service, desk);
        Ok(())
    }

    pub(super) fn withdraw(&mut self, service: &ServiceName) {
        self.provided.remove(service);
    }

    /// The client answers a call. One that is late, or that is none of its, changes nothing.
    pub(super) fn answer(&self, call: &str, outcome: Result<Box<RawValue>, RpcError>) {
        let mut outcome = outcome;
        for desk in self.provided.values() {
            match desk.answer(call, outcome) {
                Ok(()) => return,
                Err(unclaimed) => outcome = unclaimed,
            }
        }
    }

    pub(super) fn emit(&self, params: EmitParams) -> Result<(), RpcError> {
        match self.provided.get(&params.service) {
            Some(desk) => self.broker.emit(desk.provider(), params),
            None => {
                let what =
                    format!("this page does not provide {}; say service.provide first", params.service);
                Err(RpcError::new(ErrorReason::Conflict, what))
            }
        }
    }
}

/// A word to a provider as a frame.
fn text(service: &ServiceName, word: &Word) -> String {
    let frame = match word {
        Word::Holds { instead } => ToClient::ServiceProvided { service, instead: instead.as_deref() },
        Word::Call { call, params, limit } => ToClient::ServiceInvoke {
            call,
            service,
            method: &params.method,
            params: params.params.as_deref(),
            caller: params.caller.as_ref(),
            timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        },
        Word::Cancelled { call } => ToClient::ServiceCancelled { call },
        Word::Subscribed(told) => ToClient::ServiceSubscribed { told },
    };
    frame.text()
}
