//! `ctx.airline`: the airline that the host is bound to, and HTTP on its behalf.

use std::collections::BTreeMap;

use outboard_protocol::context::airline::{
    Airline, AirlineChangedParams, AirlineName, RefreshParams, RequestParams, RequestResult,
};
use outboard_protocol::handshake::Empty;
use outboard_protocol::methods::{AirlineGetCurrent, AirlineRefresh, AirlineRequest, Request};
use serde::Serialize;
use serde_json::Value;

use super::namespace;
use crate::failure::CallError;
use crate::strict;

namespace! {
    /// The airline that the host is bound to.
    AirlineAccess
}

namespace! {
    /// HTTP with the bound airline. The host sends the request: origin and bearer are those of the moment, and a 401 leads to
    /// one refresh and one more try. Keep it as long as you like.
    AirlineClient
}

impl AirlineAccess {
    /// The binding of this moment; `None` when there is none.
    ///
    /// # Errors
    /// [`CallError`] when the host does not answer, or does not grant it.
    pub async fn get_current(&self) -> Result<Option<Airline>, CallError> {
        Ok(self.session.call::<AirlineGetCurrent>(Empty {}).await?.airline)
    }

    /// A client for the airline's API.
    pub fn create_client(&self) -> AirlineClient {
        AirlineClient::new(&self.session)
    }

    /// For plugins that send their requests themselves: after a 401, gives the bearer to try once more with.
    ///
    /// # Errors
    /// [`CallError::Refused`] with `auth_required` when there is nothing to refresh with, or the airline refused.
    pub async fn refresh(&self, stale_token: Option<&str>) -> Result<String, CallError> {
        let params = RefreshParams { stale_token: stale_token.map(ToOwned::to_owned) };
        Ok(self.session.call::<AirlineRefresh>(params).await?.token)
    }

    /// Calls `observer` when the host is bound to another airline, or to none: `None`. Let it be short.
    pub fn on_change(&self, observer: impl Fn(Option<&AirlineName>) + Send + Sync + 'static) {
        self.session
            .airline_observers
            .add(move |change: &AirlineChangedParams| observer(change.airline.as_ref()));
    }
}

impl AirlineClient {
    /// GET a path below the airline's origin.
    ///
    /// # Errors
    /// As [`AirlineClient::request`].
    pub async fn get(&self, path: &str) -> Result<RequestResult, CallError> {
        self.send("GET", path, None).await
    }

    /// POST JSON.
    ///
    /// # Errors
    /// As [`AirlineClient::request`].
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Result<RequestResult, CallError> {
        self.send("POST", path, Some(json(body)?)).await
    }

    /// PUT JSON.
    ///
    /// # Errors
    /// As [`AirlineClient::request`].
    pub async fn put(&self, path: &str, body: &impl Serialize) -> Result<RequestResult, CallError> {
        self.send("PUT", path, Some(json(body)?)).await
    }

    /// PATCH with JSON.
    ///
    /// # Errors
    /// As [`AirlineClient::request`].
    pub async fn patch(&self, path: &str, body: &impl Serialize) -> Result<RequestResult, CallError> {
        self.send("PATCH", path, Some(json(body)?)).await
    }

    /// DELETE a path.
    ///
    /// # Errors
    /// As [`AirlineClient::request`].
    pub async fn delete(&self, path: &str) -> Result<RequestResult, CallError> {
        self.send("DELETE", path, None).await
    }

    /// Any request. An answer of any HTTP status is a result.
    ///
    /// # Errors
    /// [`CallError::Refused`] when there was no HTTP answer: no airline, no network, a body over the frame limit.
    pub async fn request(&self, request: RequestParams) -> Result<RequestResult, CallError> {
        self.session.call::<AirlineRequest>(request).await
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Result<RequestResult, CallError> {
        let (method, path) = (method.to_owned(), path.to_owned());
        self.request(RequestParams { method, path, headers: BTreeMap::new(), body }).await
    }
}

fn json(body: &impl Serialize) -> Result<Value, CallError> {
    strict::check("body", body)
        .and_then(|()| serde_json::to_value(body))
        .map_err(|source| CallError::Unwritable { method: AirlineRequest::NAME, source })
}
