//! `ctx.ipc`: messages between the plugin and its own UIs.

use std::sync::Arc;

use outboard_protocol::RpcError;
use outboard_protocol::context::ipc::ChannelParams;
use outboard_protocol::error::ErrorReason;
use outboard_protocol::id::Channel;
use outboard_protocol::methods::{IpcHandle, IpcRemoveHandler, IpcSend};
use serde::Serialize;
use serde_json::value::to_raw_value;

use super::namespace;
use super::registration::Registration;
use crate::failure::{CallError, Failure};
use crate::session::channels::Answerer;
pub use crate::session::channels::Args;
use crate::session::outbox::Urgency;
use crate::strict;

namespace! {
    /// Messages between the plugin and its own UIs. Channels are leaf names: `plugin:{id}:` is added at both ends.
    Ipc
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
