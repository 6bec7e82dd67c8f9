//! For plugins that want to be served as if they stood at the root: the prefix is taken from the path, and put back into
//! what the answer says about paths.
//!
//! Called by [`super::forward`] where the manifest says `"stripPrefix": true`. Must not know connections.

use bytes::Bytes;
use http::header::{CONTENT_LOCATION, LINK, LOCATION, REFRESH, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use outboard_protocol::id::RoutePrefix;

use crate::cookies::{is_whole_hosts, split_cookie};
use crate::headers::is_upgrade;

/// A prefix that is removed from requests.
#[derive(Debug, Clone)]
pub(crate) struct Stripped(RoutePrefix);

impl Stripped {
    pub(crate) fn new(prefix: RoutePrefix) -> Self {
        Self(prefix)
    }

    pub(crate) fn prefix(&self) -> &str {
        self.0.as_str()
    }

    /// The target without the prefix; may lack the leading slash.
    pub(crate) fn rest_of<'t>(&self, target: &'t str) -> &'t str {
        target.strip_prefix(self.0.as_str()).unwrap_or(target)
    }

    /// Where a browser has to go first that asks for the prefix alone: a link that is relative to `/api/site` would lead out of
    /// the plugin, one that is relative to `/api/site/` stays within.
    pub(crate) fn slash_missing(&self, parts: &Parts) -> Option<Response<Bytes>> {
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        if !reads || parts.uri.path() != self.prefix() || is_upgrade(parts.version, &parts.headers) {
            return None;
        }
        let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let there = HeaderValue::try_from(format!("{}/{query}", self.prefix())).ok()?;
        let mut response = Response::new(Bytes::new());
        // Temporary, as browsers remember the other kind for ever, and the manifest may change.
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        response.headers_mut().insert(LOCATION, there);
        Some(response)
    }

    /// Puts the prefix back into Location, Content-Location, Refresh, Link and the paths of cookies. What bears it already, leads to
    /// another host or is relative stays as it is. Values are bytes: a name in UTF-8 is not a reason to let one pass.
    pub(crate) fn restore(&self, headers: &mut HeaderMap, host: &str) {
        for name in [LOCATION, CONTENT_LOCATION, REFRESH] {
            let Some(value) = headers.get(&name).map(HeaderValue::as_bytes) else { continue };
            let begins = if name == REFRESH { target_of_refresh(value) } else { Some(0) };
            let mapped = begins.and_then(|begins| {
                let target = self.location(&value[begins..], host)?;
                HeaderValue::from_bytes(&[&value[..begins], &target].concat()).ok()
            });
            if let Some(mapped) = mapped {
                headers.insert(name, mapped);
            }
        }
        if headers.contains_key(SET_COOKIE) {
            let cookies: Vec<HeaderValue> =
                headers.get_all(SET_COOKIE).iter().map(|cookie| self.cookie(cookie)).collect();
            headers.remove(SET_COOKIE);
            for cookie in cookies {
                headers.append(SET_COOKIE, cookie);
            }
        }
        self.restore_links(headers, host);
    }

    /// The same for Link alone.
    pub(crate) fn restore_links(&self, headers: &mut HeaderMap, host: &str) {
        if let http::header::Entry::Occupied(mut links) = headers.entry(LINK) {
            for link in links.iter_mut() {
                if let Ok(mapped) = HeaderValue::from_bytes(&self.link(link.as_bytes(), host)) {
                    *link = mapped;
                }
            }
        }
    }

    /// `</style.css>; rel=preload, <next>; rel=next`
    fn link(&self, link: &[u8], host: &str) -> Vec<u8> {
        let (mut mapped, mut rest) = (Vec::with_capacity(link.len() + 32), link);
        while let Some(opens) = memchr::memchr(b'<', rest) {
            let Some(length) = memchr::memchr(b'>', &rest[opens..]) else { break };
            let (target, behind) = (&rest[opens + 1..opens + length], &rest[opens + length..]);
            mapped.extend_from_slice(&rest[..=opens]);
            match self.location(target, host) {
                Some(target) => mapped.extend_from_slice(&target),
                None => mapped.extend_from_slice(target),
            }
            rest = behind;
        }
        mapped.extend_from_slice(rest);
        mapped
    }

    /// A target with the prefix in it; `None` where it stays as it is.
    fn location(&self, target: &[u8], host: &str) -> Option<Vec<u8>> {
        let path = &target[origin_length(target, host)?..];
        let end = path.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(path.len());
        if self.covers(&path[..end]) {
            return None;
        }
        let origin = &target[..target.len() - path.len()];
        Some([origin, self.prefix().as_bytes(), path].concat())
    }

    /// A cookie whose path has the prefix in it.
    fn cookie(&self, cookie: &HeaderValue) -> HeaderValue {
        let (pair, attributes) = split_cookie(cookie.as_bytes());
        if is_whole_hosts(pair) {
            return cookie.clone();
        }
        let mut mapped = pair.to_vec();
        for attribute in attributes {
            mapped.push(b';');
            match self.cookie_path(attribute) {
                Some(path) => mapped.extend_from_slice(&path),
                None => mapped.extend_from_slice(attribute),
            }
        }
        HeaderValue::from_bytes(&mapped).unwrap_or_else(|_| cookie.clone())
    }

    /// A `Path` attribute with the prefix in it; `None` for any other, and where it stays as it is.
    fn cookie_path(&self, attribute: &[u8]) -> Option<Vec<u8>> {
        let equals = attribute.iter().position(|byte| *byte == b'=')?;
        let (name, path) = (&attribute[..equals], attribute[equals + 1..].trim_ascii());
        let is_path = name.trim_ascii().eq_ignore_ascii_case(b"path") && path.starts_with(b"/");
        if !is_path || self.covers(path) {
            return None;
        }
        let path = if path == b"/" { b"" } else { path };
        Some([name, b"=", self.prefix().as_bytes(), path].concat())
    }

    /// Whether a path is the prefix or lies below it.
    fn covers(&self, path: &[u8]) -> bool {
        let rest = path.strip_prefix(self.prefix().as_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }
}

