//! Host applications that provide services: each `service.provide` is a provider for as long as its subscription lasts.
//!
//! Used by the subscription, and by the calls that answer, emit and ask for the same connection. Must not know what a service is for.
//!
//! **Order.** The library works on each message in a task of its own. Emits keep their order all the same: (1) one thread runs
//! everything, and takes tasks in the order in which they were spawned, which is that of the messages; (2) an emit is carried out
//! before its task waits for anything. A test holds it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use outboard_broker::{Answer, Answerer, Broker, Provider, Standing};
use outboard_protocol::context::service::{AskParams, AskResult, CallParams, EmitParams, SubscribedParams};
use outboard_protocol::control::{AnswerParams, ProvideItem};
use outboard_protocol::id::ServiceName;
use outboard_protocol::{ErrorReason, RpcError};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// A connection's number, as the library gives it.
pub(super) type Connection = usize;

/// Words that wait for one provider. More: it does not read, and its calls are refused until it does.
const WAITING_MAX: usize = 1024;

type Outcome = Result<Box<RawValue>, RpcError>;

/// Calls that wait for their answers, by id.
type OpenCalls = Arc<Mutex<HashMap<String, oneshot::Sender<Outcome>>>>;

/// Every host application that provides something.
#[derive(Clone)]
pub(super) struct Providers {
    broker: Broker,
    all: Arc<Mutex<HashMap<(Connection, ServiceName), Arc<Application>>>>,
}

/// One service as one connection provides it. Dropped, it is provided no longer, and each call that is open ends at once.
pub(super) struct Provision {
    providers: Providers,
    connection: Connection,
    service: ServiceName,
    provider: Provider,
    application: Arc<Application>,
    told: mpsc::Receiver<ProvideItem>,
}

struct Application {
    provider: Provider,
    tell: mpsc::Sender<ProvideItem>,
    open: OpenCalls,
    /// Numbers of calls, which no other provider has.
    broker: Broker,
}

impl Providers {
    pub(super) fn new(broker: Broker) -> Self {
        Self { broker, all: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Connection, ServiceName), Arc<Application>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the connection would provide the service.
    ///
    /// # Errors
    /// `conflict` where it does so already.
    pub(super) fn provide(
        &self,
        connection: Connection,
        service: ServiceName,
    ) -> Result<Provision, RpcError> {
        let provider = Provider::Application(self.broker.number());
        let (tell, told) = mpsc::channel(WAITING_MAX);
        let application = Arc::new(Application {
            provider: provider.clone(),
            tell,
            open: Arc::default(),
            broker: self.broker.clone(),
        });
        {
            let mut all = self.lock();
            let place = all.entry((connection, service.clone()));
            if let std::collections::hash_map::Entry::Occupied(_) = place {
                let what = format!("this connection provides {service} already, by another subscription");
                return Err(RpcError::new(ErrorReason::Conflict, what));
            }
            place.or_insert(Arc::clone(&application));
        }
        let provision = Provision {
            providers: self.clone(),
            connection,
            service: service.clone(),
            provider: provider.clone(),
            application: Arc::clone(&application),
            told,
        };
        self.broker.stand(&service, &provider, Standing::Ready(Arc::clone(&application) as _));
        // Said in any case, and first of all: who holds it was told already by whoever decided.
        if let Some(instead) = self.broker.provided_instead_of(&service, &provider) {
            application.holds(&service, Some(&instead));
        }
        Ok(provision)
    }

    /// Answers a call.
    ///
    /// # Errors
    /// `not_found` where nobody waits for it any more.
    pub(super) fn answer(&self, connection: Connection, params: AnswerParams) -> Result<(), RpcError> {
        let AnswerParams { call, result, error } = params;
        let outcome = match error {
            Some(error) => Err(error),
            None => Ok(result.unwrap_or_else(|| RawValue::NULL.to_owned())),
        };
        let all = self.lock();
        let of_connection = all.iter().filter(|((at, _), _)| *at == connection);
        let waiting =
            of_connection.map(|(_, application)| application).find_map(|application| application.take(&call));
        drop(all);
        match waiting.map(|waiting| waiting.send(outcome)) {
            Some(Ok(())) => Ok(()),
            _ => {
                let what = format!(
                    "nobody waits for call {call:?}: it was answered already, withdrawn, late, or never made"
                );
                Err(RpcError::new(ErrorReason::NotFound, what))
            }
        }
    }

    /// Hands on an event.
    ///
    /// # Errors
    /// `conflict` where the connection does not provide the service.
    pub(super) fn emit(&self, connection: Connection, params: EmitParams) -> Result<(), RpcError> {
        let provider = self.provider(connection, &params.service)?;
        self.broker.emit(&provider, params)
    }

    /// Asks a consumer.
    ///
    /// # Errors
    /// `conflict` where the connection does not provide the service.
    pub(super) async fn ask(&self, connection: Connection, params: AskParams) -> Result<AskResult, RpcError> {
        let provider = self.provider(connection, &params.service)?;
        Ok(self.broker.ask(&provider, params)?.await)
    }

    fn provider(&self, connection: Connection, service: &ServiceName) -> Result<Provider, RpcError> {
        let all = self.lock();
        let found = all.get(&(connection, service.clone())).map(|application| application.provider.clone());
        found.ok_or_else(|| {
            let what = format!("this connection does not provide {service}; subscribe by service.provide first, on the same connection");
            RpcError::new(ErrorReason::Conflict, what)
        })
    }
}

impl Provision {
    /// What the provider is to be told next. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<ProvideItem> {
        self.told.recv().await
    }
}

