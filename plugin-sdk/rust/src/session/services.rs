//! The services that a plugin provides and listens to, and the author's functions for both.
//!
//! Filled by `ctx.service`, asked by the dispatcher. Must not know how a call or an event gets here.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outboard_protocol::context::service::{
    CallParams, ChangedParams, EventParams, ReplyParams, SubscribedParams,
};
use outboard_protocol::error::ErrorReason;
use outboard_protocol::id::{PluginId, ServiceMember, ServiceName};
use outboard_protocol::{RpcError, id::InvalidName};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::boxed::Boxed;
use super::observers::Observers;
use crate::failure::{Failure, discard};

type Answer = Result<Box<RawValue>, RpcError>;
pub(crate) type Method = Arc<dyn Fn(Call) -> Boxed<Answer> + Send + Sync>;
/// Answers an event that asked for it, under the id that came with it, and tells the host.
pub(crate) type Reply = Arc<dyn Fn(Value, String) -> Boxed<()> + Send + Sync>;
type Listener = Arc<dyn Fn(&EventParams) + Send + Sync>;

/// One event of a service, or one method of one.
pub(crate) type Key = (ServiceName, ServiceMember);

/// A call of a service that this plugin provides.
#[derive(Debug, Clone)]
pub struct Call {
    /// What the method takes, as its consumer sent it.
    pub params: Value,
    /// The plugin whose call it is; the host says so.
    pub caller: PluginId,
}

impl Call {
    /// What the method takes, as a type.
    ///
    /// # Errors
    /// [`Failure`] with `invalid_params` when it is not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        T::deserialize(&self.params)
            .map_err(|error| Failure::coded(ErrorReason::InvalidParams, format!("parameters: {error}")))
    }
}

/// The answer to an event that asked for one.
pub(crate) fn reply_of(answer: String, outcome: Result<Value, RpcError>) -> ReplyParams {
    match outcome {
        Ok(result) => ReplyParams { answer, result: Some(result), error: None },
        Err(error) => ReplyParams { answer, result: None, error: Some(error) },
    }
}

/// What the plugin provides, and what it listens to.
#[derive(Default)]
pub(crate) struct Services {
    book: Mutex<Book>,
    pub(crate) changes: Observers<ChangedParams>,
    pub(crate) subscribed: Observers<SubscribedParams>,
}

#[derive(Default)]
struct Book {
    methods: HashMap<Key, Method>,
    listeners: HashMap<Key, Vec<(u64, Listener)>>,
    replies: HashMap<Key, Reply>,
    numbers: u64,
}

/// Names that keep to their rules.
pub(crate) fn key(service: &str, member: &str) -> Result<Key, InvalidName> {
    Ok((ServiceName::new(service)?, ServiceMember::new(member)?))
}

impl Services {
    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this answers the method; in place of what answered before.
    pub(crate) fn provide(&self, key: Key, method: Method) {
        self.lock().methods.insert(key, method);
    }

    /// The work that a call asks for.
    pub(crate) fn call(&self, params: CallParams) -> Result<Boxed<Answer>, RpcError> {
        let CallParams { service, method, params, caller, .. } = params;
        let caller = caller
            .ok_or_else(|| RpcError::new(ErrorReason::InvalidParams, "the host did not say who calls"))?;
        let found = self.lock().methods.get(&(service.clone(), method.clone())).map(Arc::clone);
        let Some(answer) = found else {
            let what = format!("service {service} has no method {:?}", method.as_str());
            return Err(RpcError::new(ErrorReason::MethodNotFound, what));
        };
        let params = match params {
            Some(raw) => serde_json::from_str(raw.get())
                .map_err(|error| RpcError::new(ErrorReason::InvalidParams, error.to_string()))?,
            None => Value::Null,
        };
        // Called inside the future, so that a panic before its first await is caught like any other.
        Ok(Box::pin(async move { answer(Call { params, caller }).await }))
    }

    /// A listener. The first of its event has to be told to the host.
    pub(crate) fn listen(&self, key: &Key, listener: Listener) -> (u64, bool) {
        let mut book = self.lock();
        book.numbers += 1;
        let (number, answered) = (book.numbers, book.replies.contains_key(key));
        let listeners = book.listeners.entry(key.clone()).or_default();
        listeners.push((number, listener));
        (number, listeners.len() == 1 && !answered)
    }

    /// True: nobody is left for this event, and the host is to be told.
    pub(crate) fn forget(&self, key: &Key, number: u64) -> bool {
        let mut book = self.lock();
        let Some(listeners) = book.listeners.get_mut(key) else { return false };
        listeners.retain(|(other, _)| *other != number);
        if listeners.is_empty() {
            book.listeners.remove(key);
            return !book.replies.contains_key(key);
        }
        false
    }

    /// From now on this answers where the provider asks by the event.
    pub(crate) fn reply_with(&self, key: Key, reply: Reply) {
        self.lock().replies.insert(key, reply);
    }

    pub(crate) fn stop_replying(&self, key: &Key) {
        self.lock().replies.remove(key);
    }

    /// Tells everybody who listens; what answers it, where the provider waits for one.
    pub(crate) fn told(&self, event: &EventParams) -> Option<Result<Reply, RpcError>> {
        let key = (event.service.clone(), event.event.clone());
        // Called outside the lock, so that a listener may add another.
        let (listeners, reply) = {
            let book = self.lock();
            let listeners: Vec<Listener> = book
                .listeners
                .get(&key)
                .into_iter()
                .flatten()
                .map(|(_, listener)| Arc::clone(listener))
                .collect();
            (listeners, book.replies.get(&key).map(Arc::clone))
        };
        for listener in listeners {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| listener(event))) {
                discard(panic);
            }
        }
        event.answer.as_ref()?;
        Some(reply.ok_or_else(|| {
            let what = format!("the plugin listens to {:?} and answers nothing", key.1.as_str());
            RpcError::new(ErrorReason::NotFound, what)
        }))
    }
}
