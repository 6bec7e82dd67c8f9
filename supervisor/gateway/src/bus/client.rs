//! One client of the bus, from its opening to its end.
//!
//! Runs in the task of the client's connection. Waits for everything at once: what the client says, what its plugins push,
//! what becomes of its calls. A client that does not keep up is cut off; nobody else notices.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{AbortHandle, Abortable, Aborted};
use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use outboard_protocol::control::HostEvent;
use outboard_protocol::methods::{AirlineChanged, AuthChanged};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use outboard_services::{BusClient, Notice};
use serde_json::value::RawValue;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes, error::CapacityError};

use super::frames::{CallId, FromClient, ToClient};
use crate::directory::{Directory, Later};
use crate::wire::stream::ClientStream;

/// Longest frame that a client may send, in bytes: calls carry arguments, not files.
const FRAME_MAX: usize = 1024 * 1024;
/// Calls that one client may have in flight: a UI asks a handful at once.
const CALLS_MAX: usize = 64;
/// Plugins that one client may subscribe to: the shell subscribes to all that are installed.
const SUBSCRIPTIONS_MAX: usize = 256;
/// How often a client is pinged. Shorter than the minute after which boxes in between forget a connection.
const PING_EVERY: Duration = Duration::from_secs(30);
/// How long a client may be silent: two pings unanswered.
const SILENCE_MAX: Duration = Duration::from_secs(75);
/// How long a client may leave what is written unread. A laptop's lid is closed for longer, and its page connects anew.
const WRITE_MAX: Duration = Duration::from_secs(20);
/// How long the last word to a client may take.
const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// What is read at once, in bytes: a thousand idle clients must hold little.
const READ_BUFFER: usize = 4 * 1024;
/// Close code for a client that did not keep up.
const TOO_SLOW: u16 = 4008;

type Socket = WebSocketStream<ClientStream>;
type CallOutcome = (CallId, Result<Result<Box<RawValue>, RpcError>, Aborted>);

/// Why a conversation ends.
enum End {
    /// The client is gone, or beyond reach.
    Gone,
    /// The client is told why.
    Told(CloseCode, &'static str),
}

/// Talks with a client until one of both ends it.
pub(super) async fn converse(
    stream: ClientStream,
    begun: Bytes,
    directory: Arc<dyn Directory>,
    mut stopping: watch::Receiver<bool>,
) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(FRAME_MAX))
        .max_frame_size(Some(FRAME_MAX));
    let socket =
        WebSocketStream::from_partially_read(stream, begun.to_vec(), Role::Server, Some(config)).await;
    let mut conversation = Conversation::new(socket, directory);
    let end = tokio::select! {
        biased;
        () = crate::connection::stops(&mut stopping) => End::Told(CloseCode::Away, "the supervisor is stopping"),
        end = conversation.run() => end,
    };
    if let End::Told(code, reason) = end {
        let goodbye = conversation.socket.close(Some(CloseFrame { code, reason: reason.into() }));
        // Who does not listen any more cannot be told.
        let _ = timeout(GOODBYE_MAX, goodbye).await;
    }
}

struct Conversation {
    socket: Socket,
    directory: Arc<dyn Directory>,
    pushed: BusClient,
    events: broadcast::Receiver<HostEvent>,
    news: broadcast::Receiver<Notice>,
    subscribed: HashSet<PluginId>,
    calls: FuturesUnordered<Later<CallOutcome>>,
    cancels: HashMap<CallId, AbortHandle>,
    heard: Instant,
}

impl Conversation {
    fn new(socket: Socket, directory: Arc<dyn Directory>) -> Self {
        Self {
            socket,
            pushed: directory.bus(),
            events: directory.events(),
            news: directory.news(),
            directory,
            subscribed: HashSet::new(),
            calls: FuturesUnordered::new(),
            cancels: HashMap::new(),
            heard: Instant::now(),
        }
    }

