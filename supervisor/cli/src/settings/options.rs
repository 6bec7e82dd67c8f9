//! Everything that the settings decide, in the types of whoever uses it. What is not set has its user's own default.
//!
//! Filled by [`super::read`], row by row of [`super::keys`]. Must not know how a value is written.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use outboard_context::ContextOptions;
use outboard_gateway::{Address, GatewayOptions};
use outboard_host::PluginSettings;
use outboard_protocol::PluginId;
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::{LogsParams, RefreshFormat};

use super::kind::{Account, Color};
use super::trace::Trace;

/// The port that prebuilt user interfaces call.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 2066);

/// How many records `logs` shows when nobody says: a screenful.
const DEFAULT_LINES: u32 = 50;

/// What holds.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) runtime_dir: Option<PathBuf>,
    pub(crate) json: bool,
    pub(crate) color: Color,
    /// `None`: what the question needs.
    pub(crate) timeout: Option<Duration>,
    pub(crate) plugin_dirs: Vec<PathBuf>,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) listen: Address,
    pub(crate) ready_json: bool,
    pub(crate) exit_with_parent: bool,
    pub(crate) restart_supervisor: bool,
    pub(crate) hold_until_auth: bool,
    /// Least level on the console.
    pub(crate) log_level: LogLevel,
    /// Which of our events are told one by one.
    pub(crate) trace: Option<Trace>,
    pub(crate) gateway: GatewayOptions,
    pub(crate) http: Http,
    /// Without the folder, which `run` resolves.
    pub(crate) context: ContextOptions,
    pub(crate) node: Option<PathBuf>,
    pub(crate) logs: LogsParams,
    pub(crate) follow: bool,
    pub(crate) auth_token_file: Option<PathBuf>,
    pub(crate) airline: AirlineSignIn,
    /// For plugins that have no table of their own.
    pub(crate) common: OnePlugin,
    /// By id; complete, with what holds for all.
    pub(crate) plugins: BTreeMap<PluginId, OnePlugin>,
}

/// What holds for a plugin.
#[derive(Debug, Clone)]
pub(crate) struct OnePlugin {
    pub(crate) settings: PluginSettings,
    /// What it may keep in its data folder, in bytes.
    pub(crate) data: u64,
}

/// What has to be looked up or read before the gateway can use it.
#[derive(Debug, Default)]
pub(crate) struct Http {
    pub(crate) plugin_origin: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) allowed_users: Vec<Account>,
    pub(crate) socket_mode: Option<String>,
    pub(crate) socket_group: Option<Account>,
}

/// What `airline set` sends.
#[derive(Debug, Default)]
pub(crate) struct AirlineSignIn {
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) refresh_token_file: Option<PathBuf>,
    pub(crate) refresh_url: Option<String>,
    pub(crate) refresh_extra_file: Option<PathBuf>,
    pub(crate) format: RefreshFormat,
}

impl Default for Options {
    fn default() -> Self {
        let context = ContextOptions::new(PathBuf::new());
        Self {
            runtime_dir: None,
            json: false,
            color: Color::Auto,
            timeout: None,
            plugin_dirs: Vec::new(),
            data_dir: None,
            listen: Address::Tcp(DEFAULT_LISTEN),
            ready_json: false,
            exit_with_parent: false,
            restart_supervisor: false,
            hold_until_auth: false,
            log_level: LogLevel::Info,
            trace: None,
            gateway: GatewayOptions::default(),
            http: Http::default(),
            node: None,
            logs: LogsParams { lines: Some(DEFAULT_LINES), ..LogsParams::default() },
            follow: false,
            auth_token_file: None,
            airline: AirlineSignIn::default(),
            common: OnePlugin { settings: PluginSettings::default(), data: context.data.common },
            plugins: BTreeMap::new(),
            context,
        }
    }
}
