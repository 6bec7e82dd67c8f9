//! Refusals and failures as `application/problem+json` (RFC 9457), with types that clients may rely on.
//!
//! Everybody in this crate who cannot serve a request makes one. Must not know plugins' insides: a cause is a sentence that
//! the route gave.

use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, UPGRADE, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use outboard_host::routes::Owner;
use serde::Serialize;

/// When to try again where something is short for a moment: somebody's connection ends by then, a tab is closed, a plugin is up.
pub(crate) const RETRY_SOON: Duration = Duration::from_secs(2);

macro_rules! problems {
    ($($variant:ident $word:literal $status:ident $title:literal;)*) => {
        /// The kinds of problem, each with a stable `type`, `urn:outboard:problem:<word>`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $title] $variant,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant),*];

            /// The stable `type`.
            pub const fn urn(self) -> &'static str {
                match self { $(Kind::$variant => concat!("urn:outboard:problem:", $word)),* }
            }

            /// The HTTP status.
            pub const fn status(self) -> StatusCode {
                match self { $(Kind::$variant => StatusCode::$status),* }
            }

            /// The kind in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Kind::$variant => $title),* }
            }
        }
    };
}

problems! {
    Ambiguous        "ambiguous-request"   BAD_REQUEST           "The request can be read in more than one way.";
    HostNotAllowed   "host-not-allowed"    FORBIDDEN             "This host name is not served here.";
    OriginNotAllowed "origin-not-allowed"  FORBIDDEN             "Pages of this origin may not call plugins.";
    TokenRequired    "token-required"      UNAUTHORIZED          "The request does not show who sent it.";
    PeerNotAllowed   "peer-not-allowed"    FORBIDDEN             "This peer may not connect here.";
    Full             "too-many-connections" SERVICE_UNAVAILABLE  "All connections are taken.";
    MethodNotAllowed "method-not-allowed"  METHOD_NOT_ALLOWED    "This method is not served here.";
    UpgradeRequired  "upgrade-required"    UPGRADE_REQUIRED      "This is served over a WebSocket only.";
    VersionNotServed "version-not-served"  HTTP_VERSION_NOT_SUPPORTED "This version of HTTP is not served here.";
    TargetTooLong    "target-too-long"     URI_TOO_LONG          "The target of the request is too long.";
    HeadTooLarge     "head-too-large"      REQUEST_HEADER_FIELDS_TOO_LARGE "The head of the request is too large.";
    NotFound         "not-found"           NOT_FOUND             "There is nothing at this path.";
    UnknownPlugin    "unknown-plugin"      NOT_FOUND             "There is no such plugin.";
    ServesNoHttp     "serves-no-http"      NOT_FOUND             "The plugin serves no HTTP here.";
    NotRunning       "plugin-not-running"  SERVICE_UNAVAILABLE   "The plugin is not running.";
    Busy             "too-many-waiting"    SERVICE_UNAVAILABLE   "Too many requests wait for the plugin.";
    Refused          "plugin-refused"      BAD_GATEWAY           "The plugin took no connection.";
    Died             "plugin-broke-off"    BAD_GATEWAY           "The plugin ended the connection without an answer.";
    BadAnswer        "bad-answer"          BAD_GATEWAY           "The plugin's answer is not HTTP that can be passed on.";
    Slow             "plugin-slow"         GATEWAY_TIMEOUT       "The plugin did not answer in time.";
    ClientSlow       "client-slow"         REQUEST_TIMEOUT       "The request did not arrive in time.";
}

/// One problem, to be answered.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    plugin: Option<String>,
    cause: Option<String>,
    retry_after: Option<Duration>,
    close: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem with a sentence that says what was wrong and what to do.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), plugin: None, cause: None, retry_after: None, close: false }
    }

    /// There is no plugin of this id.
    pub(crate) fn unknown_plugin(id: &str) -> Self {
        let shown: String = id.chars().take(outboard_protocol::id::PLUGIN_ID_MAX).collect();
        let detail = format!("There is no plugin {shown:?}; `outboard list` shows the ones there are.");
        Self::new(Kind::UnknownPlugin, detail).plugin(&shown)
    }

    /// The status and the sentence, where it is the plugin that failed.
    pub(crate) fn of_the_plugin(&self) -> Option<(u16, &str)> {
        let failed = matches!(self.kind, Kind::Refused | Kind::Died | Kind::BadAnswer | Kind::Slow);
        failed.then(|| (self.kind.status().as_u16(), self.detail.as_str()))
    }

    /// Names the plugin that it is about, if it is one.
    #[must_use]
    pub(crate) fn owner(self, owner: &Owner) -> Self {
        match owner.plugin() {
            Some(id) => self.plugin(id.as_str()),
            None => self,
        }
    }

    /// Names the plugin.
    #[must_use]
    pub(crate) fn plugin(mut self, id: &str) -> Self {
        self.plugin = Some(id.to_owned());
        self
    }

    /// Gives the cause, as the plugin's state tells it.
    #[must_use]
    pub(crate) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Says when another try is worth it; rounded up to whole seconds, at least one.
    #[must_use]
    pub(crate) fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The connection is not to be used again.
    #[must_use]
    pub(crate) fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    fn document(&self) -> Vec<u8> {
        let document = Document {
            r#type: self.kind.urn(),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            plugin: self.plugin.as_deref(),
            cause: self.cause.as_deref(),
            retry_after: self.retry_seconds(),
        };
        serde_json::to_vec(&document).expect("INVARIANT: strings and numbers are always JSON")
    }

    fn retry_seconds(&self) -> Option<u64> {
        self.retry_after.map(|after| after.as_secs_f64().ceil().max(1.0) as u64)
    }

    /// The answer as it stands on the wire, for one whose request is not read, and whose connection ends with it.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let (status, document) = (self.kind.status(), self.document());
        let reason = status.canonical_reason().unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {} {reason}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            status.as_u16(),
            document.len()
        );
        [head.into_bytes(), document].concat()
    }

    /// The answer. Its kind goes with it, for whoever hands it on.
    pub(crate) fn answer(self) -> Response<Bytes> {
        let (json, retry_after) = (self.document(), self.retry_seconds());
        let mut response = Response::new(Bytes::from(json));
        *response.status_mut() = self.kind.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind == Kind::UpgradeRequired {
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        if self.kind == Kind::TokenRequired {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(self.kind);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        self.answer().map(Body::from)
    }
}
