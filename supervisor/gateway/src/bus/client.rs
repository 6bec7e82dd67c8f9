//! One client of the bus, from its opening to its end.
//!
//! Runs in the task of the client's connection. Waits for everything at once: what the client says, what its plugins push,
//! what becomes of its calls. Whatever is to be said goes into the one queue that [`super::writing`] empties, so that all of
//! it is bounded there. A client that does not keep up is cut off; nobody else notices.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable, Aborted};
use futures_util::stream::{FuturesUnordered, SplitStream};
use outboard_context::{BusClient, Notice};
use outboard_protocol::context::service::{CallParams, EmitParams};
use outboard_protocol::control::HostEvent;
use outboard_protocol::id::ConfigKey;
use outboard_protocol::methods::{AirlineChanged, AuthChanged};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use serde_json::value::RawValue;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, error::CapacityError};

use super::end::{End, Socket};
use super::frames::{CallId, FromClient, ToClient};
use super::overview::shown;
use super::services::Services;
use super::writing::{self, Writer};
use crate::admission::caller::{Origins, Share};
use crate::directory::{Change, Directory, Later};
use crate::wire::stream::ClientStream;

/// Longest frame that a client may send, in bytes: calls carry arguments, not files.
const FRAME_MAX: usize = 1024 * 1024;
/// Calls that one client may have in flight: a UI asks a handful at once.
const CALLS_MAX: usize = 64;
/// Plugins that one client may subscribe to: the shell subscribes to all that are installed.
const SUBSCRIPTIONS_MAX: usize = 256;
/// How long a client may be silent: two pings unanswered.
const SILENCE_MAX: Duration = Duration::from_secs(75);
/// How often is looked whether it is.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// What is read at once, in bytes: a thousand idle clients must hold little.
const READ_BUFFER: usize = 4 * 1024;

type CallOutcome = (CallId, Result<Result<Box<RawValue>, RpcError>, Aborted>);

/// Talks with a client until one of both ends it.
pub(super) async fn converse(
    stream: ClientStream,
    begun: Bytes,
    directory: Arc<dyn Directory>,
    (share, origins): (Share, Origins),
    mut stopping: watch::Receiver<bool>,
) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(writing::PIECE)
        .max_message_size(Some(FRAME_MAX))
        .max_frame_size(Some(FRAME_MAX));
    let socket =
        WebSocketStream::from_partially_read(stream, begun.to_vec(), Role::Server, Some(config)).await;
    let pushed = Arc::new(directory.bus());
    let (sink, heard) = socket.split();
    let mut writer = Writer::new(sink, Arc::clone(&pushed));
    let mut conversation = Conversation::new(heard, directory, Arc::clone(&pushed), share, origins);
    let end = tokio::select! {
        biased;
        () = crate::client_connection::stops(&mut stopping) => End::Told(CloseCode::Away, "the supervisor is stopping"),
        // Also in the middle of a long frame that the client does not read.
        () = pushed.cut_off() => writing::too_slow(),
        end = conversation.run() => end,
        end = writer.run() => end,
    };
    if let End::Told(code, reason) = end {
        tokio::select! {
            () = writer.say_goodbye(code, reason) => {}
            () = crate::client_connection::stops(&mut stopping), if code != CloseCode::Away => {}
        }
    }
}

struct Conversation {
    said: SplitStream<Socket>,
    directory: Arc<dyn Directory>,
    /// The plugins that this client may hear and ask.
    share: Share,
    origins: Origins,
    /// For one that would know of all plugins: resolves when there may be others.
    rescanned: Option<Later<()>>,
    pushed: Arc<BusClient>,
    events: broadcast::Receiver<HostEvent>,
    news: broadcast::Receiver<Notice>,
    subscribed: HashSet<PluginId>,
    calls: FuturesUnordered<Later<CallOutcome>>,
    cancels: HashMap<CallId, AbortHandle>,
    services: Services,
    heard: Instant,
}

