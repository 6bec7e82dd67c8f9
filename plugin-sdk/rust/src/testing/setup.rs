//! What the test host is to be like, and the start of the plugin on it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use outboard_protocol::RpcError;
use outboard_protocol::context::airline::{Airline, RequestParams, RequestResult};
use outboard_protocol::handshake::{Empty, Hook, ResumeParams};
use outboard_protocol::methods::{Request, Resume, Start};
use serde_json::Value;

use super::context::{Facts, World};
use super::{Host, converse};
use crate::plugin::Plugin;
use crate::session::peer::Peer;
use crate::session::serving::{Listening, Routers};

/// Bytes that either direction of the wire holds; small, so that tests meet full pipes.
const PIPE: usize = 16 * 1024;

/// What the host is to be like.
pub struct Setup {
    id: String,
    version: String,
    facts: Facts,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Setup {
    /// A host that runs one plugin under this id, with an empty configuration, signed out, bound to no airline.
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), version: "0.0.0".to_owned(), facts: Facts::default() }
    }

    /// The version in the plugin's manifest.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// A config value that was set before.
    #[must_use]
    pub fn config(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.facts.config.insert(key.to_owned(), value.into());
        self
    }

    /// A default that the manifest declares.
    #[must_use]
    pub fn declared_default(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.facts.defaults.insert(key.to_owned(), value.into());
        self
    }

    /// Somebody is signed in, with this token.
    #[must_use]
    pub fn signed_in(mut self, token: &str) -> Self {
        self.facts.token = Some(token.to_owned());
        self
    }

    /// The host is bound to this airline.
    #[must_use]
    pub fn airline(mut self, airline: Airline) -> Self {
        self.facts.airline = Some(airline);
        self
    }

    /// What the airline's API answers to `airline.request`.
    #[must_use]
    pub fn airline_api(mut self, api: impl Fn(RequestParams) -> RequestResult + Send + 'static) -> Self {
        self.facts.airline_api = Some(Box::new(api));
        self
    }

    /// Another plugin owns this prefix.
    #[must_use]
    pub fn foreign_prefix(mut self, prefix: &str) -> Self {
        self.facts.foreign_prefixes.insert(prefix.to_owned());
        self
    }

    /// Somebody provides this service, and answers so: method and parameters in, the answer out.
    #[must_use]
    pub fn service(
        mut self,
        name: &str,
        answer: impl Fn(&str, Value) -> Result<Value, RpcError> + Send + 'static,
    ) -> Self {
        self.facts.services.insert(name.to_owned(), Box::new(answer));
        self
    }

    /// How large each database may become, in bytes; without it there is no limit.
    #[must_use]
    pub fn database_bytes(mut self, bytes: u64) -> Self {
        self.facts.database_bytes = Some(bytes);
        self
    }

    /// Runs the plugin: `initialize`, then `start`.
    ///
    /// # Errors
    /// The plugin's own error, when its start failed.
    pub async fn start(self, plugin: Plugin) -> Result<Host, RpcError> {
        let host = self.spawn(plugin);
        host.initialize().await?;
        host.ask(Start::NAME, &Empty {}).await?;
        Ok(host)
    }

    /// Runs the plugin as after an update: `initialize`, then `resume`, or `start` when it has no `on_resume`.
    ///
    /// # Errors
    /// The plugin's own error, when its start failed.
    pub async fn resume(self, plugin: Plugin, from_version: &str) -> Result<Host, RpcError> {
        let host = self.spawn(plugin);
        let greeting = host.initialize().await?;
        if greeting.has_hook(Hook::OnResume) {
            host.ask(Resume::NAME, &ResumeParams { from_version: from_version.to_owned() }).await?;
        } else {
            host.ask(Start::NAME, &Empty {}).await?;
        }
        Ok(host)
    }

    fn spawn(self, plugin: Plugin) -> Host {
        let peer = Arc::new(Peer::default());
        let routers = Routers::new(Listening::Open);
        let (to_plugin, plugin_in) = tokio::io::duplex(PIPE);
        let (plugin_out, from_plugin) = tokio::io::duplex(PIPE);
        let shared = routers.clone();
        let plugin = tokio::spawn(async move {
            plugin.converse(Box::new(plugin_in), Box::new(plugin_out), shared).await;
        });
        let world = Arc::new(World::new(self.facts, fresh_folder()));
        let conversation =
            tokio::spawn(converse(Arc::clone(&peer), Arc::clone(&world), from_plugin, to_plugin));
        Host { id: self.id, version: self.version, peer, world, routers, plugin, conversation }
    }
}

fn fresh_folder() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("outboard-test-{}-{number}", std::process::id()))
}
