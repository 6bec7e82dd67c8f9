//! `airline.request`: one HTTP exchange with the airline, the bearer and its renewal included.
//!
//! Called by the dispatch, for languages without an SDK. Must not know where tokens are kept. The bearer goes to the
//! airline's own origin and nowhere else, redirects included.

use std::collections::BTreeMap;

use bytes::Bytes;
use outboard_protocol::context::airline::{RequestParams, RequestResult};
use outboard_protocol::{ErrorReason, RpcError};
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};
use serde_json::Value;

use super::http_client::{HttpClient, describe};
use super::refresh::Refresh;
use super::target::{check_path, join, read_headers, read_method};
use crate::sign_in::{Binding, Secret, SignIn};

/// Longest response that is read, in bytes: with its escapes it must fit a frame. Bulk data a plugin fetches by itself.
const RESPONSE_MAX: usize = 2 * 1024 * 1024;

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 5;

/// What a plugin wants, checked.
pub(super) struct Wanted {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl Wanted {
    pub(super) fn new(params: &RequestParams) -> Result<Self, RpcError> {
        let RequestParams { method, path, headers, body } = params;
        check_path(path)?;
        let mut headers = read_headers(headers.iter())?;
        let body = body.as_ref().map(|body| Bytes::from(body.to_string()));
        if body.is_some() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(Self { method: read_method(method)?, path: path.clone(), headers, body })
    }
}

/// Makes the request; after a 401 of the airline renews the bearer and makes it once more.
pub(super) async fn run(
    wanted: &Wanted,
    sign_in: &SignIn,
    refresh: &Refresh,
    client: &HttpClient,
) -> Result<RequestResult, RpcError> {
    let work = async {
        let Attempt { response, at_home, token, airline } = attempt(wanted, sign_in, client).await?;
        if response.status() != StatusCode::UNAUTHORIZED || !at_home {
            return read(response).await;
        }
        match refresh.token_after(token.as_ref()).await {
            // Where another airline was bound meanwhile, the request was not meant for it.
            Ok(_) if sign_in.content().airline.as_ref().is_some_and(|bound| names(bound) == airline) => {
                read(attempt(wanted, sign_in, client).await?.response).await
            }
            _ => read(response).await,
        }
    };
    let limit = client.options().request;
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        Err(RpcError::new(ErrorReason::Timeout, format!("the airline did not answer within {limit:?}")))
    })
}

/// What a try came to.
struct Attempt {
    response: Response,
    /// Whether the airline itself answered, and not somebody to whom it redirected.
    at_home: bool,
    /// The bearer that the sender of the response saw.
    token: Option<Secret>,
    /// The airline that the request was made to: its id and base URL.
    airline: (String, String),
}

/// One try, redirects followed.
async fn attempt(wanted: &Wanted, sign_in: &SignIn, client: &HttpClient) -> Result<Attempt, RpcError> {
    let content = sign_in.content();
    let Some(binding) = &content.airline else {
        return Err(RpcError::new(
            ErrorReason::NotFound,
            "no airline is bound; the host binds one when the user signs in",
        ));
    };
    let client = client.get()?;
    let mut hop = Hop::first(wanted, join(&binding.base_url, &wanted.path)?);
    let home = hop.url.origin();
    for _ in 0..=REDIRECTS_MAX {
        let at_home = hop.url.origin() == home;
        let token = binding.token.as_ref().filter(|_| at_home);
        let response = hop.send(client, token).await?;
        match hop.next(&response) {
            Some(next) => hop = next,
            None => {
                let (token, airline) = (token.cloned(), names(binding));
                return Ok(Attempt { response, at_home, token, airline });
            }
        }
    }
    let what = format!("the airline redirects more than {REDIRECTS_MAX} times");
    Err(RpcError::new(ErrorReason::LimitExceeded, what).lasting())
}

fn names(binding: &Binding) -> (String, String) {
    (binding.id.clone(), binding.base_url.clone())
}

/// One request of a chain of redirects.
struct Hop {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl Hop {
    fn first(wanted: &Wanted, url: Url) -> Self {
        let Wanted { method, headers, body, .. } = wanted;
        Self { method: method.clone(), url, headers: headers.clone(), body: body.clone() }
    }

    async fn send(&self, client: &reqwest::Client, token: Option<&Secret>) -> Result<Response, RpcError> {
        let mut request = client.request(self.method.clone(), self.url.clone()).headers(self.headers.clone());
        if let Some(token) = token {
            request = request.bearer_auth(token.reveal());
        }
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        request.send().await.map_err(|error| failed(&error))
    }

    /// Where the response sends us, where it does. From https to http nobody is followed; the response is then the answer.
    fn next(&self, response: &Response) -> Option<Self> {
        let status = response.status();
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = response.headers().get(LOCATION)?.to_str().ok()?;
        let url = self.url.join(location).ok()?;
        let downgraded = self.url.scheme() == "https" && url.scheme() != "https";
        let named = !url.username().is_empty() || url.password().is_some();
        if !matches!(url.scheme(), "http" | "https") || downgraded || named {
            return None;
        }
        let becomes_get = status == StatusCode::SEE_OTHER && self.method != Method::HEAD
            || matches!(status.as_u16(), 301 | 302) && self.method == Method::POST;
        let mut next = Self {
            method: if becomes_get { Method::GET } else { self.method.clone() },
            headers: self.headers.clone(),
            body: self.body.clone().filter(|_| !becomes_get),
            url,
        };
        if next.url.origin() != self.url.origin() {
            next.headers = harmless(&self.headers);
        }
        if becomes_get {
            next.headers.remove(CONTENT_TYPE);
        }
        Some(next)
    }
}

/// The headers that a stranger may see: a key in a header of the plugin's own is as good as a bearer.
fn harmless(headers: &HeaderMap) -> HeaderMap {
    let kept = [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE];
    headers.iter().filter(|(name, _)| kept.contains(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

async fn read(mut response: Response) -> Result<RequestResult, RpcError> {
    let status = response.status().as_u16();
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in response.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|joined| {
                joined.push_str(", ");
                joined.push_str(&value);
            })
            .or_insert_with(|| value.to_string());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        if body.len() + chunk.len() > RESPONSE_MAX {
            let what = format!(
                "the airline's response has more than {RESPONSE_MAX} bytes; fetch it without airline.request"
            );
            let refused = RpcError::new(ErrorReason::LimitExceeded, what).lasting();
            return Err(refused.with("limit", "response_bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    let body = match serde_json::from_slice(&body) {
        Ok(json) => json,
        Err(_) => Value::String(String::from_utf8_lossy(&body).into_owned()),
    };
    Ok(RequestResult { status, headers, body })
}

fn failed(error: &reqwest::Error) -> RpcError {
    let reason = if error.is_timeout() { ErrorReason::Timeout } else { ErrorReason::InternalError };
    let mut rpc = RpcError::new(reason, format!("the airline cannot be asked: {}", describe(error)));
    if let Some(data) = &mut rpc.data {
        data.retryable = true;
    }
    rpc.with("network", true)
}
