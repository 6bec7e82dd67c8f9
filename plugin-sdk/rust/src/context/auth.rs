//! `ctx.auth`: read-only access to the host's sign-in.

use outboard_protocol::context::auth::AuthChangedParams;
use outboard_protocol::handshake::Empty;
use outboard_protocol::methods::{AuthGetToken, AuthIsAuthenticated};

use super::namespace;
use crate::failure::CallError;

namespace! {
    /// The host's sign-in, at the moment of each call.
    Auth
}

impl Auth {
    /// Whether somebody is signed in.
    ///
    /// # Errors
    /// [`CallError`] when the host does not answer.
    pub async fn is_authenticated(&self) -> Result<bool, CallError> {
        Ok(self.session.call::<AuthIsAuthenticated>(Empty {}).await?.authenticated)
    }

    /// The host's bearer token; `None` when nobody is signed in. Do not log or keep it.
    ///
    /// # Errors
    /// [`CallError`] when the host does not answer, or does not grant it.
    pub async fn get_token(&self) -> Result<Option<String>, CallError> {
        Ok(self.session.call::<AuthGetToken>(Empty {}).await?.token)
    }

    /// Calls `observer` when somebody signs in or out, with whether somebody is signed in now. Let it be short.
    pub fn on_change(&self, observer: impl Fn(bool) + Send + Sync + 'static) {
        self.session.auth_observers.add(move |change: &AuthChangedParams| observer(change.authenticated));
    }
}
