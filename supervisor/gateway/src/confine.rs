//! What a plugin's answer may say about others: nothing. It speaks for its own paths, and never for the whole host.
//!
//! The front door applies it to every answer of a plugin's. Must not know how the answer came.

use http::header::{ALT_SVC, CONTENT_SECURITY_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::admission::caller::Caller;
use crate::cookies::{is_whole_hosts, split_cookie};

/// Headers that hold for a whole host or origin, whatever path they come from: the scope of service workers, what is kept and
/// which connections are used, where failures are reported to, which process a page gets, what later requests tell of the
/// browser, how they are packed, and who is signed in.
static SPEAK_FOR_THE_HOST: [HeaderName; 13] = [
    HeaderName::from_static("service-worker-allowed"),
    HeaderName::from_static("clear-site-data"),
    ALT_SVC,
    STRICT_TRANSPORT_SECURITY,
    HeaderName::from_static("nel"),
    HeaderName::from_static("report-to"),
    HeaderName::from_static("origin-agent-cluster"),
    HeaderName::from_static("accept-ch"),
    HeaderName::from_static("critical-ch"),
    HeaderName::from_static("use-as-dictionary"),
    HeaderName::from_static("set-login"),
    HeaderName::from_static("sec-session-registration"),
    HeaderName::from_static("secure-session-registration"),
];

/// What is to be done to an answer.
#[derive(Debug)]
pub(crate) struct Confined {
    cookies: Cookies,
    /// Of a document: who may hold it in a frame.
    policy: Option<HeaderValue>,
}

/// Where a plugin's cookies may go.
#[derive(Debug)]
enum Cookies {
    /// The host is the plugin's own.
    Anywhere,
    /// Below this path. `at_it` where the request asked for the path itself, beside which a browser would put them. `shared` where
    /// pages of several plugins live at the host; else only programs ask here, each with cookies of its own.
    Below { path: String, at_it: bool, shared: bool },
    /// Nowhere: who asked is at another host than the plugin's.
    Nowhere,
}

impl Confined {
    /// For an answer of plugin `id`, or of the host application, to a request for `path`, which came by `prefix`.
    pub(crate) fn new(caller: &Caller, id: Option<&str>, prefix: Option<&str>, path: &str) -> Self {
        let cookies = if caller.hides_cookies_from(id) {
            Cookies::Nowhere
        } else if id.is_some_and(|id| caller.is_home_of(id)) && caller.isolated() {
            Cookies::Anywhere
        } else {
            let below = prefix.map_or_else(|| format!("/api/{}", id.unwrap_or_default()), str::to_owned);
            Cookies::Below { at_it: path == below, path: below, shared: !caller.isolated() }
        };
        let policy = caller.navigates().then(|| HeaderValue::try_from(caller.frame_ancestors()).ok());
        Self { cookies, policy: policy.flatten() }
    }

    /// Does it.
    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        // Most answers have none of them: to look at their few names costs less than to look for each of ours.
        let spoken: Vec<&HeaderName> =
            SPEAK_FOR_THE_HOST.iter().filter(|name| headers.keys().any(|key| key == *name)).collect();
        for name in spoken {
            headers.remove(name);
        }
        if let Some(policy) = self.policy {
            // Beside the plugin's own: browsers keep to all of them.
            headers.append(CONTENT_SECURITY_POLICY, policy);
        }
        if !headers.contains_key(SET_COOKIE) {
            return;
        }
        let cookies: Vec<HeaderValue> =
            headers.get_all(SET_COOKIE).iter().filter_map(|cookie| self.cookies.confine(cookie)).collect();
        headers.remove(SET_COOKIE);
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie);
        }
    }
}

impl Cookies {
    /// A cookie that goes nowhere else.
    fn confine(&self, cookie: &HeaderValue) -> Option<HeaderValue> {
        let (pair, attributes) = split_cookie(cookie.as_bytes());
        let mut confined = pair.to_vec();
        let mut asked_path = None;
        for attribute in attributes {
            let equals = attribute.iter().position(|byte| *byte == b'=').unwrap_or(attribute.len());
            let name = attribute[..equals].trim_ascii();
            if name.eq_ignore_ascii_case(b"domain") {
                // The names above and beside the host are others'.
                continue;
            }
            if name.eq_ignore_ascii_case(b"path") {
                asked_path = attribute.get(equals + 1..).map(<[u8]>::trim_ascii);
            }
            confined.push(b';');
            confined.extend_from_slice(attribute);
        }
        match self {
            Self::Nowhere => return None,
            Self::Anywhere => {}
            // It goes to every path of the host, which is others' as well. Browsers take it with the path `/` alone.
            Self::Below { shared: true, .. } if is_whole_hosts(pair) => return None,
            Self::Below { .. } if is_whole_hosts(pair) => {}
            Self::Below { path, at_it, .. } => {
                let asked_path = asked_path.filter(|asked| asked.starts_with(b"/"));
                let within = match asked_path {
                    Some(asked) => {
                        let rest = asked.strip_prefix(path.as_bytes());
                        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
                    }
                    // A browser takes the folder of what was asked for.
                    None => !at_it,
                };
                if !within {
                    // Of several, the last counts.
                    confined.extend_from_slice(b"; Path=");
                    confined.extend_from_slice(path.as_bytes());
                }
            }
        }
        HeaderValue::from_bytes(&confined).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn a_cookie_stays_below_its_plugins_path_where_others_share_the_host() {
        let below = |at_it| Cookies::Below { path: "/api/x".to_owned(), at_it, shared: true };
        let confined = |cookies: &Cookies, cookie: &str| {
            let value = HeaderValue::from_bytes(cookie.as_bytes()).unwrap();
            cookies.confine(&value).map(|value| String::from_utf8(value.as_bytes().to_vec()).unwrap())
        };
        for (given, wanted) in [
            ("a=b; Path=/; HttpOnly", "a=b; Path=/; HttpOnly; Path=/api/x"),
            ("a=b; Path=/api/x/deep", "a=b; Path=/api/x/deep"),
            ("a=b; path = /api/xylophone", "a=b; path = /api/xylophone; Path=/api/x"),
            ("a=b; Path=/api/x; Path=/", "a=b; Path=/api/x; Path=/; Path=/api/x"),
            ("a=b; Domain=example; Secure", "a=b; Secure"),
            ("a=Domain; Path=/api/x", "a=Domain; Path=/api/x"),
            ("domain=b; Path=/api/x", "domain=b; Path=/api/x"),
            ("é=b; Path=/", "é=b; Path=/; Path=/api/x"),
            ("a=__Host-; Path=/api/x", "a=__Host-; Path=/api/x"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(confined(&below(false), given).as_deref(), Some(wanted));
        }
        for whole in ["__Host-a=b; Path=/; Secure", " __host-a=b", "__Host-Http-a=b; Path=/api/x"] {
            assert_eq!(confined(&below(false), whole), None, "{whole}");
            assert_eq!(confined(&Cookies::Anywhere, whole).as_deref(), Some(whole));
            let programs = Cookies::Below { path: "/api/x".to_owned(), at_it: false, shared: false };
            assert_eq!(confined(&programs, whole).as_deref(), Some(whole));
        }
        assert_eq!(confined(&below(true), "a=b").as_deref(), Some("a=b; Path=/api/x"));
        assert_eq!(
            confined(&Cookies::Anywhere, "a=b; Path=/; Domain=example").as_deref(),
            Some("a=b; Path=/")
        );
        assert_eq!(confined(&Cookies::Nowhere, "a=b"), None);
    }
}