/// How long the part before the path is, where a target leads to us: none for a path, scheme and host for a whole address of
/// `host`. `None` for a target on another host, and for one that is relative to where the client is.
fn origin_length(target: &[u8], host: &str) -> Option<usize> {
    let (scheme, port): (&[u8], &str) = match target {
        _ if starts_with_ignoring_case(target, b"http://") => (b"http:", ":80"),
        _ if starts_with_ignoring_case(target, b"https://") => (b"https:", ":443"),
        [b'/', b'/', ..] => (b"", ":80"),
        // Browsers take a backslash for a slash, so that this is a host as well.
        [b'/', b'\\', ..] => return None,
        [b'/', ..] => return Some(0),
        _ => return None,
    };
    let begins = scheme.len() + 2;
    let authority = &target[begins..];
    let ends = authority.iter().position(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#'));
    let authority = &authority[..ends.unwrap_or(authority.len())];
    let bare = |name: &str| name.strip_suffix(port).unwrap_or(name).to_ascii_lowercase();
    let ours = std::str::from_utf8(authority).is_ok_and(|name| bare(name) == bare(host));
    ours.then_some(begins + authority.len())
}

/// Where the address begins in `Refresh: 0; url=/login`.
fn target_of_refresh(value: &[u8]) -> Option<usize> {
    let after = 1 + value.iter().position(|byte| matches!(byte, b';' | b','))?;
    let blank = value[after..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let begins = after + blank;
    starts_with_ignoring_case(&value[begins..], b"url=").then_some(begins + 4)
}

fn starts_with_ignoring_case(text: &[u8], beginning: &[u8]) -> bool {
    text.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use http::HeaderName;

    use super::*;

    fn restored(name: HeaderName, value: &str) -> String {
        let stripped = Stripped::new(RoutePrefix::new("/api/x").unwrap());
        let mut headers = HeaderMap::new();
        headers.insert(&name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        stripped.restore(&mut headers, "127.0.0.1:2066");
        String::from_utf8(headers[name].as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn locations_on_the_plugin_get_the_prefix_back_and_others_stay() {
        for (given, wanted) in [
            ("/login", "/api/x/login"),
            ("/café", "/api/x/café"),
            ("/login?next=/api/x/", "/api/x/login?next=/api/x/"),
            ("/api/xylophone", "/api/x/api/xylophone"),
            ("http://127.0.0.1:2066/login", "http://127.0.0.1:2066/api/x/login"),
            ("HTTP://127.0.0.1:2066/login", "HTTP://127.0.0.1:2066/api/x/login"),
            ("https://127.0.0.1:2066/login", "https://127.0.0.1:2066/api/x/login"),
            ("//127.0.0.1:2066/login", "//127.0.0.1:2066/api/x/login"),
            ("http://127.0.0.1:2066?x", "http://127.0.0.1:2066/api/x?x"),
            ("http://127.0.0.1:2066", "http://127.0.0.1:2066/api/x"),
            ("/api/x", "/api/x"),
            ("/api/x?y", "/api/x?y"),
            ("/api/x/login", "/api/x/login"),
            ("http://127.0.0.1:2066/api/x/login", "http://127.0.0.1:2066/api/x/login"),
            ("http://127.0.0.1:20666/login", "http://127.0.0.1:20666/login"),
            ("//elsewhere/login", "//elsewhere/login"),
            ("/\\elsewhere/login", "/\\elsewhere/login"),
            ("https://elsewhere/login", "https://elsewhere/login"),
            ("next", "next"),
            ("?page=2", "?page=2"),
        ] {
            assert_eq!(restored(LOCATION, given), wanted);
        }
        assert_eq!(restored(REFRESH, "5; URL=/login"), "5; URL=/api/x/login");
        assert_eq!(restored(REFRESH, "5"), "5");
    }

    #[test]
    fn a_host_is_the_same_in_capitals_and_with_the_port_that_everybody_leaves_out() {
        for (host, target, ours) in [
            ("deck.example", "http://Deck.Example/x", true),
            ("deck.example", "http://deck.example:80/x", true),
            ("deck.example", "https://deck.example:443/x", true),
            ("deck.example:80", "http://deck.example/x", true),
            ("deck.example", "http://deck.example:8080/x", false),
            ("deck.example", "http://deck.example.evil/x", false),
            ("deck.example", "http://deck.example@evil/x", false),
        ] {
            assert_eq!(origin_length(target.as_bytes(), host).is_some(), ours, "{target} at {host}");
        }
    }

    #[test]
    fn cookie_paths_get_the_prefix_back_and_nothing_else_changes() {
        for (given, wanted) in [
            ("a=b; Path=/; HttpOnly", "a=b; Path=/api/x; HttpOnly"),
            ("a=/; path=/deep", "a=/; path=/api/x/deep"),
            ("a=b; Path=/api/x", "a=b; Path=/api/x"),
            ("a=b; Path=/api/x/deep", "a=b; Path=/api/x/deep"),
            ("path=/home; Path=/", "path=/home; Path=/api/x"),
            ("n=café; Path=/", "n=café; Path=/api/x"),
            ("__Host-a=b; Path=/; Secure", "__Host-a=b; Path=/; Secure"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(restored(SET_COOKIE, given), wanted);
        }
    }

    #[test]
    fn links_get_the_prefix_back_where_they_lack_it() {
        let links =
            "</a.css>; rel=preload, <b>; rel=next, </api/x/c>; rel=prev, <https://e/>; rel=up, <broken";
        let wanted =
            "</api/x/a.css>; rel=preload, <b>; rel=next, </api/x/c>; rel=prev, <https://e/>; rel=up, <broken";
        assert_eq!(restored(LINK, links), wanted);
    }
}
