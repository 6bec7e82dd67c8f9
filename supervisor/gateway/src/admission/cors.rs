//! What a page of another origin may read of an answer.
//!
//! Admission decides, the front door writes it down. An answer names an origin that is on a list, never what was sent.
//! Must not know who lives where.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use crate::headers::mentions;

const PRIVATE_NETWORK_ASKED: HeaderName = HeaderName::from_static("access-control-request-private-network");
const PRIVATE_NETWORK_ALLOWED: HeaderName = HeaderName::from_static("access-control-allow-private-network");
/// How long a browser may remember a preflight, in seconds: as long as Chromium at most honours.
const PREFLIGHT_AGE: &str = "7200";

/// What the page that asks may read of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cors {
    /// It is not a page, or our own: the browser's own rules suffice.
    NotAsked,
    /// The same, and pages of other origins may ask for the same thing.
    Varies,
    /// A page of this origin, which we know.
    Allowed(HeaderValue),
}

impl Cors {
    /// Answers a preflight; `None` when the request is none.
    pub(crate) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<Bytes>> {
        let Cors::Allowed(_) = self else { return None };
        let asked =
            headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).filter(|_| *method == Method::OPTIONS)?;
        let mut response = Response::new(Bytes::new());
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
        Some(response)
    }

    /// Marks an answer as readable for the page that asked, in place of whatever the plugin thought about it.
    pub(crate) fn mark(&self, answer: &mut HeaderMap) {
        if let Cors::Allowed(origin) = self {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        self.mark_varying(answer);
    }

    /// Says that pages of other origins get another answer, and lets nobody read this one.
    pub(crate) fn mark_varying(&self, answer: &mut HeaderMap) {
        let told = |vary: &HeaderValue| mentions(vary, "origin") || mentions(vary, "*");
        if *self != Cors::NotAsked && !answer.get_all(header::VARY).iter().any(told) {
            answer.append(header::VARY, HeaderValue::from_static("Origin"));
        }
    }
}
