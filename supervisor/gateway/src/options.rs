//! What the front door and the proxy may be told, and every limit and timeout they keep.
//!
//! The binary fills it from its settings. Must not know where values come from.

use std::time::Duration;

use crate::admission::plugin_origin::PluginOrigin;
use crate::admission::token::Token;

/// Names, limits and timeouts. The defaults are what ships.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// Hosts by which clients may call us, besides 127.0.0.1, localhost, `[::1]` and the listen address: `name`, which means
    /// the listen port or none, or `name:port`.
    pub allowed_hosts: Vec<String>,
    /// Origins of pages that may call us although we did not serve them, written as browsers send them, such as
    /// `http://localhost:5173` or `app://shell`.
    pub allowed_origins: Vec<String>,
    /// Whether every plugin has an origin of its own. Off for browsers that do not resolve `*.localhost`; all pages share one then.
    pub isolate_origins: bool,
    /// Where plugins' origins are for browsers on other machines.
    pub plugin_origin: Option<PluginOrigin>,
    /// The token that lets a program in where nothing else tells who asks; without one such programs stay outside.
    pub token: Option<Token>,
    /// Users of this machine who may connect, besides our own and root, by uid: those of a reverse proxy, for example.
    pub allowed_users: Vec<u32>,
    /// Whether peers of whom the system tells no user, as those on other machines, need not show the token.
    pub trust_unknown_peers: bool,
    /// How many connections may be open besides WebSockets. Enough for every tab of every browser. A proxied request takes two
    /// descriptors, so that fewer fit where the limit of descriptors is low.
    pub connections: usize,
    /// How many WebSockets may be open, those of the UI bus among them: a share of their own, since each stays for hours.
    pub websockets: usize,
    /// Longest head of a request, in bytes. Browsers stay below 16 KiB; cookies of many plugins on one host add up.
    pub head_bytes: usize,
    /// How long a whole head may take, from its first byte: a person's slow line manages in a second.
    pub head_timeout: Duration,
    /// How long a connection may lie idle between two requests. Longer than browsers keep theirs, so that they close first.
    pub keep_alive: Duration,
    /// How long a client may take for the next bytes of a body.
    pub client_stall: Duration,
    /// How long a client may take nothing of an answer. Players fill a buffer and pause; curl with a limited rate reads a hundred
    /// times that ahead, and then pauses for a hundred seconds.
    pub client_unread: Duration,
    /// How long what a client still sends is read past after its request was refused or answered early: enough for it to stop
    /// and read the answer, short enough that its seat is soon another's.
    pub client_linger: Duration,
    /// How long a plugin may take to begin its answer. As long as proxies commonly allow; longer work belongs in a stream.
    pub answer_timeout: Duration,
    /// How long the first answer of a process may take, once it has the whole request, before operators are told. Nothing is cut
    /// short by it.
    pub first_answer_notice: Duration,
    /// How long a plugin may leave an answer that has begun, or an upload, without a byte. Streams of events may be quiet for
    /// long, so this only finds what is dead.
    pub stream_idle: Duration,
    /// How long an upgraded connection (WebSocket) may be silent in both directions.
    pub tunnel_idle: Duration,
    /// How many requests may wait for one plugin to start.
    pub waiting_requests: usize,
    /// How much memory the requests that wait for one plugin may hold, in bytes.
    pub waiting_bytes: usize,
    /// How long a request may wait for its plugin.
    pub waiting_time: Duration,
    /// How many idle connections are kept per plugin. More than browsers open to one host, times a few windows.
    pub pool_size: usize,
    /// How long a connection to a plugin is kept idle. Shorter than the 2 s after which the quickest of the common servers
    /// closes one, so that a request is not sent into a closing door.
    pub pool_idle: Duration,
    /// How many UI bus connections may be open: each holds a queue.
    pub bus_clients: usize,
    /// Whether each request becomes a line in the log. A busy page would drive everything else out of the files, and the line
    /// costs as much as the request.
    pub log_requests: bool,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            isolate_origins: true,
            plugin_origin: None,
            token: None,
            allowed_users: Vec::new(),
            trust_unknown_peers: false,
            connections: 512,
            websockets: 512,
            head_bytes: 64 * 1024,
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(120),
            client_stall: Duration::from_secs(60),
            client_unread: Duration::from_secs(5 * 60),
            client_linger: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(60),
            first_answer_notice: Duration::from_secs(5),
            stream_idle: Duration::from_secs(30 * 60),
            tunnel_idle: Duration::from_secs(2 * 60 * 60),
            waiting_requests: 128,
            waiting_bytes: 8 * 1024 * 1024,
            waiting_time: Duration::from_secs(10),
            pool_size: 64,
            pool_idle: Duration::from_secs(1),
            bus_clients: 256,
            log_requests: false,
        }
    }
}
