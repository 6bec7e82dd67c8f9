//! Every HTTP byte of people: the front door, the proxy, and the UI bus.
//!
//! # Theory of operation
//!
//! ```text
//!            accept ──▶ connection ──▶ front_door ──▶ admission   may it come in, and can it be read in one way only?
//!              │            │              │                        who asks, and what may they reach?
//!       connection cap   wire::stream      ├── router    whose path is it?
//!       never stops      framing watch,    ├── proxy ──▶ plugin's Unix socket ──▶ confine   what may it say of others?
//!                        timeouts          ├── own_routes (axum)
//!                                          │     ├── bus       /_outboard/bus, events and calls of UIs
//!                                          │     ├── ui_files  /_outboard/plugins/<id>/{ui,assets}/
//!                                          │     └── health, pages
//!                                          └── problem   every refusal and failure
//! ```
//!
//! One task per client connection; the exchange with the plugin is polled inside it, so a proxied request is
//! handed to no other task and waits in no channel, and a client that goes away takes its request along. The locks on its way are held
//! for one look at a table. Where a request goes is read from snapshots
//! ([`Directory`]); nobody is asked. A plugin that starts or restarts lets its requests wait, bounded; see [`proxy`]
//! for what is sent again (next to nothing).
//!
//! Bytes are judged twice. The framing watch reads them before hyper does and refuses what two parsers could read in two
//! ways; admission judges the parsed request: Host, Origin, path. What the plugin gets is written anew from the
//! parsed request, so nothing ambiguous can pass even if it were missed.
//!
//! What this crate must not know: sessions, processes, storage. It sees route snapshots and the host's handle.

mod accept;
mod admission;
mod broken_off;
mod bus;
mod client_connection;
mod confine;
mod connection;
mod cookies;
mod deadline;
mod descriptors;
mod directory;
mod front_door;
mod headers;
mod health;
mod host_directory;
mod load;
mod options;
mod own_routes;
mod pages;
mod peer;
mod problem;
mod proxy;
mod reply;
mod router;
mod seats;
mod socket;
mod ui_files;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use admission::names::Names;
pub use admission::plugin_origin::PluginOrigin;
pub use admission::token::{Token, TokenError};
pub use directory::{Change, Directory, Later};
pub use options::GatewayOptions;
use outboard_host::Pages;
use pages::SHELL_PATH;
pub use pages::shell::{Needs as UiNeeds, needs as ui_needs};
pub use peer::can_tell_users;
pub use problem::Kind as ProblemKind;
pub use socket::{Address, Listener};

/// How much longer than its grace a shutdown may take, for cutting what is left.
const CUT: Duration = Duration::from_secs(1);

/// Where the pages are for a browser on this machine; `None` where there are none for it.
pub fn pages(options: &GatewayOptions, listen: &Address) -> Option<Pages> {
    let names = Names::new(options, listen.by_name());
    let origin = names.pages_origin(listen)?;
    let listen = listen.clone();
    let ui = move |id: &str| {
        let origin = names.plugin_pages_origin(&listen, id);
        let origin =
            origin.expect("INVARIANT: where the operator's pages have an origin, every plugin's have one");
        format!("{origin}{SHELL_PATH}{id}")
    };
    Some(Pages { origin, ui: Arc::new(ui) })
}

/// A running gateway. Dropping it cuts every connection.
#[derive(Debug)]
pub struct Gateway {
    listen: Address,
    stop: watch::Sender<Option<Duration>>,
    task: JoinHandle<()>,
}

impl Gateway {
    /// Serves a listener until it is shut down or dropped. Fails only where the listener has no address.
    pub fn serve(
        options: GatewayOptions,
        listener: impl Into<Listener>,
        directory: Arc<dyn Directory>,
    ) -> io::Result<Self> {
        let listener = listener.into();
        let listen = listener.address()?;
        let front_door = Arc::new(front_door::FrontDoor::new(options, listen.by_name(), directory));
        let (stop, told) = watch::channel(None);
        let task = tokio::spawn(accept::run(listener, front_door, told));
        Ok(Self { listen, stop, task })
    }

    /// The address that is served, with the real port. That of a Unix socket is the one by which its clients call it.
    pub fn listen(&self) -> SocketAddr {
        self.listen.by_name()
    }

    /// Accepts nothing more, lets requests under way finish for `grace`, cuts the rest, and returns when nothing is left.
    pub async fn shutdown(mut self, grace: Duration) {
        self.stop.send_replace(Some(grace));
        if tokio::time::timeout(grace + CUT, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // The accept loop takes the end of the sender for an order to stop at once.
        self.stop.send_if_modified(|told| {
            let first = told.is_none();
            told.get_or_insert(Duration::ZERO);
            first
        });
    }
}
