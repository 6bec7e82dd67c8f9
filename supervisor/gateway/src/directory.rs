//! What the gateway needs to know of the rest of the supervisor.
//!
//! The host's handle implements it; tests give it a few maps. Everything that a proxied request asks is answered from
//! snapshots, without waiting.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use outboard_broker::Broker;
use outboard_context::{BusClient, Notice};
use outboard_host::Icons;
use outboard_host::routes::Route;
use outboard_protocol::control::{AirlineStatus, AuthStatus, HostEvent, PluginStatus, StatusReport};
use outboard_protocol::id::{Channel, ConfigKey, RoutePrefix};
use outboard_protocol::settings::Setting;
use outboard_protocol::{PluginId, RpcError};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::broadcast;

/// A future that can be kept.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What becomes of a key.
#[derive(Debug)]
pub enum Change {
    /// It has this value.
    Set(Value),
    /// It has the manifest's default again, if there is one.
    Reset,
}

/// What the gateway may ask.
pub trait Directory: Send + Sync + 'static {
    /// Resolves once it is known which plugins there are.
    fn known(&self) -> Later<()>;

    /// The route of a plugin; `None` when there is no such plugin. Never waits.
    fn route(&self, id: &str) -> Option<Arc<Route>>;

    /// The route of a host application, by its number at the broker; `None` when it is gone. Never waits.
    fn application(&self, number: u64) -> Option<Arc<Route>>;

    /// Which plugin registered the longest prefix that covers a path, and the prefix. Never waits.
    fn owner_of(&self, path: &str) -> Option<(PluginId, RoutePrefix)>;

    /// The supervisor and its plugins at this moment.
    fn status(&self) -> StatusReport;

    /// One plugin at this moment; also one that cannot be used.
    fn plugin(&self, id: &str) -> Option<PluginStatus>;

    /// Whether a plugin has a UI, as of the last look at its folder.
    fn has_ui(&self, id: &str) -> bool;

    /// A plugin's icons, as its manifest names them.
    fn icons(&self, id: &str) -> Icons;

    /// Resolves when it is known anew which plugins there are, counted from this call on.
    fn rescanned(&self) -> Later<()>;

    /// Where a plugin is installed.
    fn install_dir(&self, id: &str) -> Option<PathBuf>;

    /// Asks a plugin, as its UI does. Dropping the future withdraws the call.
    fn invoke(
        &self,
        id: PluginId,
        channel: Channel,
        args: Vec<Value>,
    ) -> Later<Result<Box<RawValue>, RpcError>>;

    /// A new client of the bus, without subscriptions.
    fn bus(&self) -> BusClient;

    /// Who provides which service.
    fn broker(&self) -> Broker;

    /// A plugin's configuration as its UI sees it: one JSON object.
    fn config(&self, id: &PluginId) -> Box<RawValue>;

    /// What may be set for a plugin, as its manifest declares it.
    fn settings(&self, id: &PluginId) -> Arc<[Setting]>;

    /// Sets a key of a plugin's for its page, or forgets it; done when it is on disk.
    fn configure(&self, id: PluginId, key: ConfigKey, change: Change) -> Later<Result<(), RpcError>>;

    /// Whether somebody is signed in, and the bound airline without its secrets.
    fn access(&self) -> (AuthStatus, AirlineStatus);

    /// What every plugin is told, from now on: news of the sign-in and of the airline.
    fn news(&self) -> broadcast::Receiver<Notice>;

    /// Changes of plugins' states, from now on.
    fn events(&self) -> broadcast::Receiver<HostEvent>;
}
