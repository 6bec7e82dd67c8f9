//! What every page of ours has: its headers, its style, and text that is only text.
//!
//! Called by the pages beside it. Must not know what they say.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};

/// The front page loads nothing from elsewhere, and is framed by nobody.
pub(super) const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Whether whoever opened a page in a window keeps a hold on it.
pub(super) const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// Where the shell's pages are.
pub(crate) const SHELL_PATH: &str = "/_outboard/shell/";
/// The style of the operator's pages.
pub(super) const STYLE: &str = include_str!("../../assets/pages.css");

/// A page of the operator's: nobody frames it, and whoever opened it has no hold on it.
pub(super) fn operators(html: String) -> Response {
    let mut response = page(Bytes::from(html), "text/html; charset=utf-8", "no-store");
    response.headers_mut().insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// An answer of ours.
pub(super) fn page(content: Bytes, content_type: &'static str, cache: &'static str) -> Response {
    let mut response = Response::new(Body::from(content));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// A text that is not read as anything else.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
