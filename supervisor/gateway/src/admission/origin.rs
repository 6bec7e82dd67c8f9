//! Which pages may call: a page of a foreign origin can neither read from nor act on any plugin.
//!
//! Asked for every method and every upgrade. Programs that are no browsers send neither Origin nor Sec-Fetch-Site and
//! pass. A page of another origin gets an answer that it can read only where its origin is on the list; the answer names
//! the listed origin, never what was sent.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use super::host::Hosts;
use super::single;
use crate::problem::{Kind, Problem};
use crate::proxy::mentions;
use crate::reply::ReplyBody;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const PRIVATE_NETWORK_ASKED: HeaderName = HeaderName::from_static("access-control-request-private-network");
const PRIVATE_NETWORK_ALLOWED: HeaderName = HeaderName::from_static("access-control-allow-private-network");
/// How long a browser may remember a preflight, in seconds: as long as Chromium at most honours.
const PREFLIGHT_AGE: &str = "7200";

/// The origins that may call.
#[derive(Debug)]
pub(crate) struct Origins(Vec<HeaderValue>);

/// What the page that asks may read of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cors {
    /// It is no page, or our own: the browser's own rules suffice.
    NotAsked,
    /// A page of this listed origin.
    Allowed(HeaderValue),
}

impl Origins {
    pub(crate) fn new(configured: &[String], hosts: &Hosts) -> Self {
        // Our own page under one of our names may call us by another: 127.0.0.1 and localhost are one place, two origins.
        let ours = hosts.names().iter().map(|name| format!("http://{name}"));
        let listed = configured.iter().map(|origin| origin.trim_end_matches('/').to_owned());
        // What is no header value can never be sent, so nothing is lost with it.
        Self(ours.chain(listed).filter_map(|origin| HeaderValue::try_from(origin).ok()).collect())
    }

    /// Decides about a request that came to `host`.
    pub(crate) fn check(&self, host: &str, headers: &HeaderMap) -> Result<Cors, Problem> {
        let unclear = |name: &str| refuse(&format!("The request has more than one {name} header."));
        let origin = single(headers, &header::ORIGIN).map_err(|()| unclear("Origin"))?;
        let site = single(headers, &SEC_FETCH_SITE).map_err(|()| unclear("Sec-Fetch-Site"))?;
        let Some(origin) = origin else {
            return match site {
                None | Some("same-origin" | "none") => Ok(Cors::NotAsked),
                Some(_) => Err(refuse("A page of another site sent this request.")),
            };
        };
        if origin.strip_prefix("http://").is_some_and(|own| own.eq_ignore_ascii_case(host)) {
            return Ok(Cors::NotAsked);
        }
        let listed = self.0.iter().find(|listed| listed.as_bytes().eq_ignore_ascii_case(origin.as_bytes()));
        listed.cloned().map(Cors::Allowed).ok_or_else(|| {
            refuse(&format!(
                "The origin {origin:?} is not allowed; add it to allowed_origins if the page is yours."
            ))
        })
    }
}

/// Whether a request bears none of the marks by which browsers tell who asks.
pub(crate) fn is_unmarked(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::ORIGIN) && !headers.contains_key(SEC_FETCH_SITE)
}

/// Whether a browser asks for a whole page, as it does when a person follows a link: nothing that a foreign page embeds looks
/// like this, and no page can make its own requests look like it.
pub(crate) fn asks_for_page<B>(request: &http::Request<B>) -> bool {
    let headers = request.headers();
    let insecure = headers.get(header::UPGRADE_INSECURE_REQUESTS).is_some_and(|value| value == "1");
    let accepts = |value: &HeaderValue| mentions(value, "text/html");
    matches!(*request.method(), Method::GET | Method::HEAD)
        && insecure
        && headers.get_all(header::ACCEPT).iter().any(accepts)
}

fn refuse(detail: &str) -> Problem {
    Problem::new(Kind::OriginNotAllowed, detail).closing()
}

impl Cors {
    /// Answers a preflight; `None` when the request is none.
    pub(crate) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<ReplyBody>> {
        let Cors::Allowed(_) = self else { return None };
        let asked =
            headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).filter(|_| *method == Method::OPTIONS)?;
        let mut response = Response::new(ReplyBody::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, asked.clone());
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_AGE));
        if let Some(names) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        if headers.contains_key(PRIVATE_NETWORK_ASKED) {
            answer.insert(PRIVATE_NETWORK_ALLOWED, HeaderValue::from_static("true"));
        }
        self.mark(answer);
        Some(response)
    }

    /// Marks an answer as readable for the page that asked, in place of whatever the plugin thought about it.
    pub(crate) fn mark(&self, answer: &mut HeaderMap) {
        let Cors::Allowed(origin) = self else { return };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}
