//! Test a plugin without a supervisor: a host in memory, which leads the plugin through its life over the real protocol and
//! answers its context calls from what the test has set up.
//!
//! ```
//! use outboard_plugin::{Plugin, testing::Setup};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let plugin = Plugin::new().on_start(|ctx| async move {
//!     let visits: u64 = ctx.config.get_or("visits", 0).await?;
//!     ctx.config.set("visits", &(visits + 1)).await?;
//!     Ok(())
//! });
//! let host = Setup::new("my-plugin").config("visits", 41).start(plugin).await.expect("it starts");
//! assert_eq!(host.config("visits"), Some(42.into()));
//! host.stop().await.expect("it stops");
//! # });
//! ```

mod context;
mod setup;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request as HttpRequest, Response as HttpResponse};
use outboard_protocol::RpcError;
use outboard_protocol::context::airline::{Airline, AirlineChangedParams, AirlineName};
use outboard_protocol::context::auth::AuthChangedParams;
use outboard_protocol::context::config::ChangedParams;
use outboard_protocol::context::ipc::InvokeParams;
use outboard_protocol::context::service::{CallParams, EventParams, ReplyParams};
use outboard_protocol::error::ErrorReason;
use outboard_protocol::handshake::{
    HostInfo, HttpInfo, InitializeParams, InitializeResult, PluginInfo, StopParams, StopReason,
};
use outboard_protocol::id::{Channel, ConfigKey, PluginId, ServiceMember, ServiceName};
use outboard_protocol::methods::{
    AirlineChanged, AuthChanged, ConfigChanged, Initialize, IpcInvoke, Request, ServiceCall, ServiceEvent,
    Stop,
};
use outboard_protocol::version::SUPPORTED;
use outboard_protocol::wire::FRAME_MAX;
use outboard_protocol::wire::frame::{Decoder, Frame};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;

use context::World;
pub use context::{Emitted, Event, Record};
pub use setup::Setup;

use crate::failure::CallError;
use crate::plugin::Plugin;
use crate::session::outbox::Urgency;
use crate::session::peer::{Asked, Peer};
use crate::session::serving::Routers;

/// How long the host waits for the plugin before a test fails: generous, since it only guards against hanging.
const WAIT: Duration = Duration::from_secs(20);
/// A host in memory, with one plugin running. Dropping it ends the plugin without a `stop`.
pub struct Host {
    id: String,
    version: String,
    peer: Arc<Peer>,
    world: Arc<World>,
    routers: Routers,
    plugin: JoinHandle<()>,
    conversation: JoinHandle<()>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.plugin.abort();
        self.conversation.abort();
        // A folder in the temporary folder that is left behind does no harm.
        let _ = std::fs::remove_dir_all(&self.world.data_dir);
    }
}

impl Host {
    /// A plugin under the id `test-plugin`, on a host with nothing set up.
    ///
    /// # Errors
    /// The plugin's own error, when its start failed.
    pub async fn start(plugin: Plugin) -> Result<Self, RpcError> {
        Setup::new("test-plugin").start(plugin).await
    }

    async fn initialize(&self) -> Result<InitializeResult, RpcError> {
        let params = InitializeParams {
            protocol_versions: SUPPORTED.to_vec(),
            host: HostInfo { name: "outboard-test-host".to_owned(), version: "0.0.0".to_owned() },
            plugin: PluginInfo {
                id: PluginId::new(&self.id)?,
                version: self.version.clone(),
                install_dir: ".".to_owned(),
                data_dir: self.world.data_dir.display().to_string(),
            },
            http: HttpInfo { base_url: context::BASE_URL.to_owned(), prefix: format!("/api/{}", self.id) },
            features: Vec::new(),
        };
        let answer = self.ask(Initialize::NAME, &params).await?;
        serde_json::from_value(answer)
            .map_err(|error| RpcError::new(ErrorReason::InternalError, format!("initialize: {error}")))
    }

    /// Any host call, for what has no method of its own here.
    ///
    /// # Errors
    /// The plugin's answer where it is an error; `timeout` when it does not answer.
    pub async fn ask(&self, method: &'static str, params: &impl Serialize) -> Result<Value, RpcError> {
        let raw = self.peer.call(method, params, WAIT).await.map_err(as_rpc)?;
        serde_json::from_str(raw.get())
            .map_err(|error| RpcError::new(ErrorReason::InternalError, format!("{method}: {error}")))
    }

