//! Which fields may come behind a body, in either direction.
//!
//! [`super::upload`] asks for a client's trailers, [`super::answer`] for a plugin's. Servers hand trailers to programs like
//! headers; so what says who asks, where a message goes, how it is framed or what may be done with it counts in a head only
//! (RFC 9110, section 6.5.1). Must not know connections.

use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderName;
use memchr::memchr;

use super::request_head::is_left_out;

/// Whether a field may stand in trailers.
pub(crate) fn may_trail(name: &HeaderName) -> bool {
    let name = name.as_str();
    if name.contains('_') {
        // Some servers hand `remote_user` to the program under the same name as `remote-user`.
        return HeaderName::try_from(name.replace('_', "-")).is_ok_and(|name| may_trail(&name));
    }
    let begins = |start: &&str| name.starts_with(start);
    let heads_alone = matches!(
        name,
        // who it is
        "authorization" | "cookie" | "set-cookie" | "www-authenticate" | "authentication-info"
        // what is to be done
        | "expect" | "max-forwards" | "range" | "trailer" | "pragma" | "cache-control" | "destination"
        // what the body is
        | "date" | "age" | "expires" | "location" | "retry-after" | "vary" | "warning" | "etag" | "last-modified"
        | "accept-ranges" | "allow" | "refresh" | "link"
        // what a browser may do with it, and from where it comes
        | "origin" | "referer" | "strict-transport-security" | "clear-site-data" | "alt-svc"
        | "service-worker" | "service-worker-allowed" | "x-frame-options" | "x-content-type-options" | "referrer-policy"
        | "permissions-policy"
    );
    let families = ["content-", "if-", "access-control-", "sec-", "cross-origin-", "proxy-", "cf-"];
    !heads_alone && !families.iter().any(begins) && !is_left_out(name)
}

/// The lines among `block` that may stand in trailers, with their names written as all names are here.
pub(crate) fn allowed_lines(block: &[u8]) -> Bytes {
    let mut lines = BytesMut::with_capacity(block.len());
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        let (name, rest) = line.split_at(memchr(b':', line).unwrap_or(line.len()));
        if let Ok(name) = HeaderName::from_bytes(name)
            && may_trail(&name)
        {
            lines.put_slice(name.as_str().as_bytes());
            lines.put_slice(rest);
        }
    }
    lines.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_states_may_trail_and_nothing_that_a_program_would_trust() {
        for name in
            ["grpc-status", "grpc-message", "x-sum", "server-timing", "digest", "repr-digest", "signature"]
        {
            assert!(may_trail(&HeaderName::from_static(name)), "{name}");
        }
        for name in [
            "x-forwarded-for",
            "x_forwarded_for",
            "forwarded",
            "remote-user",
            "remote_user",
            "remote-groups",
            "x-outboard-token",
            "host",
            "content-length",
            "content-type",
            "transfer-encoding",
            "connection",
            "upgrade",
            "te",
            "authorization",
            "proxy-authorization",
            "cookie",
            "set-cookie",
            "if-none-match",
            "origin",
            "sec-fetch-site",
            "access-control-allow-origin",
            "content-security-policy",
            "clear-site-data",
        ] {
            assert!(!may_trail(&HeaderName::from_static(name)), "{name}");
        }
    }

    #[test]
    fn lines_pass_with_their_value_as_it_is_or_not_at_all() {
        let block = b"X-Sum: 1\r\nHost: evil\r\nGrpc-Status:0\r\n";
        assert_eq!(allowed_lines(block), &b"x-sum: 1\r\ngrpc-status:0\r\n"[..]);
    }
}
