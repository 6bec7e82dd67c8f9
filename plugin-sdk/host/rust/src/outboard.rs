//! The handle that an application holds: asks, follows and stops.
//!
//! Cheap to clone. When the last one is dropped, everything is stopped. Must not know how a supervisor is kept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use outboard_protocol::control::methods::{AuthClear, AuthSet, Call, Status, Subscription};
use outboard_protocol::control::{AuthSetParams, AuthStatus, NoParams, ProvidedHttp, StatusParams};
use outboard_protocol::{PluginId, RpcError};
use serde_json::Value;
use tokio::sync::{broadcast, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::connection::Connection;
use crate::keeping::{Keeping, Present};
use crate::{Error, Items, Limits, Options, Provided, Ready, ServiceCall, binary};

/// Events that a slow listener may be behind before it loses some.
const EVENTS_KEPT: usize = 64;

/// What became of the supervisor.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// It died, and is started again after the pause.
    Died {
        /// How it ended, with what it wrote last.
        how: String,
        /// The pause.
        pause: Duration,
    },
    /// It is there again.
    Restored(Ready),
    /// It was given up. Nothing runs any more.
    Failed(Error),
    /// It was stopped: by this application, or by somebody's orderly signal. Nothing runs any more.
    Stopped,
}

/// Outboard, as long as this application wants it.
#[derive(Clone)]
pub struct Outboard {
    inner: Arc<Inner>,
}

struct Inner {
    limits: Limits,
    present: watch::Receiver<Present>,
    ready: watch::Receiver<Option<Ready>>,
    events: broadcast::Sender<Event>,
    /// Dropped with the handle, which says the same.
    stop: Mutex<Option<oneshot::Sender<()>>>,
    keeping: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Outboard {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Outboard").field("ready", &*self.inner.ready.borrow()).finish_non_exhaustive()
    }
}

