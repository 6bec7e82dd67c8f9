//! What a `Set-Cookie` header is made of.
//!
//! Those call it who rewrite a plugin's cookies. Must not know where a cookie may go.

/// A cookie as its own name and value, whatever they look like, and its attributes.
pub(crate) fn split_cookie(cookie: &[u8]) -> (&[u8], impl Iterator<Item = &[u8]>) {
    let mut parts = cookie.split(|byte| *byte == b';');
    (parts.next().unwrap_or_default(), parts)
}

/// Whether a browser takes a cookie of this name with the path `/` alone.
pub(crate) fn is_whole_hosts(pair: &[u8]) -> bool {
    let start = pair.trim_ascii_start().get(..7);
    start.is_some_and(|start| start.eq_ignore_ascii_case(b"__host-"))
}
