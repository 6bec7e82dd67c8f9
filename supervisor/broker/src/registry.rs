//! What the broker knows: every service and every consumer, and what follows when one of them changes.
//!
//! Under the broker's one lock. What follows is carried out in here as well, so that everybody is told in the order of events: (1) an
//! [`Answerer`](crate::Answerer) and an inbox only queue what they are told and ask nothing back, so that no lock waits for this one;
//! (2) whoever holds it waits for nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use outboard_protocol::context::service::{ChangedParams, ReplyParams, ServiceState, SubscribedParams};
use outboard_protocol::id::{ServiceMember, ServiceName};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use tokio::sync::oneshot;

use crate::inbox::{Event, Inbox, Taken};
use crate::provider::{Choice, Provider, Standing};
use crate::service::{Claim, Key, Service};

/// Subscriptions of one consumer.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 256;
/// Services that one consumer has called and is told of; of those that it calls after so many it has to be subscribed to something.
pub(crate) const CALLED_MAX: usize = 256;

/// A consumer.
pub(crate) struct Seat {
    pub(crate) plugin: PluginId,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) subscriptions: usize,
    /// Services that it has called: it is told when they come and go, as for those that it is subscribed to.
    pub(crate) called: BTreeSet<ServiceName>,
}

/// A provider waits for a consumer's answer.
pub(crate) struct Asked {
    pub(crate) consumer: Key,
    pub(crate) answer: oneshot::Sender<ReplyParams>,
}

#[derive(Default)]
pub(crate) struct Registry {
    pub(crate) services: BTreeMap<ServiceName, Service>,
    pub(crate) consumers: HashMap<Key, Seat>,
    pub(crate) asked: HashMap<String, Asked>,
    numbers: u64,
}

impl Registry {
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn choose(&mut self, chosen: impl IntoIterator<Item = (ServiceName, Choice)>) {
        for (name, choice) in chosen {
            self.services.entry(name.clone()).or_default().chosen = Some(choice);
            self.settle(&name);
        }
    }

    /// A provider is as said from now on.
    pub(crate) fn stand(&mut self, name: &ServiceName, provider: &Provider, standing: Standing) {
        let service = self.services.entry(name.clone()).or_default();
        let answers_anew = matches!(standing, Standing::Ready(_));
        match service.claims.iter_mut().find(|claim| claim.provider == *provider) {
            Some(claim) => claim.standing = standing,
            None => {
                let claim = Claim { provider: provider.clone(), standing, prefixes: Vec::new() };
                service.claims.push(claim);
            }
        }
        let held = service.holder.as_ref() == Some(provider);
        self.settle(name);
        // Who had it before it was up, or has a new process, knows nothing of what is wanted.
        if held && answers_anew {
            self.tell_wanted(name);
        }
    }

    /// A provider does not provide it any more.
    pub(crate) fn withdraw(&mut self, name: &ServiceName, provider: &Provider) {
        if let Some(service) = self.services.get_mut(name) {
            service.claims.retain(|claim| claim.provider != *provider);
            self.settle(name);
        }
    }

    /// Decides anew who provides a service, and tells whom it concerns.
    fn settle(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get_mut(name) else { return };
        let before = service.holder.clone();
        service.holder = service.choose();
        let changed_hands = before != service.holder;
        if changed_hands {
            for claim in &service.claims {
                let Standing::Ready(answerer) = &claim.standing else { continue };
                let instead = service.holder.as_ref().filter(|holder| **holder != claim.provider);
                answerer.holds(name, instead);
            }
        }
        let (state, because) = service.state();
        let news = service.told.replace(state) != Some(state);
        let listening: BTreeSet<Key> = service.wanted.values().flatten().copied().collect();
        if news {
            let uses = |(key, seat): &(&Key, &Seat)| listening.contains(key) || seat.called.contains(name);
            for (_, seat) in self.consumers.iter().filter(uses) {
                seat.inbox.change(ChangedParams { service: name.clone(), state, because: because.clone() });
            }
        }
        if changed_hands && state == ServiceState::Available {
            self.tell_wanted(name);
        }
        if self.services.get(name).is_some_and(Service::is_idle) {
            self.services.remove(name);
        }
    }

    /// A consumer calls it.
    pub(crate) fn called(&mut self, key: Key, name: &ServiceName) {
        let Some(seat) = self.consumers.get_mut(&key) else { return };
        if seat.called.len() < CALLED_MAX && !seat.called.contains(name) {
            seat.called.insert(name.clone());
        }
    }