impl Outboard {
    /// Starts Outboard, and waits until every plugin runs or has failed.
    ///
    /// # Errors
    /// [`Error::NoBinary`], [`Error::BadOption`], [`Error::NotStarted`] and [`Error::Refused`], each with a sentence that says what to do.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let options = options.decided()?;
        let limits = options.limits;
        let binary = binary::find(options.binary.as_deref())?;
        let (present, seen) = watch::channel(Present::Waiting);
        let (ready, said) = watch::channel(None);
        let (events, _) = broadcast::channel(EVENTS_KEPT);
        let keeping = Keeping { binary, options, present, ready, events: events.clone() };
        let run = keeping.begin().await?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(keeping.keep(run, stopped));
        let inner = Inner {
            limits,
            present: seen,
            ready: said,
            events,
            stop: Mutex::new(Some(stop)),
            keeping: tokio::sync::Mutex::new(Some(task)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What the present supervisor said when it was ready.
    pub fn ready(&self) -> Ready {
        let ready = self.inner.ready.borrow().clone();
        ready.expect("INVARIANT: a handle is made once a supervisor was ready")
    }

    /// What becomes of the supervisor from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// Asks anything of the control table. While the supervisor is started again, this waits.
    ///
    /// # Errors
    /// [`Error::Answered`] with what was answered; [`Error::NoAnswer`], [`Error::Lost`], [`Error::Stopped`] and [`Error::GaveUp`].
    pub async fn call<M: Call>(&self, params: &M::Params) -> Result<M::Answer, Error> {
        self.call_within::<M>(params, self.inner.limits.call).await
    }

    /// The same with a limit of its own.
    ///
    /// # Errors
    /// As [`Outboard::call`].
    pub async fn call_within<M: Call>(
        &self,
        params: &M::Params,
        limit: Duration,
    ) -> Result<M::Answer, Error> {
        let until = Instant::now() + limit;
        let connection = self.connected(M::NAME, limit).await?;
        connection.call::<M>(params, until.saturating_duration_since(Instant::now())).await
    }

    /// Follows anything of the control table that can be subscribed to, and goes on with each supervisor that follows.
    ///
    /// # Errors
    /// As [`Outboard::call`].
    pub async fn subscribe<S: Subscription>(&self, params: S::Params) -> Result<Items<S>, Error> {
        Items::begin(self.clone(), params).await
    }

    /// Provides a service to plugins, for as long as what this gives is kept, and goes on with each supervisor that follows. Over when
    /// it is known who is asked: where somebody else provides it already, [`Provided::instead`] says who, and this application takes
    /// over as soon as its turn comes.
    ///
    /// # Errors
    /// As [`Outboard::call`].
    pub async fn provide<F, A>(&self, service: &str, answer: F) -> Result<Provided, Error>
    where
        F: Fn(ServiceCall) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Value, RpcError>> + Send + 'static,
    {
        Provided::begin(self.clone(), service, None, answer).await
    }

    /// The same, for a service whose provider answers HTTP as well: the shell's own paths of `http` go to where it listens.
    ///
    /// # Errors
    /// As [`Outboard::call`]; the supervisor refuses paths that are not the shell's.
    pub async fn provide_with_http<F, A>(
        &self,
        service: &str,
        http: ProvidedHttp,
        answer: F,
    ) -> Result<Provided, Error>
    where
        F: Fn(ServiceCall) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Value, RpcError>> + Send + 'static,
    {
        Provided::begin(self.clone(), service, Some(http), answer).await
    }

    /// Signs in: plugins read the token from now on, and it is kept for the next start.
    ///
    /// # Errors
    /// As [`Outboard::call`].
    pub async fn sign_in(&self, token: impl Into<String>) -> Result<AuthStatus, Error> {
        self.call::<AuthSet>(&AuthSetParams { token: token.into() }).await
    }

    /// Signs out.
    ///
    /// # Errors
    /// As [`Outboard::call`].
    pub async fn sign_out(&self) -> Result<AuthStatus, Error> {
        self.call::<AuthClear>(&NoParams {}).await
    }

    /// The address at which a browser on this machine shows a plugin's UI.
    ///
    /// # Errors
    /// [`Error::BadOption`] for a plugin without a UI, and where no browser is served; else as [`Outboard::call`].
    pub async fn ui_url(&self, id: &str) -> Result<String, Error> {
        let id: PluginId =
            id.parse().map_err(|error| Error::BadOption(format!("{id:?} is not a plugin's id: {error}")))?;
        let report = self.call::<Status>(&StatusParams { id: Some(id.clone()) }).await?;
        let ui = report.plugins.into_iter().next().and_then(|plugin| plugin.ui);
        ui.ok_or_else(|| {
            Error::BadOption(match report.pages {
                Some(_) => format!("the plugin {id} has no UI: there is no ui/index.js in its folder"),
                None => {
                    format!("no browser is served at {}; let it listen at 127.0.0.1 for pages", report.listen)
                }
            })
        })
    }

    /// Stops every plugin in good order, then the supervisor. Nothing runs any more when this is over.
    pub async fn stop(&self) {
        drop(self.inner.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(keeping) = self.inner.keeping.lock().await.take() {
            // It failed where it panicked, and then its run is gone with it.
            let _ = keeping.await;
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// The present connection, or the next one if it comes in time.
    pub(crate) async fn connected(
        &self,
        what: &'static str,
        limit: Duration,
    ) -> Result<Arc<Connection>, Error> {
        let mut present = self.inner.present.clone();
        let settled = present.wait_for(|present| match present {
            Present::Connected(connection) => connection.is_open(),
            Present::Waiting => false,
            Present::Over(_) => true,
        });
        match timeout(limit, settled).await {
            Err(_) => Err(Error::NoAnswer { what, limit }),
            Ok(Err(_)) => Err(Error::Stopped("nothing keeps it any more".to_owned())),
            Ok(Ok(present)) => match &*present {
                Present::Connected(connection) => Ok(Arc::clone(connection)),
                Present::Over(why) => Err(why.clone()),
                Present::Waiting => unreachable!("INVARIANT: it was waited for"),
            },
        }
    }
}
