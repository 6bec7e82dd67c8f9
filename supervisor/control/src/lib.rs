//! The control API: everything that an operator may ask, as JSON-RPC over a Unix socket.
//!
//! # Theory of operation
//!
//! ```text
//!   control.sock (0600) ──accept──▶ listener   connections counted, peer's uid looked at
//!                                     │ hyper
//!                                     ▼
//!                                   access     credential in the header, or 401; nothing from a web page
//!                                     │
//!                                     ▼
//!                                   jsonrpsee  WebSocket, or HTTP POST for single questions
//!                                     │
//!                                     ▼
//!                                   unknown    what is in no row of the table
//!                                     │
//!                                     ▼
//!                                   methods, subscriptions ──▶ Host
//!                                   providers ────────────────▶ Broker
//! ```
//!
//! A plugin runs as the same user and can connect to the socket; therefore the credential. Its file is readable by that user
//! as well, so this keeps out accidents and web pages, not a malicious plugin; that is for the sandbox.
//!
//! What may be asked is one table, [`outboard_protocol::control::methods`]: a row that is not served does not compile, and the
//! OpenRPC document that `rpc.discover` answers with is generated from it, as is `docs/CONTROL.md`.
//!
//! Every bound is a constant below. Called by the composition root; must not know the command line.

mod access;
mod credential;
mod listener;
mod methods;
mod parameters;
mod providers;
mod subscriptions;
mod unknown;

use std::io;
use std::time::Duration;

use jsonrpsee::server::middleware::rpc::RpcServiceBuilder;
use jsonrpsee::server::{
    BatchRequestConfig, PingConfig, Server, ServerConfig, ServerHandle, StopHandle, TowerServiceBuilder,
    stop_channel,
};
use jsonrpsee::{Methods, RpcModule};
use outboard_host::Host;
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tower::layer::util::{Identity, Stack};

use providers::Providers;
use unknown::KnownLayer;

pub use credential::{Credential, CredentialError};
pub use listener::{BindError, bind};

/// Connections at once. Each operator's command takes one for some milliseconds, each `logs -f` one for long.
const CONNECTIONS: u32 = 64;
/// Largest question: a config value and what is around it.
const QUESTION_MAX: u32 = 8 * 1024 * 1024;
/// Largest answer: a page of log records, or what a plugin answers.
const ANSWER_MAX: u32 = 32 * 1024 * 1024;
/// Messages that wait for a WebSocket client that does not read. Beyond, its subscriptions wait, and what they read from
/// counts what it drops.
const OUTGOING: u32 = 256;
/// Subscriptions on one connection: one for each plugin of a large installation, in a dashboard.
const SUBSCRIPTIONS: u32 = 256;
/// How often a WebSocket client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// And how long it may be silent before its place is given to somebody else.
const SILENT_FOR: Duration = Duration::from_secs(90);
/// How long open connections may take to end at shutdown: long enough for an answer that is being written.
const FAREWELL: Duration = Duration::from_secs(1);

/// The running control API.
#[derive(Debug)]
pub struct Control {
    accepting: JoinHandle<()>,
    server: ServerHandle,
    renewal: mpsc::Sender<UnixListener>,
}

impl Control {
    /// Serves on a socket from [`bind`] until [`Control::stop`].
    ///
    /// # Errors
    /// When the socket cannot be waited on.
    pub fn serve(
        host: Host,
        socket: std::os::unix::net::UnixListener,
        credential: Credential,
    ) -> io::Result<Self> {
        let socket = UnixListener::from_std(socket)?;
        let (stop, server) = stop_channel();
        let service = Service { builder: builder(), methods: module(host).into(), stop };
        let (renewal, renewed) = mpsc::channel(1);
        let accepting = tokio::spawn(listener::accept(socket, renewed, service, credential));
        Ok(Self { accepting, server, renewal })
    }

    /// Where to send a socket from [`bind`] that takes the place of the present one, whose file somebody removed. Connections
    /// that are open stay.
    pub fn renewal(&self) -> mpsc::Sender<UnixListener> {
        self.renewal.clone()
    }

    /// Takes no more connections and ends those that are open; bounded in time.
    pub async fn stop(self) {
        // Failing means that it has stopped already.
        let _ = self.server.stop();
        let _ = tokio::time::timeout(FAREWELL, self.server.stopped()).await;
        let mut accepting = self.accepting;
        if tokio::time::timeout(FAREWELL, &mut accepting).await.is_err() {
            accepting.abort();
        }
    }
}

/// What each connection needs.
#[derive(Clone)]
struct Service {
    builder: Builder,
    methods: Methods,
    stop: StopHandle,
}

type Builder = TowerServiceBuilder<Stack<KnownLayer, Identity>, Identity>;

fn builder() -> Builder {
    let config = ServerConfig::builder()
        .max_connections(CONNECTIONS)
        .max_request_body_size(QUESTION_MAX)
        .max_response_body_size(ANSWER_MAX)
        .set_message_buffer_capacity(OUTGOING)
        .max_subscriptions_per_connection(SUBSCRIPTIONS)
        .set_batch_request_config(BatchRequestConfig::Disabled)
        .enable_ws_ping(PingConfig::new().ping_interval(PING_EVERY).inactive_limit(SILENT_FOR))
        .build();
    let rpc = RpcServiceBuilder::new().layer(KnownLayer);
    Server::builder().set_config(config).set_rpc_middleware(rpc).to_service_builder()
}

/// Every call and subscription of [`outboard_protocol::control::methods`].
fn module(host: Host) -> RpcModule<Host> {
    let providers = Providers::new(host.context().broker.clone(), host.routes().clone());
    let mut module = RpcModule::new(host);
    methods::register(&mut module, &providers).expect("INVARIANT: each name is registered once");
    subscriptions::register(&mut module, &providers).expect("INVARIANT: each name is registered once");
    module
}
