//! How headers are read, by whoever reads one: a token in a list, the one value, an upgrade that is asked for.
//!
//! Admission, the bus and the proxy call it. Must not know what a header is for.

use http::{HeaderMap, HeaderName, HeaderValue, Version, header};

use crate::wire::head::is_h2c;

/// Whether a comma-separated header has `token` among its members (parameters aside).
pub(crate) fn mentions(value: &HeaderValue, token: &str) -> bool {
    value.as_bytes().split(|byte| *byte == b',').any(|member| {
        let member = member.split(|byte| *byte == b';').next().unwrap_or_default();
        member.trim_ascii().eq_ignore_ascii_case(token.as_bytes())
    })
}

/// Whether a request asks for another protocol that a plugin may speak.
pub(crate) fn is_upgrade(version: Version, headers: &HeaderMap) -> bool {
    let asks = |value| mentions(value, "upgrade");
    version == Version::HTTP_11
        && headers.get_all(header::CONNECTION).iter().any(asks)
        && headers.get_all(header::UPGRADE).iter().any(|value| protocols(value).next().is_some())
}

/// The one value of a header; `Err` when there are several, or it is not visible ASCII.
pub(crate) fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, ()> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(());
    }
    first.to_str().map(Some).map_err(|_| ())
}

/// The protocols of an Upgrade header, but for HTTP/2 in clear.
pub(crate) fn protocols(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|offer| !is_h2c(offer))
}