impl Conversation {
    fn new(
        said: SplitStream<Socket>,
        directory: Arc<dyn Directory>,
        pushed: Arc<BusClient>,
        share: Share,
        origins: Origins,
    ) -> Self {
        Self {
            said,
            services: Services::new(directory.broker(), Arc::clone(&pushed)),
            pushed,
            events: directory.events(),
            news: directory.news(),
            directory,
            share,
            origins,
            rescanned: None,
            subscribed: HashSet::new(),
            calls: FuturesUnordered::new(),
            cancels: HashMap::new(),
            heard: Instant::now(),
        }
    }

    async fn run(&mut self) -> End {
        let mut looks = tokio::time::interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                message = self.said.next() => self.hear(message),
                news = self.news.recv() => self.tell_access(&news),
                event = self.events.recv() => self.tell_state(event),
                Some(outcome) = self.calls.next(), if !self.calls.is_empty() => {
                    self.answer(outcome);
                    Ok(())
                }
                () = self.services.hear() => Ok(()),
                () = due(&mut self.rescanned) => {
                    self.overview();
                    Ok(())
                }
                _ = looks.tick() => if self.heard.elapsed() > SILENCE_MAX { Err(End::Gone) } else { Ok(()) },
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    fn say(&self, frame: &ToClient<'_>) {
        self.pushed.tell(frame.text());
    }

    fn tell_state(&mut self, event: Result<HostEvent, broadcast::error::RecvError>) -> Result<(), End> {
        match event {
            Ok(HostEvent::PluginState { status }) => {
                if self.subscribed.contains(status.id.as_str()) {
                    self.say(&ToClient::State { plugin: &status.id, state: status.shown_state() });
                }
                // As it is now, which has more in it than the event.
                let now = self.rescanned.as_ref().and_then(|_| self.directory.plugin(&status.id));
                if let Some(now) = now {
                    let shown = shown(&*self.directory, &self.origins, now);
                    self.say(&ToClient::OverviewPlugin { shown: &shown });
                }
            }
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => {
                self.tell_all_states();
                if self.rescanned.is_some() {
                    self.overview();
                }
            }
            Err(broadcast::error::RecvError::Closed) => {
                return Err(End::Told(CloseCode::Away, "the supervisor is stopping"));
            }
        }
        Ok(())
    }

    /// Tells of all plugins, and from now on of changes. Listens first, so that what changes in between comes twice rather than never.
    fn overview(&mut self) {
        self.rescanned = Some(self.directory.rescanned());
        let plugins = self.directory.status().plugins.into_iter();
        let plugins: Vec<_> = plugins.map(|status| shown(&*self.directory, &self.origins, status)).collect();
        self.say(&ToClient::Overview { plugins: &plugins });
    }

    /// News of the sign-in and of the airline concern every UI. What is told is how things are now, so that news which was
    /// missed is made up for by the next.
    fn tell_access(&mut self, news: &Result<Notice, broadcast::error::RecvError>) -> Result<(), End> {
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
            self.say(&ToClient::Auth { authenticated: signed_in.authenticated });
        }
        if airline {
            self.say(&ToClient::Airline { airline: bound.airline.as_ref() });
        }
        Ok(())
    }

    /// Some changes were missed; the present state makes up for all of them.
    fn tell_all_states(&self) {
        for plugin in self.directory.status().plugins {
            if self.subscribed.contains(plugin.id.as_str()) {
                self.say(&ToClient::State { plugin: &plugin.id, state: plugin.shown_state() });
            }
        }
    }