impl Drop for Provision {
    fn drop(&mut self) {
        self.providers.lock().remove(&(self.connection, self.service.clone()));
        self.providers.broker.withdraw(&self.service, &self.provider);
        // Dropping the senders ends the calls.
        lock(&self.application.open).clear();
    }
}

impl Application {
    fn take(&self, call: &str) -> Option<oneshot::Sender<Outcome>> {
        lock(&self.open).remove(call)
    }
}

impl Answerer for Application {
    fn call(&self, params: CallParams, limit: Duration) -> Answer {
        let CallParams { service, method, params, caller, .. } = params;
        let call = format!("c{}", self.broker.number());
        let item = ProvideItem::Call {
            call: call.clone(),
            service: service.clone(),
            method: method.clone(),
            params: params.and_then(|params| serde_json::from_str(params.get()).ok()).unwrap_or(Value::Null),
            caller: caller.expect("INVARIANT: the broker says who calls"),
            timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        };
        let (answer, answered) = oneshot::channel();
        lock(&self.open).insert(call.clone(), answer);
        if self.tell.try_send(item).is_err() {
            self.take(&call);
            let what = format!(
                "{WAITING_MAX} messages wait for the host application, which does not read; call again when it does"
            );
            return Box::pin(std::future::ready(Err(RpcError::new(ErrorReason::LimitExceeded, what))));
        }
        let withdrawal = Withdrawal { tell: self.tell.clone(), open: Arc::clone(&self.open), call };
        Box::pin(async move {
            let _withdrawn_if_unanswered = withdrawal;
            match timeout(limit, answered).await {
                Ok(answered) => {
                    answered.unwrap_or_else(|_| {
                        let what = format!("service {service} is not available: the host application went away before it answered");
                        Err(RpcError::new(ErrorReason::Unavailable, what).with("service", service.as_str()))
                    })
                }
                Err(_) => {
                    let what = format!("the host application did not answer {service}.{method} within {limit:?}");
                    Err(RpcError::new(ErrorReason::Timeout, what))
                }
            }
        })
    }

    fn subscribed(&self, told: SubscribedParams) {
        // One that does not read misses news; it is told anew when it takes over.
        let _ = self.tell.try_send(ProvideItem::Subscribed(told));
    }

    fn holds(&self, _: &ServiceName, instead: Option<&Provider>) {
        let _ = self.tell.try_send(ProvideItem::Holds { instead: instead.map(ToString::to_string) });
    }
}

/// Tells the provider that nobody waits for a call any more, unless it has answered.
struct Withdrawal {
    tell: mpsc::Sender<ProvideItem>,
    open: OpenCalls,
    call: String,
}

fn lock(open: &OpenCalls) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Outcome>>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        // Whoever answered it has taken it out.
        if lock(&self.open).remove(&self.call).is_some() {
            let _ = self.tell.try_send(ProvideItem::Cancelled { call: std::mem::take(&mut self.call) });
        }
    }
}
