//! `ctx.service`: what only the host application or another plugin knows, and what this plugin provides to others.

use std::sync::Arc;
use std::time::Duration;

use outboard_protocol::RpcError;
use outboard_protocol::context::service::{
    AskParams, AskResult, ChangedParams, EventParams, SubscribeParams, SubscribedParams,
};
use outboard_protocol::error::ErrorReason;
use outboard_protocol::id::{PluginId, ServiceName};
use outboard_protocol::methods::{
    Request, ServiceAsk, ServiceCall, ServiceEmit, ServiceReply, ServiceSubscribe, ServiceUnsubscribe,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::failure::{CallError, Failure};
use crate::session::outbox::Urgency;
use crate::session::peer::CALL_DEADLINE;
pub use crate::session::services::Call;
use crate::session::services::{Key, Method, key, reply_of};
use crate::session::{Session, read};
use crate::strict;

/// How much longer than the host the caller waits, so that the host's own word on a late answer arrives.
const BEYOND: Duration = Duration::from_secs(1);

/// A service by its name: to call it, to listen to it, or to provide it. A handle; making one asks nobody.
#[derive(Clone)]
pub struct Service {
    session: Arc<Session>,
    name: String,
}

/// A listener that can be ended. Dropped, it goes on.
#[derive(Debug)]
pub struct Subscription {
    session: Arc<Session>,
    key: Key,
    number: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a, T: ?Sized> {
    service: &'a str,
    method: &'a str,
    params: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
}

#[derive(Serialize)]
struct Emitted<'a, T: ?Sized> {
    service: &'a str,
    event: &'a str,
    payload: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a PluginId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    latest: bool,
}

impl Service {
    pub(crate) fn new(session: &Arc<Session>, name: &str) -> Self {
        Self { session: Arc::clone(session), name: name.to_owned() }
    }

    /// Calls a method, and waits up to 30 seconds.
    ///
    /// # Errors
    /// [`CallError::Refused`] with the provider's own error, or with `no_provider` where nobody provides the service, `unavailable`
    /// (retryable) where its provider is gone or does not come, `timeout`, `limit_exceeded`. [`CallError::Unreadable`] when the answer
    /// is not an `R`.
    pub async fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        params: &(impl Serialize + ?Sized),
    ) -> Result<R, CallError> {
        self.ask(method, params, None).await
    }

    /// Calls a method whose answer waits for a person, up to so long, an hour at most.
    ///
    /// # Errors
    /// As [`Service::call`].
    pub async fn call_within<R: DeserializeOwned>(
        &self,
        method: &str,
        params: &(impl Serialize + ?Sized),
        limit: Duration,
    ) -> Result<R, CallError> {
        self.ask(method, params, Some(limit)).await
    }

    async fn ask<R: DeserializeOwned>(
        &self,
        method: &str,
        params: &(impl Serialize + ?Sized),
        limit: Option<Duration>,
    ) -> Result<R, CallError> {
        key(&self.name, method)?;
        strict::check("params", params)
            .map_err(|source| CallError::Unwritable { method: ServiceCall::NAME, source })?;
        let timeout_ms = limit.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        let asked = Asked { service: &self.name, method, params, timeout_ms };
        let wait = limit.unwrap_or(CALL_DEADLINE) + BEYOND;
        read(ServiceCall::NAME, &self.session.peer.call(ServiceCall::NAME, &asked, wait).await?)
    }

    /// From now on `listener` hears every event of this name, whoever provides the service, now or later, in the order of the
    /// provider. What is not a `T` is left out. It runs between two messages of the host: let it be short, and spawn what takes longer.
    ///
    /// # Errors
    /// [`CallError`] for a name that breaks the rules, or when the host refuses.
    pub async fn on<T: DeserializeOwned>(
        &self,
        event: &str,
        listener: impl Fn(T) + Send + Sync + 'static,
    ) -> Result<Subscription, CallError> {
        let key = key(&self.name, event)?;
        let listener = move |event: &EventParams| {
            let payload = event.payload.as_deref().unwrap_or(RawValue::NULL);
            if let Ok(payload) = serde_json::from_str(payload.get()) {
                listener(payload);
            }
        };
        let (number, first) = self.session.services.listen(&key, Arc::new(listener));
        let subscription = Subscription { session: Arc::clone(&self.session), key, number };
        if first && let Err(error) = subscription.tell().await {
            subscription.session.services.forget(&subscription.key, number);
            return Err(error);
        }
        Ok(subscription)
    }

    /// From now on `answer` answers where the provider asks this plugin by an event, such as whether something may begin. An error
    /// means that the provider's own default counts; so does an answer that comes too late.
    ///
    /// # Errors
    /// [`CallError`] for a name that breaks the rules, or when the host refuses.
    pub async fn answer<F, Fut>(&self, event: &str, answer: F) -> Result<(), CallError>
    where
        F: Fn(Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, Failure>> + Send + 'static,
    {
        let key = key(&self.name, event)?;
        let answer = Arc::new(answer);
        // Not held by what the session itself holds.
        let session = Arc::downgrade(&self.session);
        let reply = move |payload, id: String| {
            let (answer, session) = (Arc::clone(&answer), session.clone());
            Box::pin(async move {
                let outcome = answer(payload).await.map_err(Failure::into_rpc);
                if let Some(session) = session.upgrade() {
                    // A host that does not read takes its default.
                    let _ = session.peer.tell(Urgency::Normal, ServiceReply::NAME, &reply_of(id, outcome));
                }
            }) as _
        };
        self.session.services.reply_with(key.clone(), Arc::new(reply));
        let (service, event) = key.clone();
        let told = self.session.call::<ServiceSubscribe>(SubscribeParams { service, event }).await;
        if told.is_err() {
            self.session.services.stop_replying(&key);
        }
        told.map(|_| ())
    }

    /// Calls `observer` when a service that the plugin listens to is answered, is answered no longer, or will be soon.
    pub fn on_change(&self, observer: impl Fn(&ChangedParams) + Send + Sync + 'static) {
        let name = self.name.clone();
        self.session.services.changes.add(move |change: &ChangedParams| {
            if change.service.as_str() == name {
                observer(change);
            }
        });
    }

    /// From now on `answer` answers this method for every consumer; a later one for the same method replaces it. The manifest has to
    /// name the service in `provides`. Calls run concurrently, and a call that its maker withdraws is dropped. Call it in `on_start`:
    /// consumers are let in once that is over.
    ///
    /// # Errors
    /// [`CallError::InvalidName`] for a name that breaks the rules.
    pub fn provide<F, Fut, R>(&self, method: &str, answer: F) -> Result<(), CallError>
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Failure>> + Send + 'static,
        R: Serialize,
    {
        let key = key(&self.name, method)?;
        let answer = Arc::new(answer);
        let method: Method = Arc::new(move |call| {
            let answer = Arc::clone(&answer);
            Box::pin(async move {
                let result = answer(call).await.map_err(Failure::into_rpc)?;
                strict::check("result", &result).and_then(|()| to_raw_value(&result)).map_err(|error| {
                    let what = format!("the result cannot be written as JSON: {error}");
                    RpcError::new(ErrorReason::InternalError, what)
                })
            })
        });
        self.session.services.provide(key, method);
        Ok(())
    }

    /// Tells an event of a service that this plugin provides to every consumer that listens. Nothing is awaited.
    ///
    /// # Errors
    /// [`CallError`] when nothing was sent: a name that breaks the rules, a payload that is not JSON, or a full queue.
    pub fn emit(&self, event: &str, payload: &(impl Serialize + ?Sized)) -> Result<(), CallError> {
        self.tell(event, payload, None, false)
    }

    /// As [`Service::emit`], where only the newest counts: a slow consumer never has a backlog of it.
    ///
    /// # Errors
    /// As [`Service::emit`].
    pub fn emit_latest(&self, event: &str, payload: &(impl Serialize + ?Sized)) -> Result<(), CallError> {
        self.tell(event, payload, None, true)
    }

    /// As [`Service::emit`], to one consumer alone.
    ///
    /// # Errors
    /// As [`Service::emit`].
    pub fn emit_to(
        &self,
        to: &PluginId,
        event: &str,
        payload: &(impl Serialize + ?Sized),
    ) -> Result<(), CallError> {
        self.tell(event, payload, Some(to), false)
    }

    fn tell(
        &self,
        event: &str,
        payload: &(impl Serialize + ?Sized),
        to: Option<&PluginId>,
        latest: bool,
    ) -> Result<(), CallError> {
        key(&self.name, event)?;
        strict::check("payload", payload)
            .map_err(|source| CallError::Unwritable { method: ServiceEmit::NAME, source })?;
        let emitted = Emitted { service: &self.name, event, payload, to, latest };
        self.session.peer.tell(Urgency::Normal, ServiceEmit::NAME, &emitted)
    }

    /// Asks one consumer of a service that this plugin provides. Where no answer comes within the limit, `default` is the answer, and
    /// `because` says why.
    ///
    /// # Errors
    /// [`CallError`] when the question could not be put: a name that breaks the rules, or a service that is not this plugin's.
    pub async fn ask_consumer(
        &self,
        to: &PluginId,
        event: &str,
        payload: &(impl Serialize + ?Sized),
        limit: Duration,
        default: Value,
    ) -> Result<AskResult, CallError> {
        let (service, event) = key(&self.name, event)?;
        let payload = strict::check("payload", payload)
            .and_then(|()| to_raw_value(payload))
            .map_err(|source| CallError::Unwritable { method: ServiceAsk::NAME, source })?;
        let timeout_ms = Some(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        let (payload, default) = (Some(payload), Some(default));
        let asked = AskParams { service, event, payload, to: to.clone(), timeout_ms, default };
        let raw = self.session.peer.call(ServiceAsk::NAME, &asked, limit + BEYOND).await?;
        read(ServiceAsk::NAME, &raw)
    }

    /// Calls `observer` when the consumers of an event of this service change, and at the start for each that is wanted: an event that
    /// nobody hears need not be made.
    pub fn on_subscribed(&self, observer: impl Fn(&SubscribedParams) + Send + Sync + 'static) {
        let name = self.name.clone();
        self.session.services.subscribed.add(move |told: &SubscribedParams| {
            if told.service.as_str() == name {
                observer(told);
            }
        });
    }

    /// Its name.
    ///
    /// # Errors
    /// [`CallError::InvalidName`] when it breaks the rules.
    pub fn name(&self) -> Result<ServiceName, CallError> {
        Ok(ServiceName::new(&self.name)?)
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Subscription {
    async fn tell(&self) -> Result<(), CallError> {
        let (service, event) = self.key.clone();
        self.session.call::<ServiceSubscribe>(SubscribeParams { service, event }).await.map(|_| ())
    }

    /// Ends it: the listener hears nothing more.
    ///
    /// # Errors
    /// [`CallError`] when the host does not answer; the listener hears nothing more all the same.
    pub async fn end(self) -> Result<(), CallError> {
        if !self.session.services.forget(&self.key, self.number) {
            return Ok(());
        }
        let (service, event) = self.key.clone();
        self.session.call::<ServiceUnsubscribe>(SubscribeParams { service, event }).await.map(|_| ())
    }
}
