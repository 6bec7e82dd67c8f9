//! Renews the airline's bearer: one exchange, however many plugins and requests saw the 401.
//!
//! Called by `airline.refresh` and by `airline.request`. Must not know HTTP.
//!
//! ```text
//!   token_after(stale) ── another token is there already ──▶ that one
//!          ├── an exchange is under way ──▶ wait for it
//!          ├── the last one failed, and it is too soon ──▶ the same error
//!          └── else: exchange ──▶ keep on disk ──▶ show to readers ──▶ answer everybody
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::HostEvent;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::exchange::{NoToken, Tokens, exchange};
use super::http_client::HttpClient;
use crate::logger::{Logs, NewRecord};
use crate::notice::Notices;
use crate::sign_in::{Content, Secret, SignIn};

/// How long those who share an exchange wait beyond its own limit: for the disk, and some more.
const SHARED_MARGIN: Duration = Duration::from_secs(25);

/// The renewal. Clones share it.
#[derive(Clone)]
pub(super) struct Refresh {
    inner: Arc<Inner>,
}

struct Inner {
    sign_in: SignIn,
    notices: Notices,
    logs: Logs,
    client: HttpClient,
    state: Mutex<State>,
    tasks: tokio::sync::Mutex<JoinSet<()>>,
}

type Outcome = Option<Result<Secret, NoToken>>;

/// What there is for one binding; of another epoch it counts for nothing.
#[derive(Default)]
struct State {
    epoch: u64,
    flight: Option<watch::Receiver<Outcome>>,
    failed: Option<(NoToken, Instant)>,
}

/// What a caller has to do.
enum Way {
    Done(Result<Secret, NoToken>),
    Wait(watch::Receiver<Outcome>),
    Fly(Arc<Content>, watch::Sender<Outcome>, watch::Receiver<Outcome>),
}

impl Refresh {
    pub(super) fn new(sign_in: SignIn, notices: Notices, logs: Logs, client: HttpClient) -> Self {
        let (state, tasks) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { inner: Arc::new(Inner { sign_in, notices, logs, client, state, tasks }) }
    }

    /// A bearer that is not the stale one.
    pub(super) async fn token_after(&self, stale: Option<&Secret>) -> Result<Secret, NoToken> {
        let mut flight = match self.inner.way(stale) {
            Way::Done(outcome) => return outcome,
            Way::Wait(flight) => flight,
            Way::Fly(content, sender, flight) => {
                let inner = Arc::clone(&self.inner);
                let mut tasks = self.inner.tasks.lock().await;
                while tasks.try_join_next().is_some() {}
                // A task of its own: the exchange goes on when the caller that began it is gone.
                tasks.spawn(async move { inner.fly(&content, &sender).await });
                flight
            }
        };
        let limit = self.inner.client.options().refresh.saturating_add(SHARED_MARGIN);
        let landed = tokio::time::timeout(limit, flight.wait_for(Option::is_some)).await;
        match landed {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Err(NoToken::Stopping)),
            Ok(Err(_)) => Err(NoToken::Stopping),
            Err(_) => Err(NoToken::Unreachable("the disk does not answer".to_owned())),
        }
    }

    pub(super) async fn close(&self) {
        self.inner.tasks.lock().await.shutdown().await;
    }
}

impl Inner {
    fn way(&self, stale: Option<&Secret>) -> Way {
        let mut state = self.lock();
        // Read under the lock: an exchange shows its token before it lets go of the flight.
        let content = self.sign_in.content();
        let Some(binding) = &content.airline else { return Way::Done(Err(NoToken::NotBound)) };
        if let (Some(stale), Some(token)) = (stale, &binding.token)
            && stale != token
        {
            return Way::Done(Ok(token.clone()));
        }
        if state.epoch != content.epoch {
            *state = State { epoch: content.epoch, ..State::default() };
        }
        if let Some(flight) = &state.flight
            && flight.has_changed().is_ok()
        {
            return Way::Wait(flight.clone());
        }
        if let Some((error, since)) = &state.failed
            && (!error.may_pass() || since.elapsed() < self.client.options().pause)
        {
            return Way::Done(Err(error.clone()));
        }
        let (sender, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        Way::Fly(content, sender, flight)
    }

    async fn fly(&self, content: &Content, landed: &watch::Sender<Outcome>) {
        let outcome = match &content.airline {
            Some(binding) => exchange(&self.client, binding).await,
            None => Err(NoToken::NotBound),
        };
        let outcome = match outcome {
            Ok(tokens) => self.keep(content.epoch, tokens).await,
            Err(error) => Err(error),
        };
        let mut state = self.lock();
        if state.epoch == content.epoch {
            state.flight = None;
            state.failed = outcome.as_ref().err().map(|error| (error.clone(), Instant::now()));
            if let Err(error) = &outcome {
                self.tell(error);
            }
        }
        drop(state);
        landed.send_replace(Some(outcome));
    }

    /// On disk before anybody uses it: with rotation the old refresh token is worth nothing from here on.
    async fn keep(&self, epoch: u64, tokens: Tokens) -> Result<Secret, NoToken> {
        let Tokens { token, refresh_token } = tokens;
        match self.sign_in.rotate(epoch, token.clone(), refresh_token).await {
            Ok(true) => Ok(token),
            Ok(false) => {
                let content = self.sign_in.content();
                let now = content.airline.as_ref().and_then(|binding| binding.token.clone());
                now.ok_or(NoToken::NotBound)
            }
            Err(error) => {
                let what = format!("the airline's new tokens are in use and could not be kept: {error}");
                self.logs.record(NewRecord::supervisor(LogLevel::Error, what));
                Ok(token)
            }
        }
    }

    fn tell(&self, error: &NoToken) {
        self.logs.record(NewRecord::supervisor(LogLevel::Warn, error.to_string()));
        self.notices.announce(HostEvent::AuthRequired { reason: error.to_string() });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
