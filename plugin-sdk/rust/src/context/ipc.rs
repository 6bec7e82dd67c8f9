//! `ctx.ipc`: messages between the plugin and its own UIs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use outboard_protocol::RpcError;
use outboard_protocol::context::ipc::ChannelParams;
use outboard_protocol::error::ErrorReason;
use outboard_protocol::id::Channel;
use outboard_protocol::methods::{IpcHandle, IpcRemoveHandler, IpcSend};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::namespace;
use crate::failure::{CallError, Failure};
use crate::session::Boxed;
use crate::session::outbox::Urgency;
use crate::session::registration::Registration;
use crate::strict;

namespace! {
    /// Messages between the plugin and its own UIs. Channels are leaf names: `plugin:{id}:` is added at both ends.
    Ipc
}

type Answer = Result<Box<RawValue>, RpcError>;
type Answerer = Arc<dyn Fn(Args) -> Boxed<Answer> + Send + Sync>;

/// The channels that the plugin answers on.
#[derive(Default)]
pub(crate) struct Channels(Mutex<HashMap<String, Answerer>>);

/// The arguments of an `invoke`, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Args(pub Vec<Value>);

impl Args {
    /// The argument at `index`, from 0; a missing one reads as null.
    ///
    /// # Errors
    /// [`Failure`] with `invalid_params`, naming the argument, when it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, Failure> {
        let value = self.0.get(index).unwrap_or(&Value::Null);
        T::deserialize(value)
            .map_err(|error| Failure::coded(ErrorReason::InvalidParams, format!("argument {index}: {error}")))
    }
}

#[derive(Serialize)]
struct Event<'a, T: ?Sized> {
    channel: &'a str,
    payload: &'a T,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retain: bool,
}

impl Ipc {
    /// From now on `answer` answers what a UI invokes on this channel; a later one for the same channel replaces it. Calls run
    /// concurrently, and a call that its maker withdraws is dropped.
    ///
    /// Need not be awaited: `start` is answered only after it, and fails if it does.
    pub fn handle<F, Fut, R>(&self, channel: &str, answer: F) -> Registration
    where
        F: Fn(Args) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Failure>> + Send + 'static,
        R: Serialize,
    {
        let answer = Arc::new(answer);
        let answerer: Answerer = Arc::new(move |args| {
            let answer = Arc::clone(&answer);
            Box::pin(async move {
                let result = answer(args).await.map_err(Failure::into_rpc)?;
                strict::check("result", &result).and_then(|()| to_raw_value(&result)).map_err(|error| {
                    RpcError::new(
                        ErrorReason::InternalError,
                        format!("the result cannot be written as JSON: {error}"),
                    )
                })
            })
        });
        let channel = Channel::new(channel);
        if let Ok(channel) = &channel {
            self.session.channels.insert(channel, answerer);
        }
        let session = Arc::clone(&self.session);
        Registration::begin(&self.session, async move {
            let channel = channel?;
            let outcome = session.call::<IpcHandle>(ChannelParams { channel: channel.clone() }).await;
            if outcome.is_err() {
                session.channels.remove(&channel);
            }
            outcome.map(|_| ())
        })
    }

    /// From now on nobody answers on this channel.
    ///
    /// # Errors
    /// [`CallError`] when the host refuses or does not answer.
    pub async fn remove_handler(&self, channel: &str) -> Result<(), CallError> {
        let channel = Channel::new(channel)?;
        self.session.channels.remove(&channel);
        self.session.call::<IpcRemoveHandler>(ChannelParams { channel }).await.map(|_| ())
    }

    /// Pushes an event to every connected UI of this plugin. Nothing is awaited; a UI that connects later does not see it.
    ///
    /// # Errors
    /// [`CallError`] when nothing was sent: a channel that breaks the rules, a payload that is not JSON, or a full queue.
    pub fn send(&self, channel: &str, payload: &(impl Serialize + ?Sized)) -> Result<(), CallError> {
        self.push(channel, payload, false)
    }

    /// Pushes an event as [`Ipc::send`] does, and keeps it as the channel's last value: a UI that connects later gets it at once, also
    /// after a restart of the plugin. `&()` forgets what was kept.
    ///
    /// # Errors
    /// As [`Ipc::send`].
    pub fn send_retained(&self, channel: &str, payload: &(impl Serialize + ?Sized)) -> Result<(), CallError> {
        self.push(channel, payload, true)
    }

    fn push(
        &self,
        channel: &str,
        payload: &(impl Serialize + ?Sized),
        retain: bool,
    ) -> Result<(), CallError> {
        Channel::check(channel)?;
        strict::check("payload", payload)
            .map_err(|source| CallError::Unwritable { method: IpcSend::NAME, source })?;
        self.session.peer.tell(Urgency::Normal, IpcSend::NAME, &Event { channel, payload, retain })
    }
}

impl Channels {
    fn insert(&self, channel: &Channel, answerer: Answerer) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(channel.as_str().to_owned(), answerer);
    }

    fn remove(&self, channel: &Channel) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(channel.as_str());
    }

    /// The work that a host call on this channel asks for.
    pub(crate) fn invoke(&self, channel: &Channel, args: Vec<Value>) -> Result<Boxed<Answer>, RpcError> {
        let answerer =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get(channel.as_str()).map(Arc::clone);
        let Some(answerer) = answerer else {
            return Err(RpcError::new(
                ErrorReason::NotFound,
                format!("the plugin does not answer on channel {:?}", channel.as_str()),
            ));
        };
        // Called inside the future, so that a panic before its first await is caught like any other.
        Ok(Box::pin(async move { answerer(Args(args)).await }))
    }
}
