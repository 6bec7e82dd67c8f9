//! The broker: one for all plugins. Clones share it.
//!
//! Held by the context. The host, control and the gateway say who provides; consumers come by [`Broker::consumer`].

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outboard_protocol::context::service::EmitParams;
use outboard_protocol::control::ServiceStatus;
use outboard_protocol::id::{RoutePrefix, ServiceName, is_below};
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
        registry.consumers.insert(
            key,
            Seat {
                plugin: plugin.clone(),
                inbox: Arc::clone(&inbox),
                subscriptions: 0,
                called: BTreeSet::new(),
            },
        );
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

    /// The shell's own paths that `provider`, which has said that it stands, answers wherever it provides the service.
    pub fn serve(&self, service: &ServiceName, provider: &Provider, prefixes: &[RoutePrefix]) {
        let mut registry = self.lock();
        let claims = registry.services.get_mut(service).map(|service| &mut service.claims);
        if let Some(claim) = claims.into_iter().flatten().find(|claim| claim.provider == *provider) {
            claim.prefixes = prefixes.to_vec();
        }
    }

    /// Who answers one of the shell's own paths, and by which prefix: the provider of the service that names the longest. Where two
    /// services name the same, the first by name. The path is raw, as it came.
    pub fn serving(&self, path: &str) -> Option<(Provider, RoutePrefix)> {
        let registry = self.lock();
        let serving = registry.services.values().filter_map(|service| service.serves(path));
        // Of several that are as long, `max_by_key` takes the last.
        let longest = serving.rev().max_by_key(|(_, prefix)| prefix.as_str().len());
        longest.map(|(provider, prefix)| (provider.clone(), prefix.clone()))
    }

    /// The shell's own paths that a provider answers now.
    pub fn served_by(&self, provider: &Provider) -> Vec<RoutePrefix> {
        let registry = self.lock();
        let holders = registry.services.values().filter_map(|service| service.holder());
        let mut served: Vec<RoutePrefix> = holders
            .filter(|claim| claim.provider == *provider)
            .flat_map(|claim| claim.prefixes.clone())
            .collect();
        served.sort();
        served.dedup();
        served
    }

    /// Whether a plugin's manifest names one of the shell's own paths, or one above it, with a service.
    pub fn names(&self, plugin: &PluginId, prefix: &RoutePrefix) -> bool {
        let registry = self.lock();
        let mut claims = registry.services.values().flat_map(|service| &service.claims);
        claims.any(|claim| {
            claim.provider == Provider::Plugin(plugin.clone())
                && claim.prefixes.iter().any(|named| is_below(prefix.as_str(), named.as_str()))
        })
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
                prefixes: service.holder().map(|holder| holder.prefixes.clone()).unwrap_or_default(),
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
