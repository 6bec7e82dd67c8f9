//! A service that this application provides: calls come in and are answered by a function, events go out.
//!
//! A task of its own for each service stands it before each supervisor. Must not know how a connection comes about.

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use outboard_protocol::context::service::{AskParams, AskResult, EmitParams};
use outboard_protocol::control::methods::{
    Call, Provided as Provision, ServiceAnswer, ServiceAsk, ServiceEmit, Subscription,
};
use outboard_protocol::control::{AnswerParams, ProvideItem, ProvideParams, ProvidedHttp};
use outboard_protocol::id::{ServiceMember, ServiceName};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use crate::connection::Connection;
use crate::{Error, Outboard};

/// Events that may wait to be sent. Beyond it [`Provided::emit`] says that there is no room.
const EVENTS_WAITING: usize = 1024;
/// How long the supervisor waits for a consumer's answer where it is told nothing.
const ASK_FOR: Duration = Duration::from_secs(5);
/// What it may take beyond a wait that it was told.
const MARGIN: Duration = Duration::from_secs(5);

/// A call of a service. What its future waits for is dropped when nobody waits for the answer any more.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServiceCall {
    /// The service.
    pub service: ServiceName,
    /// Which method is called.
    pub method: ServiceMember,
    /// What it takes.
    pub params: Value,
    /// The plugin that calls. The supervisor says it, never the plugin.
    pub caller: PluginId,
    /// How long the plugin waits.
    pub timeout: Duration,
}

impl ServiceCall {
    /// The error for a method that there is not.
    pub fn unknown(&self) -> RpcError {
        let what = format!("the service {} has no method {:?}", self.service, self.method.as_str());
        RpcError::new(ErrorReason::MethodNotFound, what)
    }
}

/// Who is subscribed, by event.
pub type Consumers = BTreeMap<ServiceMember, Vec<PluginId>>;

/// A service that this application provides, until this is dropped. It goes on with each supervisor that follows.
#[derive(Debug)]
pub struct Provided {
    service: ServiceName,
    seen: watch::Receiver<Seen>,
    consumers: watch::Receiver<Consumers>,
    events: mpsc::Sender<EmitParams>,
    task: JoinHandle<()>,
}

/// What is known of the present supervisor.
#[derive(Debug, Clone, Default)]
struct Seen {
    connection: Option<Arc<Connection>>,
    /// Whether it is known who is asked.
    known: bool,
    instead: Option<String>,
}

impl Drop for Provided {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Provided {
    pub(crate) async fn begin<F, A>(
        outboard: Outboard,
        service: &str,
        http: Option<ProvidedHttp>,
        answer: F,
    ) -> Result<Self, Error>
    where
        F: Fn(ServiceCall) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Value, RpcError>> + Send + 'static,
    {
        let service: ServiceName = service.parse().map_err(|error| {
            Error::BadOption(format!("{service:?} is not the name of a service: {error}"))
        })?;
        let limit = outboard.limits().call;
        let (see, mut seen) = watch::channel(Seen::default());
        let (count, consumers) = watch::channel(Consumers::new());
        let (events, emitted) = mpsc::channel(EVENTS_WAITING);
        let params = ProvideParams { service: service.clone(), http };
        let standing = Standing { outboard, params, answer: Arc::new(answer), see, count };
        // The first is begun here, so that what is refused is told.
        let connection = standing.outboard.connected(Provision::NAME, limit).await?;
        let first = standing.follow(&connection).await?;
        let task = tokio::spawn(standing.stand(connection, first, emitted));
        let known = tokio::time::timeout(limit, seen.wait_for(|seen| seen.known)).await;
        let is_known = known.is_ok_and(|known| known.is_ok());
        // Dropped, it is not provided.
        let provided = Self { service, seen, consumers, events, task };
        if is_known { Ok(provided) } else { Err(Error::NoAnswer { what: Provision::NAME, limit }) }
    }

