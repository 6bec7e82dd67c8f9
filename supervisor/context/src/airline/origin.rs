//! Reads the URLs of an airline: its origin, and where its refresh token is exchanged.
//!
//! Called when an airline is set. Must not make requests.

use outboard_protocol::{ErrorReason, RpcError};
use reqwest::Url;

/// An origin without a slash at the end, written in the one way in which URLs compare.
pub(super) fn read_base_url(text: &str) -> Result<String, RpcError> {
    let url = read("baseUrl", text)?;
    if url.path() != "/" || url.query().is_some() {
        return refuse(
            "baseUrl",
            "is an origin, such as https://api.example.com; paths belong to the requests",
        );
    }
    Ok(url.origin().ascii_serialization())
}

pub(super) fn read_refresh_url(text: &str) -> Result<String, RpcError> {
    read("refreshUrl", text).map(Into::into)
}

/// The error never shows the URL: somebody may have put a password or a token into it.
fn read(name: &str, text: &str) -> Result<Url, RpcError> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refuse(name, "has white space or control characters in it");
    }
    let Ok(url) = Url::parse(text) else {
        return refuse(name, "is not an absolute URL, such as https://api.example.com");
    };
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return refuse(name, "must begin with https:// or http:// and name a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(name, "must not carry a user name or a password");
    }
    if url.fragment().is_some() {
        return refuse(name, "must not have a fragment (#…)");
    }
    Ok(url)
}

fn refuse<T>(name: &str, rule: &str) -> Result<T, RpcError> {
    Err(RpcError::new(ErrorReason::InvalidParams, format!("{name} {rule}")))
}
