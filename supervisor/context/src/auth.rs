//! `ctx.auth`: the host's sign-in. Plugins read it; the host application sets it over control.
//!
//! Called by the dispatch and by control. Must not know where the token is kept.

use std::sync::Arc;

use outboard_protocol::context::auth::{AuthChangedParams, GetTokenResult, IsAuthenticatedResult};
use outboard_protocol::control::{AuthSetParams, AuthStatus, HostEvent};
use outboard_protocol::{ErrorReason, RpcError, methods};
use tokio::sync::watch;

use crate::notice::Notices;
use crate::reply::{Durable, Reply};
use crate::sign_in::{SECRET_MAX, Secret, SignIn};
use crate::store::Kept;

/// The host's sign-in. Clones share it.
#[derive(Clone)]
pub struct Auth {
    sign_in: SignIn,
    notices: Notices,
    signed_in: Arc<watch::Sender<bool>>,
}

impl Auth {
    pub(crate) fn new(sign_in: SignIn, notices: Notices) -> Self {
        let signed_in = sign_in.content().auth.is_some();
        Self { sign_in, notices, signed_in: Arc::new(watch::Sender::new(signed_in)) }
    }

    /// Whether somebody is signed in.
    pub fn status(&self) -> AuthStatus {
        AuthStatus { authenticated: self.sign_in.content().auth.is_some() }
    }

    /// Whether somebody is signed in, now and from now on: for those who wait until somebody is.
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.signed_in.subscribe()
    }

    /// Signs in; ends when the token is on disk. Every plugin is told that it changed, and none what it is.
    ///
    /// # Errors
    /// `invalid_params` for a token that no header can carry, `storage_full`.
    pub fn set(&self, params: AuthSetParams) -> Durable<AuthStatus> {
        let queued = check_token("token", &params.token).map(|()| {
            let token = Secret::new(params.token);
            self.change(Some(token))
        });
        Box::pin(async move {
            queued?.await?;
            Ok(AuthStatus { authenticated: true })
        })
    }

    /// Signs out; ends when nothing of the token is left on disk.
    ///
    /// # Errors
    /// `internal_error` when the file cannot be removed.
    pub fn clear(&self) -> Durable<AuthStatus> {
        let queued = self.change(None);
        Box::pin(async move {
            queued.await?;
            Ok(AuthStatus { authenticated: false })
        })
    }

    fn change(&self, token: Option<Secret>) -> Kept<bool> {
        let (notices, signed_in) = (self.notices.clone(), Arc::clone(&self.signed_in));
        self.sign_in.change(
            move |content| {
                let changed = content.auth != token;
                content.auth = token;
                changed
            },
            move |content| {
                let authenticated = content.auth.is_some();
                signed_in.send_replace(authenticated);
                notices.tell_all(methods::AuthChanged::NAME, &AuthChangedParams { authenticated });
                notices.announce(HostEvent::AuthChanged { authenticated });
            },
        )
    }

    pub(crate) fn answer_is_authenticated(&self) -> Reply {
        Reply::now(Ok(IsAuthenticatedResult { authenticated: self.status().authenticated }))
    }

    pub(crate) fn answer_get_token(&self) -> Reply {
        let content = self.sign_in.content();
        let token = content.auth.as_ref().map(|token| token.reveal().to_owned());
        Reply::now(Ok(GetTokenResult { token }))
    }
}

/// Whether an `Authorization` header can carry the token. The error never shows it.
pub(crate) fn check_token(name: &str, token: &str) -> Result<(), RpcError> {
    let refuse = |rule: &str| Err(RpcError::new(ErrorReason::InvalidParams, format!("{name} {rule}")));
    if token.is_empty() {
        return refuse("is empty; to sign out, clear it");
    }
    if token.len() > SECRET_MAX {
        return refuse("is longer than 65536 bytes, which no server takes");
    }
    if !token.bytes().all(|b| b.is_ascii_graphic()) {
        return refuse(
            "has white space or other characters that no HTTP header can carry; was a line end read along with it?",
        );
    }
    Ok(())
}
