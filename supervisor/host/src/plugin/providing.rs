//! A plugin's process at the broker: as the provider of what its manifest names, and as a consumer that hears of services.
//!
//! Called by `showing` whenever the plugin's state changes, and by `living` for each process. Must not know other plugins.

use std::sync::Arc;
use std::time::Duration;

use outboard_broker::{Answer, Answerer, Broker, Consumer, Provider, Standing, Told};
use outboard_lifecycle::RouteIntent;
use outboard_protocol::context::service::{CallParams, SubscribedParams};
use outboard_protocol::id::ServiceName;
use outboard_protocol::manifest::Provided;
use outboard_protocol::methods::{Request, ServiceCall, ServiceChanged, ServiceEvent, ServiceSubscribed};
use outboard_protocol::{ErrorReason, PluginId, RpcError};

use super::view::View;
use crate::session::{CallError, Session};

/// As many events go out in one write. They would wait for the next one otherwise, since it comes when this one is written.
const AT_ONCE: usize = 64;

/// What a plugin would provide. Dropped, it provides nothing any more.
pub(super) struct Claims {
    broker: Broker,
    provider: Provider,
    provided: Vec<Provided>,
}

impl Claims {
    pub(super) fn new(broker: Broker, id: &PluginId) -> Self {
        Self { broker, provider: Provider::Plugin(id.clone()), provided: Vec::new() }
    }

    /// From now on the plugin would provide these, as the view says that it is. `session` is that of its process, while one runs.
    pub(super) fn stand(&mut self, provided: &[Provided], view: &View, session: Option<&Session>) {
        let stays = |before: &&Provided| provided.iter().any(|now| now.service == before.service);
        for dropped in self.provided.iter().filter(|before| !stays(before)) {
            self.broker.withdraw(&dropped.service, &self.provider);
        }
        self.provided = provided.to_vec();
        for Provided { service, prefixes } in provided {
            let standing = match (view.snapshot.route_intent(), session) {
                (RouteIntent::Open, Some(session)) => Standing::Ready(Arc::new(OverTheWire(session.clone()))),
                (RouteIntent::Open | RouteIntent::Waiting, _) => Standing::Starting,
                (RouteIntent::Closed, _) => {
                    let state = &view.status.state;
                    Standing::Away(match &view.status.cause {
                        Some(cause) => format!("it is {state}: {cause}"),
                        None => format!("it is {state}"),
                    })
                }
            };
            self.broker.stand(service, &self.provider, standing);
            self.broker.serve(service, &self.provider, prefixes);
        }
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        self.provided.iter().for_each(|one| self.broker.withdraw(&one.service, &self.provider));
    }
}

/// A provider behind a session.
struct OverTheWire(Session);

impl Answerer for OverTheWire {
    fn call(&self, call: CallParams, limit: Duration) -> Answer {
        let service = call.service.clone();
        let answer = self.0.begin(ServiceCall::NAME, call, limit);
        Box::pin(async move {
            answer.await.map_err(|error| match error {
                CallError::Closed { .. } => {
                    let what = format!(
                        "service {service} is not available: its provider's process ended before it answered"
                    );
                    RpcError::new(ErrorReason::Unavailable, what).with("service", service.as_str())
                }
                other => other.into_rpc(),
            })
        })
    }

    fn subscribed(&self, told: SubscribedParams) {
        // A provider that does not read misses news; the session counts it.
        self.0.notify(ServiceSubscribed::NAME, told);
    }

    fn holds(&self, _: &ServiceName, _: Option<&Provider>) {
        // Shown in the plugin's status, where its operator looks.
    }
}

/// Tells a process what its services tell, as fast as it reads: whatever it has not read waits in its inbox, where the newest takes the
/// place of what nobody needs any more. Ends with the conversation.
pub(super) async fn hear(consumer: Arc<Consumer>, session: Session) {
    let telling = async {
        loop {
            consumer.filled().await;
            session.is_read().await;
            for told in std::iter::from_fn(|| consumer.take()).take(AT_ONCE) {
                match told {
                    Told::Event(event) => session.notify(ServiceEvent::NAME, event),
                    Told::Changed(change) => session.notify(ServiceChanged::NAME, change),
                };
            }
        }
    };
    tokio::select! {
        () = telling => {}
        () = session.ended() => {}
    }
}
