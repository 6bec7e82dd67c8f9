//! Who provides a service, and how a provider is reached.
//!
//! Claims are made by the host for plugins, by control for host applications, by the gateway for pages. Must not know consumers.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use outboard_protocol::context::service::{CallParams, SubscribedParams};
use outboard_protocol::id::ServiceName;
use outboard_protocol::{PluginId, RpcError};
use serde_json::value::RawValue;

/// What a call comes to. Dropping it withdraws the call.
pub type Answer = Pin<Box<dyn Future<Output = Result<Box<RawValue>, RpcError>> + Send>>;

/// Who provides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Provider {
    /// A plugin whose manifest says so.
    Plugin(PluginId),
    /// The host application, by its subscription.
    Application(u64),
    /// The supervisor's own page, by its connection. It gives way to everybody else.
    Page(u64),
}

impl Provider {
    /// Who goes before whom where the settings say nothing: the smaller.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Provider::Plugin(_) | Provider::Application(_) => 0,
            Provider::Page(_) => 1,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Provider::Plugin(id) => write!(f, "plugin {id}"),
            Provider::Application(_) => f.write_str("the host application"),
            Provider::Page(_) => f.write_str("the page"),
        }
    }
}

/// Whom the settings choose for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This plugin and no other.
    Plugin(PluginId),
    /// The host application, whichever connection it comes by.
    Application,
}

impl Choice {
    pub(crate) fn is(&self, provider: &Provider) -> bool {
        match (self, provider) {
            (Choice::Plugin(chosen), Provider::Plugin(id)) => chosen == id,
            (Choice::Application, Provider::Application(_)) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::Plugin(id) => write!(f, "plugin {id}"),
            Choice::Application => f.write_str("the host application"),
        }
    }
}

/// Whether a provider answers now.
#[derive(Clone)]
pub enum Standing {
    /// It does.
    Ready(Arc<dyn Answerer>),
    /// It is on its way up; calls wait for it.
    Starting,
    /// It is down, and why.
    Away(String),
}

impl Standing {
    pub(crate) fn is_up(&self) -> bool {
        !matches!(self, Standing::Away(_))
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Standing::Ready(_) => f.write_str("Ready"),
            Standing::Starting => f.write_str("Starting"),
            Standing::Away(why) => f.debug_tuple("Away").field(why).finish(),
        }
    }
}

/// How a provider that is up is reached. Nothing in here may wait or ask the broker: both are called while it decides.
pub trait Answerer: Send + Sync {
    /// Asks it. The question has been sent when this returns, so that the order of calls is the order of questions; the answer ends
    /// within the limit, and at once with `unavailable` when the provider is gone.
    fn call(&self, call: CallParams, limit: Duration) -> Answer;
    /// Tells it who is subscribed to one of its events.
    fn subscribed(&self, told: SubscribedParams);
    /// Tells it whether it is the one that is asked, or who is in its place.
    fn holds(&self, service: &ServiceName, instead: Option<&Provider>);
}
