//! The HTTP client with which the airline and its sign-in are asked, and what is said where a server cannot be reached.
//!
//! Used by [`super::request`] and [`super::exchange`]. Must not know bearers, nor what is asked.

use std::sync::{Arc, OnceLock};

use outboard_protocol::{ErrorReason, RpcError};

use super::options::AirlineOptions;

/// Idle connections that are kept to one server: plugins ask now and then, not in storms.
const IDLE_MAX: usize = 4;

/// The HTTP client: made when it is first needed, since most hosts are bound to no airline and it takes megabytes.
#[derive(Clone)]
pub(super) struct HttpClient(Arc<Inner>);

struct Inner {
    options: AirlineOptions,
    http: OnceLock<reqwest::Client>,
}

impl HttpClient {
    /// Makes nothing yet.
    pub(super) fn new(options: AirlineOptions) -> Self {
        Self(Arc::new(Inner { options, http: OnceLock::new() }))
    }

    /// The client itself.
    ///
    /// # Errors
    /// `internal_error` where none can be made.
    pub(super) fn get(&self) -> Result<&reqwest::Client, RpcError> {
        if let Some(client) = self.0.http.get() {
            return Ok(client);
        }
        // Fails when somebody installed one before, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let built = reqwest::Client::builder()
            .user_agent(concat!("outboard/", env!("CARGO_PKG_VERSION")))
            // Redirects are followed by hand, because where one leads decides who sees the bearer.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.0.options.connect)
            .pool_max_idle_per_host(IDLE_MAX)
            .build()
            .map_err(|error| {
                RpcError::new(ErrorReason::InternalError, format!("no HTTP client can be made: {error}"))
            })?;
        Ok(self.0.http.get_or_init(|| built))
    }

    /// How patient it is.
    pub(super) fn options(&self) -> &AirlineOptions {
        &self.0.options
    }
}

/// What went wrong, without the URL: its query may hold what is nobody's business.
pub(super) fn describe(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "no connection could be made"
    } else if error.is_body() || error.is_decode() {
        "its answer broke off"
    } else {
        "the connection failed"
    }
}
