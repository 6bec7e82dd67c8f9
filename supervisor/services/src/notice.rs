//! What services tell without being asked: notices for plugins, events for the host application.
//!
//! Sent by the services after a change is on disk; the host forwards notices to the live sessions, the gateway forwards
//! events to control. Must not know either of them.

use std::sync::Arc;

use outboard_protocol::PluginId;
use outboard_protocol::control::HostEvent;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::broadcast;

/// Notices that a receiver may lag behind before it loses some. The host forwards in a tight loop; this is a burst.
const NOTICES: usize = 1024;

/// Host events that a receiver may lag behind.
const EVENTS: usize = 256;

/// A notification for plugins.
#[derive(Debug, Clone)]
pub struct Notice {
    /// For whom; `None`: every plugin.
    pub to: Option<PluginId>,
    /// The notification's name on the wire.
    pub method: &'static str,
    /// Its parameters. Never a secret.
    pub params: Arc<RawValue>,
}

/// Where services put their notices and events. Nothing blocks and nothing fails when nobody listens.
#[derive(Debug, Clone)]
pub(crate) struct Notices {
    notices: broadcast::Sender<Notice>,
    events: broadcast::Sender<HostEvent>,
}

impl Notices {
    pub(crate) fn new() -> Self {
        Self { notices: broadcast::Sender::new(NOTICES), events: broadcast::Sender::new(EVENTS) }
    }

    pub(crate) fn tell<T: Serialize>(&self, to: Option<PluginId>, method: &'static str, params: &T) {
        if self.notices.receiver_count() > 0 {
            let params = Arc::from(crate::reply::to_raw(params));
            let _ = self.notices.send(Notice { to, method, params });
        }
    }

    pub(crate) fn announce(&self, event: HostEvent) {
        let _ = self.events.send(event);
    }

    pub(crate) fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<HostEvent> {
        self.events.subscribe()
    }
}
