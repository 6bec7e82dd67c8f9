//! The broker: one for all plugins. Clones share it.
//!
//! Held by the context. The host, control and the gateway say who provides; consumers come by [`Broker::consumer`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outboard_protocol::context::service::EmitParams;
use outboard_protocol::control::ServiceStatus;
use outboard_protocol::id::ServiceName;
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use tokio::sync::watch;

use crate::consumer::Consumer;
use crate::inbox::{Event, Inbox};
use crate::provider::{Choice, Provider, Standing};
use crate::registry::{Registry, Seat};

/// Who provides what, and who uses it.
#[derive(Clone)]
pub struct Broker {
    registry: Arc<Mutex<Registry>>,
    /// Changes whenever a provider's standing does: calls that wait look again.
    turned: watch::Sender<()>,
    /// Apart from the registry, so that whoever numbers a call need not wait for it.
    calls: Arc<AtomicU64>,
}

impl Default for Broker {
    fn default() -> Self {
        Self { registry: Arc::default(), turned: watch::Sender::new(()), calls: Arc::default() }
    }
}

impl Broker {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn turns(&self) -> watch::Receiver<()> {
        self.turned.subscribe()
    }

    pub(crate) fn next_call(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    /// What the settings choose, before anybody comes.
    pub fn choose(&self, chosen: impl IntoIterator<Item = (ServiceName, Choice)>) {
        self.lock().choose(chosen);
    }

    /// A number that no provider or consumer has, for whoever needs one for [`Provider`].
    pub fn number(&self) -> u64 {
        self.lock().number()
    }

    /// A consumer, which is gone when it is dropped: a process of a plugin, or a page of it.
    pub fn consumer(&self, plugin: PluginId) -> Consumer {
        let inbox = Arc::<Inbox>::default();
        let mut registry = self.lock();
        let key = registry.number();
        registry
            .consumers
            .insert(key, Seat { plugin: plugin.clone(), inbox: Arc::clone(&inbox), subscriptions: 0 });
        drop(registry);
        Consumer::new(self.clone(), key, plugin, inbox)
    }

    /// Somebody would provide a service, and stands as said from now on. Who provides it is decided anew.
    pub fn stand(&self, service: &ServiceName, provider: &Provider, standing: Standing) {
        self.lock().stand(service, provider, standing);
        self.turned.send_replace(());
    }

    /// Somebody does not provide a service any more.
    pub fn withdraw(&self, service: &ServiceName, provider: &Provider) {
        self.lock().withdraw(service, provider);
        self.turned.send_replace(());
    }

    /// Who provides a service, where somebody else than `provider` does.
    pub fn provided_instead_of(&self, service: &ServiceName, provider: &Provider) -> Option<Provider> {
        let registry = self.lock();
        registry.services.get(service)?.holder.clone().filter(|holder| holder != provider)
    }

    /// Hands an event of a provider to whoever is subscribed. Never waits.
    ///
    /// # Errors
    /// `conflict` where the sender does not provide the service, with who does.
    pub fn emit(&self, sender: &Provider, params: EmitParams) -> Result<(), RpcError> {
        let EmitParams { service, event, payload, to, latest } = params;
        let payload = payload.map(Arc::from);
        let event = Event { service, event, payload, latest, answer: None };
        let provided = self.lock().emit(sender, &event, to.as_ref());
        match provided {
            true => Ok(()),
            false => Err(self.not_the_provider(&event.service, sender)),
        }
    }

    pub(crate) fn not_the_provider(&self, service: &ServiceName, sender: &Provider) -> RpcError {
        let holder = self.provided_instead_of(service, sender);
        let by = holder.map_or_else(|| "nobody".to_owned(), |holder| holder.to_string());
        let what = format!(
            "service {service} is provided by {by}, not by {sender}; a plugin provides what its manifest names in `provides`, and `[services]` in the settings decides between several"
        );
        RpcError::new(ErrorReason::Conflict, what)
    }

    /// Every service that is provided, wanted or chosen.
    pub fn status(&self) -> Vec<ServiceStatus> {
        let registry = self.lock();
        let mut all = Vec::with_capacity(registry.services.len());
        for (name, service) in &registry.services {
            let (state, because) = service.state();
            let keys = service.wanted.values().flatten();
            let mut consumers: Vec<PluginId> =
                keys.filter_map(|key| registry.consumers.get(key)).map(|seat| seat.plugin.clone()).collect();
            consumers.sort();
            consumers.dedup();
            let others = service.claims.iter().map(|claim| &claim.provider);
            let others = others.filter(|provider| service.holder.as_ref() != Some(provider));
            all.push(ServiceStatus {
                service: name.clone(),
                state,
                because,
                provider: service.holder.as_ref().map(ToString::to_string),
                others: others.map(ToString::to_string).collect(),
                consumers,
                open_calls: service.counts.open,
                calls: service.counts.calls,
                errors: service.counts.errors,
                events: service.counts.events,
                skipped: service.counts.skipped,
                missed: service.counts.missed,
            });
        }
        all
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("services", &self.lock().services.len()).finish_non_exhaustive()
    }
}