    async fn run(&mut self) -> End {
        let mut batch = Vec::new();
        let mut pings = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                message = self.socket.next() => self.hear(message).await,
                pushed = self.pushed.next_batch(&mut batch) => match pushed {
                    Ok(()) => self.pass_on(&mut batch).await,
                    Err(_) => Err(End::Told(CloseCode::from(TOO_SLOW), "too slow")),
                },
                news = self.news.recv() => self.tell_access(news).await,
                event = self.events.recv() => self.tell_state(event).await,
                Some(outcome) = self.calls.next(), if !self.calls.is_empty() => self.answer(outcome).await,
                _ = pings.tick() => self.ping().await,
            };
            // Whatever was said is written at once, in one go.
            let step = match step {
                Ok(()) => self.write().await,
                Err(end) => Err(end),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn say(&mut self, frame: &ToClient<'_>) -> Result<(), End> {
        self.feed(Message::text(frame.text())).await
    }

    async fn feed(&mut self, message: Message) -> Result<(), End> {
        match timeout(WRITE_MAX, self.socket.feed(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Gone),
        }
    }

    async fn write(&mut self) -> Result<(), End> {
        match timeout(WRITE_MAX, self.socket.flush()).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Gone),
        }
    }

    async fn pass_on(&mut self, batch: &mut Vec<Bytes>) -> Result<(), End> {
        for frame in batch.drain(..) {
            // The services promise UTF-8; a frame that breaks the promise would end the client's connection.
            if let Ok(text) = Utf8Bytes::try_from(frame) {
                self.feed(Message::Text(text)).await?;
            }
        }
        Ok(())
    }

    async fn tell_state(&mut self, event: Result<HostEvent, broadcast::error::RecvError>) -> Result<(), End> {
        match event {
            Ok(HostEvent::PluginState { status }) if self.subscribed.contains(status.id.as_str()) => {
                self.say(&ToClient::State { plugin: &status.id, state: &status.state }).await
            }
            Ok(_) => Ok(()),
            Err(broadcast::error::RecvError::Lagged(_)) => self.tell_all_states().await,
            Err(broadcast::error::RecvError::Closed) => {
                Err(End::Told(CloseCode::Away, "the supervisor is stopping"))
            }
        }
    }

    /// News of the sign-in and of the airline concern every UI. What is told is how things are now, so that news which was
    /// missed is made up for by the next.
    async fn tell_access(&mut self, news: Result<Notice, broadcast::error::RecvError>) -> Result<(), End> {
        let (auth, airline) = match news {
            Ok(Notice { method: AuthChanged::NAME, .. }) => (true, false),
            Ok(Notice { method: AirlineChanged::NAME, .. }) => (false, true),
            Ok(_) => (false, false),
            Err(broadcast::error::RecvError::Lagged(_)) => (true, true),
            Err(broadcast::error::RecvError::Closed) => {
                return Err(End::Told(CloseCode::Away, "the supervisor is stopping"));
            }
        };
        if self.subscribed.is_empty() || !(auth || airline) {
            return Ok(());
        }
        let (signed_in, bound) = self.directory.access();
        if auth {
            self.say(&ToClient::Auth { authenticated: signed_in.authenticated }).await?;
        }
        if airline {
            self.say(&ToClient::Airline { airline: bound.airline.as_ref() }).await?;
        }
        Ok(())
    }

    /// Some changes were missed; the present state makes up for all of them.
    async fn tell_all_states(&mut self) -> Result<(), End> {
        for plugin in self.directory.status().plugins {
            if self.subscribed.contains(plugin.id.as_str()) {
                self.say(&ToClient::State { plugin: &plugin.id, state: &plugin.state }).await?;
            }
        }
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), End> {
        if self.heard.elapsed() > SILENCE_MAX {
            return Err(End::Gone);
        }
        self.feed(Message::Ping(Bytes::new())).await
    }

    async fn hear(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(text.as_str()) {
                Ok(frame) => self.obey(frame).await,
                Err(error) => {
                    let what = format!("the frame is none of the bus: {error}");
                    self.refuse(None, &RpcError::new(ErrorReason::InvalidRequest, what)).await
                }
            },
            Some(Ok(Message::Binary(_))) => Err(End::Told(CloseCode::Unsupported, "send text frames")),
            // The library answers pings and closes; after a close the stream ends.
            Some(Ok(_)) => Ok(()),
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                Err(End::Told(CloseCode::Size, "frames have at most 1 MiB"))
            }
            Some(Err(_)) | None => Err(End::Gone),
        }
    }

    async fn refuse(&mut self, id: Option<&CallId>, error: &RpcError) -> Result<(), End> {
        self.say(&ToClient::Error { id, error }).await
    }

    async fn obey(&mut self, frame: FromClient) -> Result<(), End> {
        match frame {
            FromClient::Subscribe { plugin } => self.subscribe(plugin).await,
            FromClient::Unsubscribe { plugin } => {
                self.pushed.unsubscribe(&plugin);
                self.subscribed.remove(&plugin);
                self.say(&ToClient::Unsubscribed { plugin: &plugin }).await
            }
            FromClient::Invoke { id, plugin, channel, args } => {
                if let Err(error) = self.may_call(&id) {
                    return self.refuse(Some(&id), &error).await;
                }
                let (cancel, cancelled) = AbortHandle::new_pair();
                let call = Abortable::new(self.directory.invoke(plugin, channel, args), cancelled);
                self.cancels.insert(id.clone(), cancel);
                self.calls.push(Box::pin(async move { (id, call.await) }));
                Ok(())
            }
            FromClient::Cancel { id } => {
                // An unknown call is one whose answer is on its way.
                if let Some(cancel) = self.cancels.get(&id) {
                    cancel.abort();
                }
                Ok(())
            }
            FromClient::Ping => self.say(&ToClient::Pong).await,
        }
    }

    async fn subscribe(&mut self, plugin: PluginId) -> Result<(), End> {
        let Some(status) = self.directory.plugin(plugin.as_str()) else {
            let what = format!("there is no plugin {:?}", plugin.as_str());
            return self.refuse(None, &RpcError::new(ErrorReason::NotFound, what)).await;
        };
        if self.subscribed.len() >= SUBSCRIPTIONS_MAX && !self.subscribed.contains(&plugin) {
            let what = format!("a client subscribes to at most {SUBSCRIPTIONS_MAX} plugins");
            return self.refuse(None, &RpcError::new(ErrorReason::LimitExceeded, what)).await;
        }
        // Subscribed first, told second: what happens in between comes twice rather than never.
        self.pushed.subscribe(&plugin);
        let config = self.directory.config(&plugin);
        let (signed_in, bound) = self.directory.access();
        let told = ToClient::Subscribed {
            plugin: &plugin,
            state: &status.state,
            config: &config,
            authenticated: signed_in.authenticated,
            airline: bound.airline.as_ref(),
        };
        let told = told.text();
        self.subscribed.insert(plugin);
        self.feed(Message::text(told)).await
    }

    fn may_call(&self, id: &CallId) -> Result<(), RpcError> {
        if self.cancels.contains_key(id) {
            let what = "a call with this id is in flight; give each its own";
            return Err(RpcError::new(ErrorReason::InvalidRequest, what));
        }
        if self.cancels.len() >= CALLS_MAX {
            let what = format!("{CALLS_MAX} calls of this client are in flight, which is the limit");
            return Err(RpcError::new(ErrorReason::LimitExceeded, what));
        }
        Ok(())
    }

    async fn answer(&mut self, (id, outcome): CallOutcome) -> Result<(), End> {
        self.cancels.remove(&id);
        match outcome {
            Ok(Ok(result)) => self.say(&ToClient::Result { id: &id, result: &result }).await,
            Ok(Err(error)) => self.refuse(Some(&id), &error).await,
            Err(Aborted) => {
                let error = RpcError::new(ErrorReason::Cancelled, "the client withdrew the call");
                self.refuse(Some(&id), &error).await
            }
        }
    }
}
