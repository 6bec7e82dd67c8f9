//! `ctx`: what a plugin may ask of its host, one file a namespace, each named as the author sees it.
//!
//! Made at the handshake and handed to every hook; clones are cheap and may go anywhere. Must not know the lifecycle.

pub mod airline;
pub mod auth;
pub mod config;
pub mod database;
pub mod ipc;
pub mod logger;
pub(crate) mod registration;
pub mod server;
pub mod service;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use outboard_protocol::handshake::{HttpInfo, PluginInfo};

use crate::session::Session;

/// The plugin's view of its host. A handle: clones share one session.
///
/// The namespaces are fields: `ctx.logger.info("Tag", "message")`, `ctx.config.get("key").await?`.
#[derive(Clone, Debug)]
pub struct Context(Arc<Namespaces>);

/// The namespaces of [`Context`], reached through it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Namespaces {
    /// Structured log records.
    pub logger: logger::Logger,
    /// The plugin's own durable values.
    pub config: config::Config,
    /// Messages to and from the plugin's UIs.
    pub ipc: ipc::Ipc,
    /// The host's sign-in.
    pub auth: auth::Auth,
    /// The airline that the host is bound to.
    pub airline: airline::AirlineAccess,
    /// SQLite files in the plugin's data folder.
    pub database: database::Database,
    /// HTTP below the plugin's prefixes.
    pub server: server::Server,
    session: Arc<Session>,
    plugin: PluginInfo,
    http: HttpInfo,
    resumed_from: OnceLock<String>,
}

impl std::ops::Deref for Context {
    type Target = Namespaces;

    fn deref(&self) -> &Namespaces {
        &self.0
    }
}

impl Context {
    pub(crate) fn new(session: &Arc<Session>, plugin: PluginInfo, http: HttpInfo) -> Self {
        Self(Arc::new(Namespaces {
            logger: logger::Logger::new(session),
            config: config::Config::new(session),
            ipc: ipc::Ipc::new(session),
            auth: auth::Auth::new(session),
            airline: airline::AirlineAccess::new(session),
            database: database::Database::new(session),
            server: server::Server::new(session),
            session: Arc::clone(session),
            plugin,
            http,
            resumed_from: OnceLock::new(),
        }))
    }

    pub(crate) fn set_resumed_from(&self, version: Option<String>) {
        if let Some(version) = version {
            // Set once: the lifecycle lets one start or resume through.
            let _ = self.0.resumed_from.set(version);
        }
    }
}

impl Namespaces {
    /// A service by its name: what only the host application or another plugin knows, or what this plugin provides.
    pub fn service(&self, name: &str) -> service::Service {
        service::Service::new(&self.session, name)
    }

    /// The id from the manifest.
    pub fn plugin_id(&self) -> &str {
        self.plugin.id.as_str()
    }

    /// The version from the manifest.
    pub fn plugin_version(&self) -> &str {
        &self.plugin.version
    }

    /// The folder that holds `plugin.json`.
    pub fn install_dir(&self) -> &Path {
        Path::new(&self.plugin.install_dir)
    }

    /// The plugin's own folder for what it keeps. It may not exist yet.
    pub fn data_dir(&self) -> &Path {
        Path::new(&self.plugin.data_dir)
    }

    /// Origin of the host's HTTP side, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.http.base_url
    }

    /// The plugin's own route prefix, `/api/<id>`.
    pub fn http_prefix(&self) -> &str {
        &self.http.prefix
    }

    /// The version that ran before an update; `None` in a plugin that was simply started.
    pub fn resumed_from(&self) -> Option<&str> {
        self.resumed_from.get().map(String::as_str)
    }
}

/// Makes a namespace: a struct that shares the session, and prints as its name.
macro_rules! namespace {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            session: std::sync::Arc<crate::session::Session>,
        }

        impl $name {
            pub(crate) fn new(session: &std::sync::Arc<crate::session::Session>) -> Self {
                Self { session: std::sync::Arc::clone(session) }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}
pub(crate) use namespace;
