//! For plugins that want to be served as if they stood at the root: the prefix is taken from the path, and put back into
//! what the answer says about paths.
//!
//! Called by [`super::forward`] where the manifest says `"stripPrefix": true`. Must not know connections.

use http::header::{CONTENT_LOCATION, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use outboard_protocol::id::RoutePrefix;

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

    /// Puts the prefix back into Location, Content-Location and the paths of cookies.
    pub(crate) fn restore(&self, headers: &mut HeaderMap, host: &str) {
        for name in [LOCATION, CONTENT_LOCATION] {
            self.restore_location(headers, &name, host);
        }
        if headers.contains_key(SET_COOKIE) {
            let cookies: Vec<HeaderValue> =
                headers.get_all(SET_COOKIE).iter().map(|cookie| self.cookie(cookie)).collect();
            headers.remove(SET_COOKIE);
            for cookie in cookies {
                headers.append(SET_COOKIE, cookie);
            }
        }
    }

    fn restore_location(&self, headers: &mut HeaderMap, name: &HeaderName, host: &str) {
        let Some(location) = headers.get(name).and_then(|value| value.to_str().ok()) else { return };
        let (origin, path) = match location.strip_prefix("http://").and_then(|rest| rest.strip_prefix(host)) {
            Some(path) => (&location[..location.len() - path.len()], path),
            None => ("", location),
        };
        // A path begins with one slash; two are another host, and anything else is relative to where the client is.
        let ours =
            path.starts_with('/') && !path.starts_with("//") || (path.is_empty() && !origin.is_empty());
        if !ours {
            return;
        }
        if let Ok(value) = HeaderValue::try_from(format!("{origin}{}{path}", self.prefix())) {
            headers.insert(name, value);
        }
    }

    fn cookie(&self, cookie: &HeaderValue) -> HeaderValue {
        let Ok(text) = cookie.to_str() else { return cookie.clone() };
        let mapped: Vec<String> = text
            .split(';')
            .map(|attribute| match attribute.split_once('=') {
                Some((name, path))
                    if name.trim().eq_ignore_ascii_case("path") && path.trim().starts_with('/') =>
                {
                    let path = path.trim();
                    format!("{name}={}{}", self.prefix(), if path == "/" { "" } else { path })
                }
                _ => attribute.to_owned(),
            })
            .collect();
        HeaderValue::try_from(mapped.join(";")).unwrap_or_else(|_| cookie.clone())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    fn restored(name: HeaderName, value: &str) -> String {
        let stripped = Stripped::new(RoutePrefix::new("/api/x").unwrap());
        let mut headers = HeaderMap::new();
        headers.insert(&name, value.parse().unwrap());
        stripped.restore(&mut headers, "127.0.0.1:2066");
        headers[name].to_str().unwrap().to_owned()
    }

    #[test]
    fn locations_on_the_plugin_get_the_prefix_back_and_others_stay() {
        for (given, wanted) in [
            ("/login", "/api/x/login"),
            ("http://127.0.0.1:2066/login", "http://127.0.0.1:2066/api/x/login"),
            ("http://127.0.0.1:20666/login", "http://127.0.0.1:20666/login"),
            ("//elsewhere/login", "//elsewhere/login"),
            ("https://elsewhere/login", "https://elsewhere/login"),
            ("next", "next"),
        ] {
            assert_eq!(restored(LOCATION, given), wanted);
        }
    }

    #[test]
    fn cookie_paths_get_the_prefix_back() {
        assert_eq!(restored(SET_COOKIE, "a=b; Path=/; HttpOnly"), "a=b; Path=/api/x; HttpOnly");
        assert_eq!(restored(SET_COOKIE, "a=/; path=/deep"), "a=/; path=/api/x/deep");
        assert_eq!(restored(SET_COOKIE, "a=b"), "a=b");
    }
}