    /// Who is asked in this application's place; `None` where it is the one.
    pub fn instead(&self) -> Option<String> {
        self.seen.borrow().instead.clone()
    }

    /// Who is subscribed to which event, and when that changes.
    pub fn consumers(&self) -> watch::Receiver<Consumers> {
        self.consumers.clone()
    }

    /// Sends an event to the plugins that are subscribed, in the order of the calls of this function. With `latest` only the newest
    /// counts: it takes the place of one that still waits for a slow plugin.
    ///
    /// # Errors
    /// [`Error::Lost`] while the supervisor is started again, [`Error::BadOption`] for what cannot be sent, and where too much waits.
    pub fn emit(&self, event: &str, payload: &impl Serialize, latest: bool) -> Result<(), Error> {
        if self.seen.borrow().connection.is_none() {
            return Err(Error::Lost(ServiceEmit::NAME));
        }
        let event = member(event)?;
        let params = EmitParams {
            service: self.service.clone(),
            event,
            payload: Some(raw(payload)?),
            to: None,
            latest,
        };
        self.events.try_send(params).map_err(|_| {
            Error::BadOption(format!("{EVENTS_WAITING} events of {} wait to be sent already", self.service))
        })
    }

    /// Asks one plugin, by an event that it has to answer; `otherwise` counts where no answer comes within `limit` (5 s unless said).
    ///
    /// # Errors
    /// As [`Outboard::call`].
    pub async fn ask(
        &self,
        to: &PluginId,
        event: &str,
        payload: &impl Serialize,
        otherwise: Value,
        limit: Option<Duration>,
    ) -> Result<AskResult, Error> {
        let connection = self.seen.borrow().connection.clone().ok_or(Error::Lost(ServiceAsk::NAME))?;
        let params = AskParams {
            service: self.service.clone(),
            event: member(event)?,
            payload: Some(raw(payload)?),
            to: to.clone(),
            timeout_ms: limit.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
            default: Some(otherwise),
        };
        connection.call::<ServiceAsk>(&params, limit.unwrap_or(ASK_FOR) + MARGIN).await
    }
}

fn member(name: &str) -> Result<ServiceMember, Error> {
    name.parse().map_err(|error| Error::BadOption(format!("{name:?} is not the name of an event: {error}")))
}

fn raw(value: &impl Serialize) -> Result<Box<RawValue>, Error> {
    to_raw_value(value).map_err(|error| Error::BadOption(format!("the payload is not JSON: {error}")))
}

type Following = jsonrpsee::core::client::Subscription<ProvideItem>;

/// The service before one supervisor after another.
struct Standing<F> {
    outboard: Outboard,
    params: ProvideParams,
    answer: Arc<F>,
    see: watch::Sender<Seen>,
    count: watch::Sender<Consumers>,
}

impl<F, A> Standing<F>
where
    F: Fn(ServiceCall) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Value, RpcError>> + Send + 'static,
{
    async fn follow(&self, connection: &Connection) -> Result<Following, Error> {
        connection.follow::<Provision>(&self.params, self.outboard.limits().call).await
    }

    async fn stand(
        self,
        mut connection: Arc<Connection>,
        mut following: Following,
        mut emitted: mpsc::Receiver<EmitParams>,
    ) {
        loop {
            self.see.send_modify(|seen| seen.connection = Some(Arc::clone(&connection)));
            self.stand_before(&connection, &mut following, &mut emitted).await;
            self.see.send_modify(|seen| seen.connection = None);
            self.count.send_modify(Consumers::clear);
            // Those for whom these were are gone.
            while emitted.try_recv().is_ok() {}
            loop {
                match self.outboard.connected(Provision::NAME, self.outboard.limits().call).await {
                    Ok(next) => connection = next,
                    Err(Error::NoAnswer { .. }) => continue,
                    // Nothing runs any more.
                    Err(_) => return,
                }
                match self.follow(&connection).await {
                    Ok(next) => break following = next,
                    Err(Error::Lost(_) | Error::NoAnswer { .. }) => {}
                    Err(_) => return,
                }
            }
        }
    }

    /// Until the connection is over. What is open then is dropped.
    async fn stand_before(
        &self,
        connection: &Arc<Connection>,
        following: &mut Following,
        emitted: &mut mpsc::Receiver<EmitParams>,
    ) {
        let limit = self.outboard.limits().call;
        let mut calls: JoinSet<String> = JoinSet::new();
        let mut open: HashMap<String, AbortHandle> = HashMap::new();
        // One at a time, so that they keep their order on any runtime.
        let mut sending: Option<Pin<Box<dyn Future<Output = ()> + Send>>> = None;
        loop {
            tokio::select! {
                item = following.next() => match item {
                    Some(Ok(item)) => self.take(item, connection, &mut calls, &mut open),
                    // What cannot be read is of a later version, and nobody's here.
                    Some(Err(_)) => {}
                    None => return,
                },
                Some(answered) = calls.join_next() => {
                    if let Ok(call) = answered {
                        open.remove(&call);
                    }
                }
                () = async { sending.as_mut().expect("INVARIANT: it is looked at only where there is one").await }, if sending.is_some() => sending = None,
                event = emitted.recv(), if sending.is_none() => {
                    let Some(event) = event else { return };
                    let connection = Arc::clone(connection);
                    // Where the connection goes, so do those who would have heard it.
                    sending = Some(Box::pin(async move { drop(connection.call::<ServiceEmit>(&event, limit).await) }));
                }
            }
        }
    }

    fn take(
        &self,
        item: ProvideItem,
        connection: &Arc<Connection>,
        calls: &mut JoinSet<String>,
        open: &mut HashMap<String, AbortHandle>,
    ) {
        match item {
            ProvideItem::Holds { instead } => self.see.send_modify(|seen| {
                (seen.known, seen.instead) = (true, instead);
            }),
            ProvideItem::Call { call, service, method, params, caller, timeout_ms } => {
                let asked = ServiceCall {
                    service,
                    method,
                    params,
                    caller,
                    timeout: Duration::from_millis(timeout_ms),
                };
                let (answer, connection) = (Arc::clone(&self.answer), Arc::clone(connection));
                let (id, limit) = (call.clone(), self.outboard.limits().call);
                let answering = calls.spawn(async move {
                    let outcome = outcome(&*answer, asked).await;
                    let (result, error) = match outcome {
                        Ok(result) => (to_raw_value(&result).ok(), None),
                        Err(error) => (None, Some(error)),
                    };
                    let params = AnswerParams { call: id.clone(), result, error };
                    // Nobody waits any more where that fails.
                    drop(connection.call::<ServiceAnswer>(&params, limit).await);
                    id
                });
                open.insert(call, answering);
            }
            ProvideItem::Cancelled { call } => {
                if let Some(answering) = open.remove(&call) {
                    answering.abort();
                }
            }
            ProvideItem::Subscribed { event, consumers, .. } => self.count.send_modify(|all| {
                if consumers.is_empty() {
                    all.remove(&event);
                } else {
                    all.insert(event, consumers);
                }
            }),
        }
    }
}

/// What the application answers. One that panics has answered with an error, and takes nothing else with it.
async fn outcome<A>(answer: &impl Fn(ServiceCall) -> A, call: ServiceCall) -> Result<Value, RpcError>
where
    A: Future<Output = Result<Value, RpcError>> + Send + 'static,
{
    let what = format!("{}.{}", call.service, call.method);
    let answering = AssertUnwindSafe(async move { answer(call).await }).catch_unwind();
    answering.await.unwrap_or_else(|_| {
        Err(RpcError::new(
            ErrorReason::InternalError,
            format!("what answers {what} in the host application panicked"),
        ))
    })
}