    fn tell_wanted(&self, name: &ServiceName) {
        let Some(service) = self.services.get(name) else { return };
        service.wanted.keys().for_each(|event| self.tell_subscribed(name, event));
    }

    /// Tells the provider who is subscribed to an event of its.
    fn tell_subscribed(&self, name: &ServiceName, event: &ServiceMember) {
        let Some(service) = self.services.get(name) else { return };
        if let Some(Claim { standing: Standing::Ready(answerer), .. }) = service.holder() {
            let keys = service.wanted.get(event).into_iter().flatten();
            let mut consumers: Vec<PluginId> =
                keys.filter_map(|key| self.consumers.get(key)).map(|seat| seat.plugin.clone()).collect();
            // A plugin and its page are one to a provider.
            consumers.sort();
            consumers.dedup();
            answerer.subscribed(SubscribedParams { service: name.clone(), event: event.clone(), consumers });
        }
    }

    pub(crate) fn subscribe(
        &mut self,
        key: Key,
        name: &ServiceName,
        event: &ServiceMember,
    ) -> Result<(), RpcError> {
        let Some(seat) = self.consumers.get_mut(&key) else { return Ok(()) };
        let service = self.services.entry(name.clone()).or_default();
        let listeners = service.wanted.entry(event.clone()).or_default();
        if listeners.contains(&key) {
            return Ok(());
        }
        if seat.subscriptions >= SUBSCRIPTIONS_MAX {
            if listeners.is_empty() {
                service.wanted.remove(event);
            }
            if service.is_idle() {
                self.services.remove(name);
            }
            let what = format!("a plugin has at most {SUBSCRIPTIONS_MAX} subscriptions to services at once");
            return Err(RpcError::new(ErrorReason::LimitExceeded, what));
        }
        listeners.insert(key);
        seat.subscriptions += 1;
        let (state, because) = service.state();
        // What everybody else was told already, so that nobody has to ask first.
        if state != ServiceState::Available {
            seat.inbox.change(ChangedParams { service: name.clone(), state, because });
        }
        service.told = Some(state);
        self.tell_subscribed(name, event);
        Ok(())
    }

    pub(crate) fn unsubscribe(&mut self, key: Key, name: &ServiceName, event: &ServiceMember) {
        let Some(service) = self.services.get_mut(name) else { return };
        let Some(listeners) = service.wanted.get_mut(event) else { return };
        if !listeners.remove(&key) {
            return;
        }
        if listeners.is_empty() {
            service.wanted.remove(event);
        }
        if let Some(seat) = self.consumers.get_mut(&key) {
            seat.subscriptions -= 1;
            seat.inbox.forget(name, event);
        }
        self.tell_subscribed(name, event);
        if self.services.get(name).is_some_and(Service::is_idle) {
            self.services.remove(name);
        }
    }

    /// A consumer is gone, and what it wanted with it.
    pub(crate) fn leave(&mut self, key: Key) {
        let wants = |service: &Service| {
            let events = service.wanted.iter().filter(|(_, listeners)| listeners.contains(&key));
            events.map(|(event, _)| event.clone()).collect::<Vec<_>>()
        };
        let wanted: Vec<(ServiceName, Vec<ServiceMember>)> =
            self.services.iter().map(|(name, service)| (name.clone(), wants(service))).collect();
        for (name, events) in wanted {
            events.iter().for_each(|event| self.unsubscribe(key, &name, event));
        }
        self.consumers.remove(&key);
        // Who waits for its answer hears that there is none.
        self.asked.retain(|_, asked| asked.consumer != key);
    }

    /// Hands an event to whoever wants it; `false`: the sender is not the provider.
    pub(crate) fn emit(&mut self, sender: &Provider, event: &Event, to: Option<&PluginId>) -> bool {
        let Some(service) = self.services.get_mut(&event.service) else { return false };
        if service.holder.as_ref() != Some(sender) {
            return false;
        }
        service.counts.events += 1;
        for key in service.wanted.get(&event.event).into_iter().flatten() {
            let Some(seat) = self.consumers.get(key) else { continue };
            if to.is_some_and(|to| *to != seat.plugin) {
                continue;
            }
            match seat.inbox.push(event) {
                Taken::Waits => {}
                Taken::Replaced => service.counts.skipped += 1,
                Taken::LeftOut => service.counts.missed += 1,
            }
        }
        true
    }
}
