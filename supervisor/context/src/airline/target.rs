//! Where a request to the airline goes: a path that cannot lead away from its origin, and headers that cannot speak for us.
//!
//! Called by [`super::request`]. Must not make requests.

use outboard_protocol::{ErrorReason, RpcError};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

/// Longest path and query, in bytes: what servers take.
const PATH_MAX: usize = 8 * 1024;

/// Most headers of one request.
const HEADERS_MAX: usize = 64;

/// Headers that are the host's to set: who asks, whom, and where a message ends.
const OURS: [&str; 12] = [
    "authorization",
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
];

pub(super) fn read_method(text: &str) -> Result<Method, RpcError> {
    let shaped = !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_uppercase());
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if shaped && !matches!(method, Method::CONNECT | Method::TRACE) => Ok(method),
        _ => Err(refuse("method", "is an HTTP method in capitals, and neither CONNECT nor TRACE")),
    }
}

/// Checks a path as it was given, before any parser has had its way with it.
pub(super) fn check_path(path: &str) -> Result<(), RpcError> {
    if path.len() > PATH_MAX {
        return Err(refuse("path", "is longer than 8192 bytes"));
    }
    if !path.starts_with('/') || path.starts_with("//") {
        return Err(refuse("path", "must begin with one '/': it is a path below the airline's origin"));
    }
    if path.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'\\' || b == b'#') {
        return Err(refuse(
            "path",
            "must not hold white space, control characters, '\\' or '#'; encode them",
        ));
    }
    let before_query = path.split('?').next().unwrap_or(path);
    let dots =
        |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if before_query.split('/').any(dots) {
        return Err(refuse("path", "must not hold '.' or '..' as segments, encoded or not"));
    }
    Ok(())
}

/// The URL below the origin. Whatever the path, the origin stays.
pub(super) fn join(base_url: &str, path: &str) -> Result<Url, RpcError> {
    let base = Url::parse(base_url).map_err(|_| refuse("baseUrl", "of the bound airline is not a URL"))?;
    let url = Url::parse(&format!("{base_url}{path}")).map_err(|_| refuse("path", "makes no URL"))?;
    if url.origin() != base.origin() || !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("path", "leads away from the airline's origin"));
    }
    Ok(url)
}

pub(super) fn read_headers<'a>(
    given: impl ExactSizeIterator<Item = (&'a String, &'a String)>,
) -> Result<HeaderMap, RpcError> {
    if given.len() > HEADERS_MAX {
        return Err(refuse("headers", "are more than 64"));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err(refuse("headers", "have a name that is none in HTTP"));
        };
        if OURS.contains(&name.as_str()) {
            return Err(refuse("headers", &format!("must not name {name}, which is the host's to set")));
        }
        let Ok(value) = HeaderValue::from_str(value) else {
            return Err(refuse(
                "headers",
                &format!("have a value of {name} with characters that HTTP does not take"),
            ));
        };
        headers.append(name, value);
    }
    Ok(headers)
}

fn refuse(name: &str, rule: &str) -> RpcError {
    RpcError::new(ErrorReason::InvalidParams, format!("parameters of airline.request: {name} {rule}"))
}
