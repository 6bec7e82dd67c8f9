//! What all actors share: made once by the host, cloned for each plugin.
//!
//! Must not know one plugin.

use std::sync::Arc;

use outboard_protocol::control::HostEvent;
use tokio::sync::broadcast;

use super::context::PluginContext;
use super::launch::LaunchOptions;
use super::launching::Launcher;
use super::turns::Turns;
use crate::routes::Routes;

/// What every actor needs and shares with the others.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) context: Arc<dyn PluginContext>,
    pub(crate) launcher: Arc<dyn Launcher>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) events: broadcast::Sender<HostEvent>,
    pub(crate) launch: Arc<LaunchOptions>,
    pub(crate) turns: Turns,
}
