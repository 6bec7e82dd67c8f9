//! How patient the host is with the airline's servers.
//!
//! Given when the context opens. Must not know where the servers are.

use std::time::Duration;

/// Waits and bounds of everything that is asked of an airline.
#[derive(Debug, Clone)]
pub struct AirlineOptions {
    /// How long connecting may take: beyond it nobody is there.
    pub connect: Duration,
    /// How long the exchange of a refresh token may take: plugins wait for it with a request in their hands.
    pub refresh: Duration,
    /// How long a server of tokens that could not be reached is left in peace. A refusal stands until the airline is set again.
    pub pause: Duration,
    /// How long a plugin's request may take, redirects, renewal and the second try included.
    pub request: Duration,
}

impl Default for AirlineOptions {
    /// For servers that are far away and slow, yet well.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            refresh: Duration::from_secs(15),
            pause: Duration::from_secs(30),
            request: Duration::from_secs(60),
        }
    }
}
