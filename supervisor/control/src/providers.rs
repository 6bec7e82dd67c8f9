//! Host applications that provide services: each `service.provide` is a provider for as long as its subscription lasts.
//!
//! Used by the subscription, and by the calls that answer, emit and ask for the same connection. Must not know what a service is for.
//!
//! **Order.** The library works on each message in a task of its own. Emits keep their order all the same: (1) one thread runs
//! everything, and takes tasks in the order in which they were spawned, which is that of the messages; (2) an emit is carried out
//! before its task waits for anything. A test holds it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outboard_broker::{Broker, Desk, Provider, Word};
use outboard_host::routes::{Address, ApplicationRoute, Routes};
use outboard_protocol::context::service::{AskParams, AskResult, EmitParams, SubscribedParams};
use outboard_protocol::control::{AnswerParams, ProvideItem, ProvideParams, ProvidedHttp};
use outboard_protocol::id::{RoutePrefix, ServiceName};
use outboard_protocol::manifest::check_prefixes;
use outboard_protocol::{ErrorReason, RpcError};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

/// A connection's number, as the library gives it.
pub(super) type Connection = usize;

/// Words that wait for one provider. More: it does not read, and its calls are refused until it does.
const WAITING_MAX: usize = 1024;

/// Every host application that provides something.
#[derive(Clone)]
pub(super) struct Providers {
    broker: Broker,
    routes: Arc<Routes>,
    desks: Arc<Mutex<HashMap<(Connection, ServiceName), Desk>>>,
}

/// One service as one connection provides it. Dropped, it is provided no longer.
pub(super) struct Provision {
    providers: Providers,
    place: (Connection, ServiceName),
    told: mpsc::Receiver<Word>,
    /// Where its HTTP goes, for as long as it is held.
    _route: Option<ApplicationRoute>,
}

impl Providers {
    pub(super) fn new(broker: Broker, routes: Arc<Routes>) -> Self {
        Self { broker, routes, desks: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Connection, ServiceName), Desk>> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the connection would provide the service.
    ///
    /// # Errors
    /// `conflict` where it does so already; `invalid_params` where its HTTP could not be reached.
    pub(super) fn provide(
        &self,
        connection: Connection,
        ProvideParams { service, http }: ProvideParams,
    ) -> Result<Provision, RpcError> {
        let http = http.map(reachable).transpose()?;
        let place = (connection, service.clone());
        let mut desks = self.lock();
        let Entry::Vacant(free) = desks.entry(place.clone()) else {
            let what = format!("this connection provides {service} already, by another subscription");
            return Err(RpcError::new(ErrorReason::Conflict, what));
        };
        let (tell, told) = mpsc::channel(WAITING_MAX);
        let number = self.broker.number();
        let provider = Provider::Application(number);
        let route =
            http.as_ref().map(|(address, _)| self.routes.open_to_application(number, address.clone()));
        let desk = Desk::open(&self.broker, service.clone(), provider.clone(), move |word| {
            tell.try_send(word).is_ok()
        });
        if let Some((_, prefixes)) = http {
            self.broker.serve(&service, &provider, &prefixes);
        }
        free.insert(desk);
        Ok(Provision { providers: self.clone(), place, told, _route: route })
    }

    /// Answers a call.
    ///
    /// # Errors
    /// `not_found` where nobody waits for it any more.
    pub(super) fn answer(&self, connection: Connection, params: AnswerParams) -> Result<(), RpcError> {
        let AnswerParams { call, result, error } = params;
        let mut outcome = match error {
            Some(error) => Err(error),
            None => Ok(result.unwrap_or_else(|| RawValue::NULL.to_owned())),
        };
        let desks = self.lock();
        for (_, desk) in desks.iter().filter(|((at, _), _)| *at == connection) {
            match desk.answer(&call, outcome) {
                Ok(()) => return Ok(()),
                Err(unclaimed) => outcome = unclaimed,
            }
        }
        let what = format!(
            "nobody waits for call {call:?}: it was answered already, withdrawn, late, or never made"
        );
        Err(RpcError::new(ErrorReason::NotFound, what))
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
        let desks = self.lock();
        let found = desks.get(&(connection, service.clone())).map(|desk| desk.provider().clone());
        found.ok_or_else(|| {
            let what = format!(
                "this connection does not provide {service}; subscribe by service.provide first, on the same connection"
            );
            RpcError::new(ErrorReason::Conflict, what)
        })
    }
}

/// Where a host application's HTTP is, and what of the shell's it answers.
fn reachable(http: ProvidedHttp) -> Result<(Address, Vec<RoutePrefix>), RpcError> {
    let refused =
        |why: String| RpcError::new(ErrorReason::InvalidParams, format!("service.provide: http: {why}"));
    let ProvidedHttp { prefixes, port, socket } = http;
    check_prefixes(&prefixes).map_err(refused)?;
    if prefixes.is_empty() {
        return Err(refused("name at least one path in `prefixes`, such as /api/config".to_owned()));
    }
    let address = match (port, socket) {
        (Some(port), None) => Address::Port(port.get()),
        (None, Some(socket)) if socket.starts_with('/') && !socket.contains('\0') => {
            Address::Socket(socket.into())
        }
        (None, Some(_)) => return Err(refused("`socket` is an absolute path".to_owned())),
        _ => {
            return Err(refused("give one of `port` and `socket`: where the application listens".to_owned()));
        }
    };
    Ok((address, prefixes))
}

impl Provision {
    /// What the provider is to be told next. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<ProvideItem> {
        Some(match self.told.recv().await? {
            Word::Holds { instead } => ProvideItem::Holds { instead },
            Word::Call { call, params, limit } => ProvideItem::Call {
                call,
                service: params.service,
                method: params.method,
                params: params.params.map_or(Value::Null, |raw| {
                    serde_json::from_str(raw.get()).expect("INVARIANT: what was read as JSON is JSON")
                }),
                caller: params.caller.expect("INVARIANT: the broker says who calls"),
                timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            },
            Word::Cancelled { call } => ProvideItem::Cancelled { call },
            Word::Subscribed(SubscribedParams { service, event, consumers }) => {
                ProvideItem::Subscribed { service, event, consumers }
            }
        })
    }
}

impl Drop for Provision {
    fn drop(&mut self) {
        // Dropped after the lock, since the calls that it ends wake their consumers.
        let desk = self.providers.lock().remove(&self.place);
        drop(desk);
    }
}