    /// Calls a channel, as a UI would. Dropping the future withdraws the call.
    ///
    /// # Errors
    /// The plugin's error; `not_found` when it does not answer on this channel.
    pub async fn invoke(&self, channel: &str, args: Vec<Value>) -> Result<Value, RpcError> {
        let channel = Channel::new(channel)?;
        self.ask(IpcInvoke::NAME, &InvokeParams { channel, args }).await
    }

    /// Calls a service that the plugin provides, as another plugin would.
    ///
    /// # Errors
    /// The plugin's error; `method_not_found` when it has no such method.
    pub async fn call_service(
        &self,
        service: &str,
        method: &str,
        params: impl Into<Value>,
        caller: &str,
    ) -> Result<Value, RpcError> {
        let params = serde_json::value::to_raw_value(&params.into())
            .map_err(|error| RpcError::new(ErrorReason::InvalidParams, error.to_string()))?;
        let call = CallParams {
            service: ServiceName::new(service)?,
            method: ServiceMember::new(method)?,
            params: Some(params),
            caller: Some(PluginId::new(caller)?),
            timeout_ms: None,
        };
        self.ask(ServiceCall::NAME, &call).await
    }

    /// Tells the plugin an event of a service, whether or not it is subscribed.
    ///
    /// # Errors
    /// `invalid_params` for a name that breaks the rules, `shutting_down` when the plugin is gone.
    pub fn tell_event(&self, service: &str, event: &str, payload: impl Into<Value>) -> Result<(), RpcError> {
        self.tell(ServiceEvent::NAME, &event_of(service, event, &payload.into(), None)?)
    }

    /// Asks the plugin by an event, as a provider does. `None` when it gave no answer within a generous time.
    ///
    /// # Errors
    /// The plugin's own error; `invalid_params` for a name that breaks the rules.
    pub async fn ask_by_event(
        &self,
        service: &str,
        event: &str,
        payload: impl Into<Value>,
    ) -> Result<Option<Value>, RpcError> {
        let answer = "asked-by-the-test".to_owned();
        self.tell(ServiceEvent::NAME, &event_of(service, event, &payload.into(), Some(answer.clone()))?)?;
        match tokio::time::timeout(WAIT, self.world.reply_to(&answer)).await {
            Ok(ReplyParams { error: Some(error), .. }) => Err(error),
            Ok(ReplyParams { result, .. }) => Ok(Some(result.unwrap_or_default())),
            Err(_) => Ok(None),
        }
    }

    /// The next event of a service that the plugin provides; waits for one. `None` when none came within a generous time.
    pub async fn next_emitted(&self) -> Option<Emitted> {
        tokio::time::timeout(WAIT, self.world.next_emitted()).await.ok()
    }

    /// The events of services that the plugin is subscribed to: service and event.
    pub fn subscriptions(&self) -> Vec<(String, String)> {
        self.world.subscriptions()
    }

    /// Sends an HTTP request to the plugin's routers, as the gateway would. The path is the full one, prefix included.
    pub async fn request(&self, request: HttpRequest<Body>) -> HttpResponse<Body> {
        self.routers.answer(request).await
    }