    fn hear(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => {
                match serde_json::from_str(text.as_str()) {
                    Ok(frame) => self.obey(frame),
                    Err(error) => {
                        let what = format!("this is not a bus frame: {error}");
                        self.refuse(None, &RpcError::new(ErrorReason::InvalidRequest, what));
                    }
                }
                Ok(())
            }
            Some(Ok(Message::Binary(_))) => Err(End::Told(CloseCode::Unsupported, "send text frames")),
            // The library answers pings and closes; after a close the stream ends.
            Some(Ok(_)) => Ok(()),
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                Err(End::Told(CloseCode::Size, "frames have at most 1 MiB"))
            }
            Some(Err(_)) | None => Err(End::Gone),
        }
    }

    fn refuse(&self, id: Option<&CallId>, error: &RpcError) {
        self.say(&ToClient::Error { id, error });
    }

    fn obey(&mut self, frame: FromClient) {
        match frame {
            FromClient::Subscribe { plugin } => self.subscribe(plugin),
            FromClient::Unsubscribe { plugin } => {
                self.pushed.unsubscribe(&plugin);
                self.subscribed.remove(&plugin);
                self.services.leave(&plugin);
                self.say(&ToClient::Unsubscribed { plugin: &plugin });
            }
            FromClient::Invoke { id, plugin, channel, args } => {
                if let Err(error) = self.may_hear(&plugin).and_then(|()| self.may_call(&id)) {
                    return self.refuse(Some(&id), &error);
                }
                let answer = self.directory.invoke(plugin, channel, args);
                self.await_answer(id, answer);
            }
            FromClient::Overview => match self.share {
                Share::All => self.overview(),
                Share::Of(..) => {
                    let what = "a plugin's page hears of its own plugin alone";
                    self.refuse(None, &RpcError::new(ErrorReason::Denied, what));
                }
            },
            FromClient::Settings { id, plugin } => {
                if let Err(error) = self.may_hear(&plugin) {
                    return self.refuse(Some(&id), &error);
                }
                let settings = self.directory.settings(&plugin);
                let settings = serde_json::value::to_raw_value(&*settings)
                    .expect("INVARIANT: what was read from JSON is JSON again");
                self.say(&ToClient::Result { id: &id, result: &settings });
            }
            FromClient::Configure { id, plugin, key, value } => {
                self.configure(id, plugin, key, Change::Set(value));
            }
            FromClient::Reset { id, plugin, key } => self.configure(id, plugin, key, Change::Reset),
            FromClient::Cancel { id } => {
                // An unknown call is one whose answer is on its way.
                if let Some(cancel) = self.cancels.get(&id) {
                    cancel.abort();
                }
            }
            FromClient::Ping => self.say(&ToClient::Pong),
            FromClient::ServiceCall { id, plugin, service, method, params, timeout_ms } => {
                if let Err(error) = self.may_use(&plugin).and_then(|()| self.may_call(&id)) {
                    return self.refuse(Some(&id), &error);
                }
                let params = Some(raw(&params));
                let call = CallParams { service, method, params, caller: None, timeout_ms };
                let answer = self.services.call(&plugin, call);
                self.await_answer(id, answer);
            }
            FromClient::ServiceSubscribe { plugin, wanted } => {
                let subscribed =
                    self.may_use(&plugin).and_then(|()| self.services.subscribe(&plugin, &wanted));
                self.refuse_if(subscribed);
            }
            FromClient::ServiceUnsubscribe { plugin, wanted } => self.services.unsubscribe(&plugin, &wanted),
            FromClient::ServiceReply { plugin, reply } => self.services.reply(&plugin, reply),
            FromClient::ServiceProvide { service } => {
                let provided = self.may_provide().and_then(|()| self.services.provide(service));
                self.refuse_if(provided);
            }
            FromClient::ServiceWithdraw { service } => self.services.withdraw(&service),
            FromClient::ServiceAnswer { call, result, error } => {
                self.services.answer(&call, error.map_or_else(|| Ok(raw(&result)), Err));
            }
            FromClient::ServiceEmit { service, event, payload, to, latest } => {
                let payload = Some(raw(&payload));
                let emitted = self.services.emit(EmitParams { service, event, payload, to, latest });
                self.refuse_if(emitted);
            }
        }
    }

    fn await_answer(&mut self, id: CallId, answer: Later<Result<Box<RawValue>, RpcError>>) {
        let (cancel, cancelled) = AbortHandle::new_pair();
        let call = Abortable::new(answer, cancelled);
        self.cancels.insert(id.clone(), cancel);
        self.calls.push(Box::pin(async move { (id, call.await) }));
    }

    fn refuse_if(&self, done: Result<(), RpcError>) {
        if let Err(error) = done {
            self.refuse(None, &error);
        }
    }

    fn configure(&mut self, id: CallId, plugin: PluginId, key: ConfigKey, change: Change) {
        if let Err(error) = self.may_hear(&plugin).and_then(|()| self.may_call(&id)) {
            return self.refuse(Some(&id), &error);
        }
        if self.directory.plugin(plugin.as_str()).is_none() {
            let what = format!("there is no plugin {:?}", plugin.as_str());
            return self.refuse(Some(&id), &RpcError::new(ErrorReason::NotFound, what));
        }
        let change = self.directory.configure(plugin, key, change);
        self.await_answer(id, Box::pin(async move { change.await.map(|()| RawValue::NULL.to_owned()) }));
    }

    fn subscribe(&mut self, plugin: PluginId) {
        if let Err(error) = self.may_hear(&plugin) {
            return self.refuse(None, &error);
        }
        let Some(status) = self.directory.plugin(plugin.as_str()) else {
            let what = format!("there is no plugin {:?}", plugin.as_str());
            return self.refuse(None, &RpcError::new(ErrorReason::NotFound, what));
        };
        if self.subscribed.len() >= SUBSCRIPTIONS_MAX && !self.subscribed.contains(&plugin) {
            let what = format!("a client subscribes to at most {SUBSCRIPTIONS_MAX} plugins");
            return self.refuse(None, &RpcError::new(ErrorReason::LimitExceeded, what));
        }
        // Subscribed first, told second: what happens in between comes twice rather than never.
        self.pushed.subscribe_after(&plugin, || {
            let config = self.directory.config(&plugin);
            let (signed_in, bound) = self.directory.access();
            let told = ToClient::Subscribed {
                plugin: &plugin,
                state: status.shown_state(),
                config: &config,
                authenticated: signed_in.authenticated,
                airline: bound.airline.as_ref(),
            };
            told.text()
        });
        self.subscribed.insert(plugin);
    }

    /// Whether the plugin is in this client's share. Those that are not and those that are nobody's are told alike.
    fn may_hear(&self, plugin: &PluginId) -> Result<(), RpcError> {
        if self.share.has(plugin) {
            return Ok(());
        }
        let what = format!(
            "a page hears and asks its own plugin alone, and this one is not {:?}'s",
            plugin.as_str()
        );
        Err(RpcError::new(ErrorReason::NotFound, what))
    }

    /// As [`Self::may_hear`], and the plugin is there: who uses services stands in a list under its name.
    fn may_use(&self, plugin: &PluginId) -> Result<(), RpcError> {
        self.may_hear(plugin)?;
        if self.subscribed.contains(plugin) {
            return Ok(());
        }
        let what = format!("subscribe to plugin {plugin} first; its page then uses services under its name");
        Err(RpcError::new(ErrorReason::Conflict, what))
    }

    /// The operator's page answers what a host application would. A plugin's page answers nobody.
    fn may_provide(&self) -> Result<(), RpcError> {
        match self.share {
            Share::All => Ok(()),
            Share::Of(..) => {
                let what = "a plugin's page provides no service; its background program does, by `provides` in the manifest";
                Err(RpcError::new(ErrorReason::Denied, what))
            }
        }
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

    fn answer(&mut self, (id, outcome): CallOutcome) {
        self.cancels.remove(&id);
        match outcome {
            Ok(Ok(result)) => self.say(&ToClient::Result { id: &id, result: &result }),
            Ok(Err(error)) => self.refuse(Some(&id), &error),
            Err(Aborted) => {
                let error = RpcError::new(ErrorReason::Cancelled, "the client withdrew the call");
                self.refuse(Some(&id), &error);
            }
        }
    }
}

/// Resolves when this does; never where there is nothing.
async fn due(later: &mut Option<Later<()>>) {
    match later {
        Some(later) => later.await,
        None => std::future::pending().await,
    }
}

/// A value as JSON text.
fn raw(value: &serde_json::Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("INVARIANT: what was read as JSON is JSON")
}
