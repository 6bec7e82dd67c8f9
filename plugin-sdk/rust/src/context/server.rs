//! `ctx.server`: HTTP below the plugin's prefixes.

use std::sync::Arc;

use axum::Router;
use outboard_protocol::RpcError;
use outboard_protocol::context::server::PrefixParams;
use outboard_protocol::error::ErrorReason;
use outboard_protocol::id::RoutePrefix;
use outboard_protocol::methods::{Request, ServerRegister, ServerUnregister};

use super::namespace;
use super::registration::Registration;
use crate::failure::CallError;
use crate::session::serving::Taken;

namespace! {
    /// HTTP below the plugin's prefixes, on the listener that the host handed over.
    Server
}

impl Server {
    /// From now on the router answers at `{base_url}{prefix}` and below. Its own paths begin after the prefix: `/status`
    /// answers at `{prefix}/status`, and `/` at `{prefix}` and `{prefix}/`.
    ///
    /// Need not be awaited: `start` is answered only after it, and fails if it does, for instance because another plugin owns
    /// the prefix.
    pub fn register_router(&self, prefix: &str, router: Router) -> Registration {
        let inserted = self.insert(prefix, router);
        let session = Arc::clone(&self.session);
        Registration::begin(&self.session, async move {
            let prefix = inserted?;
            let outcome = session.call::<ServerRegister>(PrefixParams { prefix: prefix.clone() }).await;
            if outcome.is_err() {
                session.routers.remove(&prefix);
            }
            outcome.map(|_| ())
        })
    }

    /// From now on nothing answers below this prefix.
    ///
    /// # Errors
    /// [`CallError`] when the host refuses or does not answer.
    pub async fn unregister_router(&self, prefix: &str) -> Result<(), CallError> {
        let prefix = RoutePrefix::new(prefix)?;
        self.session.routers.remove(&prefix);
        self.session.call::<ServerUnregister>(PrefixParams { prefix }).await.map(|_| ())
    }

    fn insert(&self, prefix: &str, router: Router) -> Result<RoutePrefix, CallError> {
        let prefix = RoutePrefix::new(prefix)?;
        if !self.session.routers.open(&self.session.runtime).unwrap_or(false) {
            return Err(CallError::NoListener);
        }
        match self.session.routers.insert(prefix.clone(), router) {
            Ok(()) => Ok(prefix),
            Err(Taken) => Err(CallError::Refused {
                method: ServerRegister::NAME,
                error: RpcError::new(
                    ErrorReason::Conflict,
                    format!(
                        "this plugin has a router at {prefix} already; merge the two, or use a longer prefix"
                    ),
                ),
            }),
        }
    }
}
