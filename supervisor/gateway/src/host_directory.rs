//! The host's handle as the gateway sees it: every answer from a snapshot, but for calls to plugins.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use outboard_host::Host;
use outboard_host::routes::Route;
use outboard_protocol::control::{HostEvent, StatusReport};
use outboard_protocol::id::{Channel, RoutePrefix};
use outboard_protocol::{PluginId, RpcError};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::sync::broadcast;

use crate::directory::{Directory, Later};

impl Directory for Host {
    fn route(&self, id: &str) -> Option<Arc<Route>> {
        self.routes().find(id)
    }

    fn owner_of(&self, path: &str) -> Option<(PluginId, RoutePrefix)> {
        self.services().prefixes.owner_of(path)
    }

    fn status(&self) -> StatusReport {
        Host::status(self, None)
    }

    fn install_dir(&self, id: &str) -> Option<PathBuf> {
        Host::install_dir(self, id)
    }

    fn invoke(
        &self,
        id: &PluginId,
        channel: Channel,
        args: Vec<Value>,
        timeout: Option<Duration>,
    ) -> Later<Result<Box<RawValue>, RpcError>> {
        let (host, id) = (self.clone(), id.clone());
        Box::pin(async move { Host::invoke(&host, &id, &channel, args, timeout).await })
    }

    fn config(&self, id: &PluginId) -> Map<String, Value> {
        let snapshot = self.services().config.snapshot(id);
        serde_json::from_str(snapshot.get()).expect("INVARIANT: the snapshot is one JSON object")
    }

    fn events(&self) -> broadcast::Receiver<HostEvent> {
        Host::events(self)
    }
}
