//! A provider that is reached by messages: a host application over control, or a page over the bus.
//!
//! Made by whoever holds the connection, which carries each [`Word`] out and brings the answers in. Must not know how.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use outboard_protocol::context::service::{CallParams, SubscribedParams};
use outboard_protocol::id::ServiceName;
use outboard_protocol::{ErrorReason, RpcError};
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::broker::Broker;
use crate::provider::{Answer, Answerer, Provider, Standing};

type Outcome = Result<Box<RawValue>, RpcError>;
type OpenCalls = Arc<Mutex<HashMap<String, oneshot::Sender<Outcome>>>>;
type Tell = Arc<dyn Fn(Word) -> bool + Send + Sync>;

/// What such a provider is told.
#[derive(Debug, Clone)]
pub enum Word {
    /// Whether it is the one that is asked, or who is in its place.
    Holds {
        /// Who provides the service in its place.
        instead: Option<String>,
    },
    /// A call, to be answered by [`Desk::answer`].
    Call {
        /// The call's id.
        call: String,
        /// What is called, and by whom.
        params: CallParams,
        /// How long its consumer waits.
        limit: Duration,
    },
    /// A call that nobody waits for any more.
    Cancelled {
        /// The call's id.
        call: String,
    },
    /// Who is subscribed to one of its events.
    Subscribed(SubscribedParams),
}

/// One service at one such provider, until it is dropped: then each call that is open ends at once.
pub struct Desk {
    broker: Broker,
    service: ServiceName,
    provider: Provider,
    open: OpenCalls,
}

/// What the broker holds of it.
struct Counter {
    broker: Broker,
    provider: Provider,
    tell: Tell,
    open: OpenCalls,
}

impl Desk {
    /// From now on `provider` would provide the service. `tell` hands it a word without waiting, and says whether that was possible.
    pub fn open(
        broker: &Broker,
        service: ServiceName,
        provider: Provider,
        tell: impl Fn(Word) -> bool + Send + Sync + 'static,
    ) -> Self {
        let (open, tell) = (OpenCalls::default(), Arc::new(tell) as Tell);
        let counter = Counter {
            broker: broker.clone(),
            provider: provider.clone(),
            tell: Arc::clone(&tell),
            open: Arc::clone(&open),
        };
        broker.stand(&service, &provider, Standing::Ready(Arc::new(counter)));
        // Who holds it was told already by whoever decided.
        if let Some(instead) = broker.provided_instead_of(&service, &provider) {
            tell(Word::Holds { instead: Some(instead.to_string()) });
        }
        Self { broker: broker.clone(), service, provider, open }
    }

    /// Who it is to the broker.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Answers a call. `Err`, with the outcome: it is none of its, or nobody waits for it any more.
    ///
    /// # Errors
    /// As said.
    pub fn answer(&self, call: &str, outcome: Outcome) -> Result<(), Outcome> {
        let waiting = lock(&self.open).remove(call);
        match waiting {
            Some(waiting) => waiting.send(outcome),
            None => Err(outcome),
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.broker.withdraw(&self.service, &self.provider);
        // Dropping the senders ends the calls.
        lock(&self.open).clear();
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("service", &self.service).field("provider", &self.provider).finish()
    }
}

impl Answerer for Counter {
    fn call(&self, params: CallParams, limit: Duration) -> Answer {
        let (service, method, who) =
            (params.service.clone(), params.method.clone(), self.provider.to_string());
        let call = format!("c{}", self.broker.next_call());
        let (answer, answered) = oneshot::channel();
        lock(&self.open).insert(call.clone(), answer);
        if !(self.tell)(Word::Call { call: call.clone(), params, limit }) {
            lock(&self.open).remove(&call);
            let what = format!("too much waits for {who}, which does not read; call again when it does");
            return Box::pin(std::future::ready(Err(RpcError::new(ErrorReason::LimitExceeded, what))));
        }
        let withdrawal = Withdrawal { tell: Arc::clone(&self.tell), open: Arc::clone(&self.open), call };
        Box::pin(async move {
            let _unless_answered = withdrawal;
            match timeout(limit, answered).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => {
                    let what =
                        format!("service {service} is not available: {who} went away before it answered");
                    Err(RpcError::new(ErrorReason::Unavailable, what).with("service", service.as_str()))
                }
                Err(_) => {
                    let what = format!("{who} did not answer {service}.{method} within {limit:?}");
                    Err(RpcError::new(ErrorReason::Timeout, what))
                }
            }
        })
    }

    fn subscribed(&self, told: SubscribedParams) {
        // One that does not read misses news; it is told anew when it takes over.
        (self.tell)(Word::Subscribed(told));
    }

    fn holds(&self, _: &ServiceName, instead: Option<&Provider>) {
        (self.tell)(Word::Holds { instead: instead.map(ToString::to_string) });
    }
}

/// Tells the provider that nobody waits for a call any more, unless it has answered.
struct Withdrawal {
    tell: Tell,
    open: OpenCalls,
    call: String,
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        // Whoever answered it has taken it out.
        let unanswered = lock(&self.open).remove(&self.call).is_some();
        if unanswered {
            (self.tell)(Word::Cancelled { call: std::mem::take(&mut self.call) });
        }
    }
}

fn lock(open: &OpenCalls) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Outcome>>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