    /// GET a path: the status and the whole body.
    ///
    /// # Panics
    /// When the path is none, or the body breaks off.
    pub async fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let request = HttpRequest::get(path).body(Body::empty()).expect("a path and query");
        let response = self.request(request).await;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
        (status, body.to_vec())
    }

    /// What is stored under a config key.
    pub fn config(&self, key: &str) -> Option<Value> {
        self.world.stored(key)
    }

    /// An operator sets a config value; the plugin is told.
    ///
    /// # Errors
    /// `invalid_params` for a key that breaks the rules.
    pub fn set_config(&self, key: &str, value: impl Into<Value>) -> Result<(), RpcError> {
        let (key, value) = (ConfigKey::new(key)?, value.into());
        self.world.store(key.as_str(), value.clone());
        self.tell(ConfigChanged::NAME, &ChangedParams { key, value, deleted: false })
    }

    /// Somebody signs in, or out; the plugin is told.
    ///
    /// # Errors
    /// `shutting_down` when the plugin is gone.
    pub fn set_token(&self, token: Option<&str>) -> Result<(), RpcError> {
        self.world.sign(token.map(ToOwned::to_owned));
        self.tell(AuthChanged::NAME, &AuthChangedParams { authenticated: token.is_some() })
    }

    /// The host is bound to another airline, or to none; the plugin is told.
    ///
    /// # Errors
    /// `shutting_down` when the plugin is gone.
    pub fn set_airline(&self, airline: Option<Airline>) -> Result<(), RpcError> {
        let name = airline.as_ref().map(|a| AirlineName { id: a.id.clone(), base_url: a.base_url.clone() });
        self.world.bind(airline);
        self.tell(AirlineChanged::NAME, &AirlineChangedParams { airline: name })
    }

    /// The next event that the plugin pushed to its UIs; waits for one. `None` when none came within a generous time.
    pub async fn next_event(&self) -> Option<Event> {
        tokio::time::timeout(WAIT, self.world.next_event()).await.ok()
    }

    /// The log records so far, oldest first.
    pub fn logs(&self) -> Vec<Record> {
        self.world.records()
    }

    /// Waits for a log record with this message. `None` when none came within a generous time.
    pub async fn logged(&self, message: &str) -> Option<Record> {
        tokio::time::timeout(WAIT, self.world.logged(message)).await.ok()
    }

    /// The prefixes that the plugin has registered.
    pub fn prefixes(&self) -> Vec<String> {
        self.world.registered_prefixes()
    }

    /// Says `stop`, and waits for the plugin to end.
    ///
    /// # Errors
    /// The plugin's own error; `timeout` when it did not end.
    pub async fn stop(mut self) -> Result<(), RpcError> {
        let answer = self.ask(Stop::NAME, &StopParams { reason: StopReason::Stopped }).await;
        self.ended().await?;
        answer.map(|_| ())
    }

    /// Hangs up without a `stop`, and waits for the plugin to end.
    ///
    /// # Errors
    /// `timeout` when it did not end.
    pub async fn hang_up(mut self) -> Result<(), RpcError> {
        self.peer.close();
        self.ended().await
    }

    async fn ended(&mut self) -> Result<(), RpcError> {
        match tokio::time::timeout(WAIT, &mut self.plugin).await {
            Ok(_) => Ok(()),
            Err(_) => Err(RpcError::new(ErrorReason::Timeout, "the plugin did not end")),
        }
    }

    fn tell(&self, method: &'static str, params: &impl Serialize) -> Result<(), RpcError> {
        self.peer.tell(Urgency::Normal, method, params).map_err(as_rpc)
    }
}

fn event_of(
    service: &str,
    event: &str,
    payload: &Value,
    answer: Option<String>,
) -> Result<EventParams, RpcError> {
    let payload = serde_json::value::to_raw_value(payload)
        .map_err(|error| RpcError::new(ErrorReason::InvalidParams, error.to_string()))?;
    let (service, event) = (ServiceName::new(service)?, ServiceMember::new(event)?);
    Ok(EventParams { service, event, payload: Some(payload), missed: 0, answer })
}

fn as_rpc(error: CallError) -> RpcError {
    match error {
        CallError::Refused { error, .. } => error,
        other => {
            let reason = other.reason().unwrap_or(ErrorReason::InternalError);
            RpcError::new(reason, other.to_string())
        }
    }
}

async fn converse(
    peer: Arc<Peer>,
    world: Arc<World>,
    from_plugin: impl AsyncRead + Unpin,
    to_plugin: tokio::io::DuplexStream,
) {
    let reading = async {
        read_from(&peer, &world, from_plugin).await;
        peer.close();
    };
    // The writer ends once the conversation is closed; then the plugin sees the end of its input.
    let writing = peer.outbox.write_to(to_plugin);
    tokio::select! {
        ((), ()) = async { tokio::join!(reading, writing) } => {}
        () = peer.watch_deadlines() => {}
    }
}

async fn read_from(peer: &Peer, world: &World, mut from_plugin: impl AsyncRead + Unpin) {
    let mut decoder = Decoder::new(FRAME_MAX);
    loop {
        match from_plugin.read_buf(decoder.buffer()).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        while let Some(frame) = decoder.next_frame() {
            let Frame::Line(line) = frame else { continue };
            peer.receive(line, |asked| match asked {
                Asked::Call { id, method, params } => peer.answer(id, world.answer(method, params)),
                Asked::Told { method, params } => world.told(method, params),
            });
        }
    }
}
