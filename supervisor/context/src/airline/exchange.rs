//! One exchange of a refresh token for a new bearer, over HTTP.
//!
//! Called by [`super::refresh`], once however many ask. Must not know who asks or where tokens are kept. No error and no
//! log shows a token, or what the server said, which may repeat one.

use outboard_protocol::control::{RefreshBody, RefreshFormat};
use outboard_protocol::{ErrorReason, RpcError};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::http_client::{HttpClient, describe};
use crate::auth::check_token;
use crate::sign_in::{Binding, Secret};

/// Longest answer that is read, in bytes: tokens and little else.
const ANSWER_MAX: usize = 256 * 1024;

/// What an exchange brings.
pub(super) struct Tokens {
    pub(super) token: Secret,
    /// Where the server rotates them: from now on this one counts.
    pub(super) refresh_token: Option<Secret>,
}

/// Why there is no new bearer.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum NoToken {
    #[error("no airline is bound")]
    NotBound,
    #[error("the sign-in with the airline has ended, and there is nothing to renew it with; sign in again")]
    NothingToExchange,
    #[error("the airline's server refused to renew the sign-in (HTTP {0}); sign in again")]
    Refused(u16),
    #[error(
        "the airline's server could not be asked to renew the sign-in ({0}); try again later, or sign in again"
    )]
    Unreachable(String),
    #[error(
        "the airline's server renewed the sign-in with an answer that makes no sense ({0}); sign in again"
    )]
    BadAnswer(&'static str),
    #[error("the supervisor is stopping")]
    Stopping,
}

impl NoToken {
    /// Whether it may be otherwise in a while, with nobody having done anything.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, NoToken::Unreachable(_))
    }
}

impl From<NoToken> for RpcError {
    fn from(error: NoToken) -> Self {
        if matches!(error, NoToken::Stopping) {
            return RpcError::new(ErrorReason::ShuttingDown, error.to_string());
        }
        let mut rpc = RpcError::new(ErrorReason::AuthRequired, error.to_string());
        if let Some(data) = &mut rpc.data {
            data.retryable = error.may_pass();
        }
        rpc
    }
}

/// Refuses a format with which no exchange could work.
pub(super) fn check_format(format: &RefreshFormat) -> Result<(), RpcError> {
    let fields = [
        ("refreshTokenField", &format.refresh_token_field),
        ("accessTokenField", &format.access_token_field),
        ("newRefreshTokenField", &format.new_refresh_token_field),
    ];
    match fields.iter().find(|(_, field)| field.is_empty()) {
        Some((name, _)) => {
            let what = format!("refreshFormat.{name} is empty; give the member's name, or leave it out");
            Err(RpcError::new(ErrorReason::InvalidParams, what))
        }
        None => Ok(()),
    }
}

/// Asks the server. Follows no redirect: the refresh token goes to the one URL that the host named.
pub(super) async fn exchange(client: &HttpClient, binding: &Binding) -> Result<Tokens, NoToken> {
    let (Some(url), Some(refresh_token)) = (&binding.refresh_url, &binding.refresh_token) else {
        return Err(NoToken::NothingToExchange);
    };
    let format = binding.refresh_format.clone().unwrap_or_default();
    let (kind, body) = encode(&format, refresh_token);
    let limit = client.options().refresh;
    let client = client.get().map_err(|error| NoToken::Unreachable(error.message))?;
    let asking = async {
        let mut response = client
            .post(url)
            .header(CONTENT_TYPE, kind)
            .header(ACCEPT, "application/json")
            .body(body.as_bytes().to_vec())
            .send()
            .await
            .map_err(|error| unreachable(&error))?;
        check_status(response.status())?;
        let mut text = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
            if text.len() + chunk.len() > ANSWER_MAX {
                return Err(NoToken::BadAnswer("it is too long"));
            }
            text.extend_from_slice(&chunk);
        }
        decode(&format, &text)
    };
    tokio::time::timeout(limit, asking)
        .await
        .unwrap_or_else(|_| Err(NoToken::Unreachable(format!("no answer within {limit:?}"))))
}

fn check_status(status: StatusCode) -> Result<(), NoToken> {
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(NoToken::Unreachable(format!("HTTP {}", status.as_u16())))
        }
        status if status.is_server_error() => Err(NoToken::Unreachable(format!("HTTP {}", status.as_u16()))),
        status => Err(NoToken::Refused(status.as_u16())),
    }
}

/// What went wrong without the URL, which may hold what is nobody's business.
fn unreachable(error: &reqwest::Error) -> NoToken {
    NoToken::Unreachable(describe(error).to_owned())
}

fn encode(format: &RefreshFormat, refresh_token: &Secret) -> (&'static str, Zeroizing<String>) {
    let field = format.refresh_token_field.as_str();
    let extra = format.extra.iter().filter(|(name, _)| *name != field);
    match format.body {
        RefreshBody::Form => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(extra).append_pair(field, refresh_token.reveal());
            ("application/x-www-form-urlencoded", Zeroizing::new(form.finish()))
        }
        RefreshBody::Json => {
            let mut object: Map<String, Value> =
                extra.map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
            object.insert(field.to_owned(), refresh_token.reveal().into());
            ("application/json", Zeroizing::new(Value::Object(object).to_string()))
        }
    }
}

fn decode(format: &RefreshFormat, text: &[u8]) -> Result<Tokens, NoToken> {
    let answer: Map<String, Value> =
        serde_json::from_slice(text).map_err(|_| NoToken::BadAnswer("it is not a JSON object"))?;
    let read = |field: &str| match answer.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if check_token(field, text).is_ok() => Ok(Some(Secret::new(text.as_str()))),
        Some(_) => Err(NoToken::BadAnswer("a token in it is none that a header can carry")),
    };
    let token = read(&format.access_token_field)?.ok_or(NoToken::BadAnswer("it holds no token"))?;
    Ok(Tokens { token, refresh_token: read(&format.new_refresh_token_field)? })
}
