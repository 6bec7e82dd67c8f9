//! The plugin's side of the conversation with its host: what the namespaces call, and what the dispatcher looks up.
//!
//! ```text
//!   ctx.config.get ─▶ Peer::call ─▶ Outbox ═▶ host ═▶ dispatch ─▶ lifecycle, channels, observers
//! ```
//!
//! Must not know which methods there are; the namespaces and the dispatcher do.

mod boxed;
pub(crate) mod channels;
pub(crate) mod dispatch;
pub(crate) mod lifecycle;
pub(crate) mod observers;
pub(crate) mod outbox;
pub(crate) mod peer;
pub(crate) mod registrations;
pub(crate) mod services;
pub(crate) mod serving;

use std::sync::atomic::AtomicU64;

use outboard_protocol::context::airline::AirlineChangedParams;
use outboard_protocol::context::auth::AuthChangedParams;
use outboard_protocol::context::config::ChangedParams;
use outboard_protocol::methods::Request;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::runtime::Handle;

use crate::failure::CallError;
pub(crate) use boxed::Boxed;
use channels::Channels;
use observers::Observers;
use peer::{CALL_DEADLINE, Peer};
use registrations::Registrations;
use services::Services;
use serving::Routers;

/// Everything that one conversation consists of. Every namespace holds a share.
pub(crate) struct Session {
    pub(crate) peer: Peer,
    pub(crate) channels: Channels,
    pub(crate) services: Services,
    pub(crate) routers: Routers,
    pub(crate) registrations: Registrations,
    pub(crate) config_observers: Observers<ChangedParams>,
    pub(crate) auth_observers: Observers<AuthChangedParams>,
    pub(crate) airline_observers: Observers<AirlineChangedParams>,
    /// How many log records were dropped since the last that went through.
    pub(crate) lost_logs: AtomicU64,
    /// Where background work of the session runs, whatever thread asks for it.
    pub(crate) runtime: Handle,
}

impl Session {
    /// A new conversation; call it inside the runtime that it is to run on.
    pub(crate) fn new(routers: Routers) -> Self {
        Self {
            peer: Peer::default(),
            channels: Channels::default(),
            services: Services::default(),
            routers,
            registrations: Registrations::default(),
            config_observers: Observers::default(),
            auth_observers: Observers::default(),
            airline_observers: Observers::default(),
            lost_logs: AtomicU64::default(),
            runtime: Handle::current(),
        }
    }

    /// A context call of the table.
    pub(crate) async fn call<M: Request>(&self, params: M::Params) -> Result<M::Answer, CallError> {
        read(M::NAME, &self.call_raw(M::NAME, &params).await?)
    }

    /// A context call whose parameters the caller has in a shape of its own; the answer is raw JSON.
    pub(crate) async fn call_raw(
        &self,
        method: &'static str,
        params: &impl Serialize,
    ) -> Result<Box<RawValue>, CallError> {
        self.peer.call(method, params, CALL_DEADLINE).await
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

/// Reads an answer.
pub(crate) fn read<T: DeserializeOwned>(method: &'static str, raw: &RawValue) -> Result<T, CallError> {
    serde_json::from_str(raw.get()).map_err(|source| CallError::Unreadable { method, source })
}
