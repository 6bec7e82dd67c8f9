//! The head of a request as the plugin gets it: written straight from the client's head, without a copy in between.
//!
//! Called by [`super::forward`] for each sending. Hop-by-hop headers and forged forwarding headers are left out while
//! writing, ours are put in. Must not know connections.

use bytes::{BufMut, BytesMut};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Version, header};

use super::prefix::Stripped;
use crate::headers::mentions;

/// How a request's body is framed towards the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadFraming {
    /// No body and no word of one.
    None,
    /// Content-Length.
    Length(u64),
    /// Chunked.
    Chunked,
}

/// What the head needs besides the client's own.
#[derive(Debug)]
pub(crate) struct Sending<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) framing: UploadFraming,
    /// The client's address, as it stands in X-Forwarded-For.
    pub(crate) peer: &'a str,
    /// By which scheme it came, as it stands in X-Forwarded-Proto.
    pub(crate) scheme: &'a str,
    /// What is removed from the path.
    pub(crate) stripped: Option<&'a Stripped>,
    /// The protocol of an upgrade, when one is asked for.
    pub(crate) upgrade: Option<&'a HeaderValue>,
}

/// Writes the head.
pub(crate) fn write(out: &mut BytesMut, sending: &Sending<'_>) {
    let parts = sending.parts;
    out.reserve(512 + parts.headers.len() * 48);
    put(out, &[parts.method.as_str().as_bytes(), b" "]);
    write_target(out, sending);
    out.put_slice(b" HTTP/1.1\r\n");
    let host = parts.headers.get(header::HOST).map_or(&b""[..], HeaderValue::as_bytes);
    line(out, b"host", host);
    let named = Named::of(&parts.headers);
    for (name, value) in &parts.headers {
        if !is_left_out(name.as_str()) && !named.contains(name) {
            line(out, name.as_str().as_bytes(), value.as_bytes());
        }
    }
    write_ours(out, sending, host);
    write_framing(out, sending);
    out.put_slice(b"\r\n");
}

fn write_target(out: &mut BytesMut, sending: &Sending<'_>) {
    let target = sending.parts.uri.path_and_query().map_or("/", |target| target.as_str());
    match sending.stripped {
        None => out.put_slice(target.as_bytes()),
        Some(stripped) => {
            let rest = stripped.rest_of(target);
            if !rest.starts_with('/') {
                out.put_u8(b'/');
            }
            out.put_slice(rest.as_bytes());
        }
    }
}

fn write_ours(out: &mut BytesMut, sending: &Sending<'_>, host: &[u8]) {
    line(out, b"x-forwarded-for", sending.peer.as_bytes());
    line(out, b"x-forwarded-host", host);
    line(out, b"x-forwarded-proto", sending.scheme.as_bytes());
    if let Some(stripped) = sending.stripped {
        line(out, b"x-forwarded-prefix", stripped.prefix().as_bytes());
    }
    // An IPv6 address and a port need the quotes; an allowed host holds nothing that would need escaping.
    let (open, close): (&[u8], &[u8]) =
        if sending.peer.contains(':') { (b"\"[", b"]\"") } else { (b"", b"") };
    put(out, &[b"forwarded: for=", open, sending.peer.as_bytes(), close, b";host=\"", host]);
    put(out, &[b"\";proto=", sending.scheme.as_bytes(), b"\r\n"]);
}

fn write_framing(out: &mut BytesMut, sending: &Sending<'_>) {
    match sending.framing {
        UploadFraming::None => {}
        UploadFraming::Chunked => out.put_slice(b"transfer-encoding: chunked\r\n"),
        UploadFraming::Length(length) => {
            let mut digits = itoa::Buffer::new();
            line(out, b"content-length", digits.format(length).as_bytes());
        }
    }
    if let Some(protocol) = sending.upgrade {
        out.put_slice(b"connection: upgrade\r\n");
        line(out, b"upgrade", protocol.as_bytes());
    }
    if sending.parts.headers.get_all(header::TE).iter().any(|te| mentions(te, "trailers")) {
        out.put_slice(b"te: trailers\r\n");
    }
}

fn line(out: &mut BytesMut, name: &[u8], value: &[u8]) {
    put(out, &[name, b": ", value, b"\r\n"]);
}

fn put(out: &mut BytesMut, pieces: &[&[u8]]) {
    for piece in pieces {
        out.put_slice(piece);
    }
}

/// The headers that the Connection header names, which belong to the client's connection alone.
struct Named<'h>(Option<&'h HeaderMap>);

impl<'h> Named<'h> {
    fn of(headers: &'h HeaderMap) -> Self {
        // Browsers send `keep-alive` alone, which names nothing that is not left out anyway.
        let names_something = headers.get_all(header::CONNECTION).iter().any(|value| {
            !value.as_bytes().eq_ignore_ascii_case(b"keep-alive")
                && !value.as_bytes().eq_ignore_ascii_case(b"close")
        });
        Self(names_something.then_some(headers))
    }

    fn contains(&self, name: &HeaderName) -> bool {
        let Some(headers) = self.0 else { return false };
        headers.get_all(header::CONNECTION).iter().any(|value| mentions(value, name.as_str()))
    }
}

/// What the names of the host's own headers begin with, and of those by which proxies say who signed in or showed a certificate.
const FAMILIES: [&str; 10] = [
    "x-forwarded-",
    "x-outboard-",
    "remote-",
    "x-remote-",
    "x-webauth-",
    "x-auth-request-",
    "client-cert",
    "x-client-cert",
    "ssl-client-",
    "x-ssl-client-",
];

/// Headers of the client's connection, headers that we set, and headers by which a client could pretend to be somebody.
pub(crate) fn is_left_out(name: &str) -> bool {
    if name.contains('_') {
        // Some servers hand `x_forwarded_for` to the program under the same name as `x-forwarded-for`.
        return is_listed(&name.replace('_', "-"));
    }
    is_listed(name)
}

fn is_listed(name: &str) -> bool {
    match name {
        // framing and connection
        "host"
        | "connection"
        | "keep-alive"
        | "proxy-connection"
        | "te"
        | "transfer-encoding"
        | "upgrade"
        | "content-length"
        | "http2-settings"
        | "proxy-authenticate"
        | "proxy-authorization" => true,
        // who asks, and from where
        "forwarded"
        | "via"
        | "x-real-ip"
        | "x-client-ip"
        | "true-client-ip"
        | "cf-connecting-ip"
        | "x-cluster-client-ip"
        | "x-original-url"
        | "x-rewrite-url"
        | "x-original-host" => true,
        _ => FAMILIES.iter().any(|family| name.starts_with(family)),
    }
}

/// How the body that hyper announces is framed towards the plugin.
pub(crate) fn framing_of<B: http_body::Body>(parts: &Parts, body: &B) -> UploadFraming {
    match body.size_hint().exact() {
        Some(0) if body.is_end_stream() && !parts.headers.contains_key(header::CONTENT_LENGTH) => {
            UploadFraming::None
        }
        Some(length) => UploadFraming::Length(length),
        None if parts.version == Version::HTTP_10 => UploadFraming::None,
        None => UploadFraming::Chunked,
    }
}
