//! `ctx.airline`: the airline that the host is bound to. Plugins read it; the host application sets it over control.
//!
//! Called by the dispatch and by control. The refresh token never leaves this module but for its exchange.

mod exchange;
mod http_client;
mod options;
mod origin;
mod refresh;
mod request;
mod target;

use std::sync::Arc;

use outboard_protocol::context::airline::{
    Airline as Current, AirlineChangedParams, AirlineName, GetCurrentResult, RefreshParams, RefreshResult,
};
use outboard_protocol::control::{AirlineSetParams, AirlineStatus, HostEvent};
use outboard_protocol::{ErrorReason, RpcError, methods};

use serde_json::value::RawValue;

use crate::auth::check_token;
use crate::logger::Logs;
use crate::notice::Notices;
use crate::reply::{Durable, Reply, owned_params};
use crate::sign_in::{Binding, Content, Secret, SignIn};
use crate::store::Kept;
use http_client::HttpClient;
pub use options::AirlineOptions;
use refresh::Refresh;
use request::Wanted;

/// Longest airline id, in bytes.
const ID_MAX: usize = 256;

/// The bound airline. Clones share it.
#[derive(Clone)]
pub struct Airline {
    sign_in: SignIn,
    notices: Notices,
    refresh: Refresh,
    client: HttpClient,
}

impl Airline {
    pub(crate) fn new(sign_in: SignIn, notices: Notices, logs: Logs, options: AirlineOptions) -> Self {
        let client = HttpClient::new(options);
        let refresh = Refresh::new(sign_in.clone(), notices.clone(), logs, client.clone());
        Self { sign_in, notices, refresh, client }
    }

    /// Ends what is under way with the network.
    pub(crate) async fn close(&self) {
        self.refresh.close().await;
    }

    /// The binding without its secrets.
    pub fn status(&self) -> AirlineStatus {
        status_of(&self.sign_in.content())
    }

    /// Binds an airline in place of the one that was bound; ends when it is on disk. Every plugin is told its name.
    ///
    /// # Errors
    /// `invalid_params` for what is not an origin, no URL or no token; `storage_full`.
    pub fn set(&self, params: AirlineSetParams) -> Durable<AirlineStatus> {
        let airline = self.clone();
        let queued = binding(params).map(|binding| self.change(Some(Arc::new(binding))));
        Box::pin(async move {
            queued?.await?;
            Ok(airline.status())
        })
    }

    /// Unbinds; ends when nothing of the tokens is left on disk.
    ///
    /// # Errors
    /// `internal_error` when the file cannot be removed.
    pub fn clear(&self) -> Durable<AirlineStatus> {
        let airline = self.clone();
        let queued = self.change(None);
        Box::pin(async move {
            queued.await?;
            Ok(airline.status())
        })
    }

    fn change(&self, binding: Option<Arc<Binding>>) -> Kept<bool> {
        let notices = self.notices.clone();
        self.sign_in.change(
            move |content| {
                // Setting the same again is news: the host has reason to believe that it works now.
                let changed = content.airline.is_some() || binding.is_some();
                content.airline = binding;
                content.epoch += 1;
                changed
            },
            move |content| tell(&notices, content),
        )
    }

    pub(crate) fn answer_get_current(&self) -> Reply {
        let content = self.sign_in.content();
        let airline = content.airline.as_ref().map(|binding| Current {
            id: binding.id.clone(),
            base_url: binding.base_url.clone(),
            token: binding.token.as_ref().map(|token| token.reveal().to_owned()),
        });
        Reply::now(Ok(GetCurrentResult { airline }))
    }

    pub(crate) fn answer_refresh(&self, raw: Option<&RawValue>) -> Reply {
        let RefreshParams { stale_token } = match owned_params::<methods::AirlineRefresh>(raw) {
            Ok(params) => params,
            Err(error) => return Reply::Now(Err(error)),
        };
        let (refresh, stale) = (self.refresh.clone(), stale_token.map(Secret::new));
        Reply::later(async move {
            let token = refresh.token_after(stale.as_ref()).await?;
            Ok(RefreshResult { token: token.reveal().to_owned() })
        })
    }

    pub(crate) fn answer_request(&self, raw: Option<&RawValue>) -> Reply {
        let wanted = owned_params::<methods::AirlineRequest>(raw).and_then(|params| Wanted::new(&params));
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(error) => return Reply::Now(Err(error)),
        };
        let (sign_in, refresh, client) = (self.sign_in.clone(), self.refresh.clone(), self.client.clone());
        Reply::large(async move { request::run(&wanted, &sign_in, &refresh, &client).await })
    }
}

fn tell(notices: &Notices, content: &Content) {
    let airline = status_of(content).airline;
    notices.announce(HostEvent::AirlineChanged { airline: airline.clone() });
    notices.tell_all(methods::AirlineChanged::NAME, &AirlineChangedParams { airline });
}

fn status_of(content: &Content) -> AirlineStatus {
    let Some(binding) = &content.airline else {
        return AirlineStatus { airline: None, has_token: false, can_refresh: false };
    };
    AirlineStatus {
        airline: Some(AirlineName { id: binding.id.clone(), base_url: binding.base_url.clone() }),
        has_token: binding.token.is_some(),
        can_refresh: binding.refresh_token.is_some() && binding.refresh_url.is_some(),
    }
}

fn binding(params: AirlineSetParams) -> Result<Binding, RpcError> {
    let AirlineSetParams { id, base_url, token, refresh_token, refresh_url, refresh_format } = params;
    if id.is_empty() || id.len() > ID_MAX || id.chars().any(char::is_control) {
        let what = format!("id: an airline's id has 1 to {ID_MAX} bytes and no control characters");
        return Err(RpcError::new(ErrorReason::InvalidParams, what));
    }
    let base_url = origin::read_base_url(&base_url)?;
    let refresh_url = refresh_url.map(|url| origin::read_refresh_url(&url)).transpose()?;
    for (name, secret) in [("token", &token), ("refreshToken", &refresh_token)] {
        secret.as_deref().map_or(Ok(()), |secret| check_token(name, secret))?;
    }
    refresh_format.as_ref().map_or(Ok(()), exchange::check_format)?;
    let (token, refresh_token) = (token.map(Secret::new), refresh_token.map(Secret::new));
    Ok(Binding { id, base_url, token, refresh_token, refresh_url, refresh_format })
}
