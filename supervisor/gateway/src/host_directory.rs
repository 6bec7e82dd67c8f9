//! The host's handle as the gateway sees it: every answer from a snapshot, but for calls to plugins.

use std::path::PathBuf;
use std::sync::Arc;

use outboard_broker::Broker;
use outboard_context::{BusClient, Notice};
use outboard_host::routes::Route;
use outboard_host::{Host, Icons};
use outboard_protocol::control::{AirlineStatus, AuthStatus, HostEvent, PluginStatus, StatusReport};
use outboard_protocol::id::{Channel, ConfigKey, RoutePrefix};
use outboard_protocol::settings::Setting;
use outboard_protocol::{PluginId, RpcError};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::broadcast;

use crate::directory::{Change, Directory, Later};

impl Directory for Host {
    fn known(&self) -> Later<()> {
        let host = self.clone();
        Box::pin(async move { host.scanned().await })
    }

    fn route(&self, id: &str) -> Option<Arc<Route>> {
        self.routes().find(id)
    }

    fn application(&self, number: u64) -> Option<Arc<Route>> {
        self.routes().application(number)
    }

    fn owner_of(&self, path: &str) -> Option<(PluginId, RoutePrefix)> {
        self.context().prefixes.owner_of(path)
    }

    fn status(&self) -> StatusReport {
        Host::status(self, None)
    }

    fn plugin(&self, id: &str) -> Option<PluginStatus> {
        Host::status(self, Some(id)).plugins.pop()
    }

    fn has_ui(&self, id: &str) -> bool {
        Host::has_ui(self, id)
    }

    fn icons(&self, id: &str) -> Icons {
        Host::icons(self, id)
    }

    fn rescanned(&self) -> Later<()> {
        Box::pin(Host::rescanned(self))
    }

    fn install_dir(&self, id: &str) -> Option<PathBuf> {
        Host::install_dir(self, id)
    }

    fn invoke(
        &self,
        id: PluginId,
        channel: Channel,
        args: Vec<Value>,
    ) -> Later<Result<Box<RawValue>, RpcError>> {
        let host = self.clone();
        Box::pin(async move { Host::invoke(&host, &id, &channel, args, None).await })
    }

    fn bus(&self) -> BusClient {
        self.context().bus.connect()
    }

    fn broker(&self) -> Broker {
        self.context().broker.clone()
    }

    fn config(&self, id: &PluginId) -> Box<RawValue> {
        self.context().config.snapshot(id)
    }

    fn settings(&self, id: &PluginId) -> Arc<[Setting]> {
        self.context().config.settings(id)
    }

    fn configure(&self, id: PluginId, key: ConfigKey, change: Change) -> Later<Result<(), RpcError>> {
        let config = &self.context().config;
        match change {
            Change::Set(value) => config.set_from_page(&id, &key, &value),
            Change::Reset => {
                let erased = config.delete_from_page(&id, &key);
                Box::pin(async move { erased.await.map(drop) })
            }
        }
    }

    fn access(&self) -> (AuthStatus, AirlineStatus) {
        (self.context().auth.status(), self.context().airline.status())
    }

    fn news(&self) -> broadcast::Receiver<Notice> {
        self.context().news()
    }

    fn events(&self) -> broadcast::Receiver<HostEvent> {
        Host::events(self)
    }
}
