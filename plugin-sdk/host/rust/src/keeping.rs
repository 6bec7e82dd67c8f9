//! Keeps one supervisor after another: starts it, connects to it, starts it again after its death, and stops it.
//!
//! A task of its own that owns the run; everybody else sees [`Present`]. Must not know what is asked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::connection::Connection;
use crate::outboard::Event;
use crate::run::{Ended, Ready, Run};
use crate::runtime_folder::way_to;
use crate::{Error, Options};

/// Between two tries to connect to a supervisor that runs.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// What there is at this moment.
#[derive(Debug, Clone)]
pub(crate) enum Present {
    /// A supervisor that answers.
    Connected(Arc<Connection>),
    /// It is on its way.
    Waiting,
    /// Nothing runs any more, and nothing will.
    Over(Error),
}

/// What the task is started with.
pub(crate) struct Keeping {
    pub(crate) binary: PathBuf,
    pub(crate) options: Options,
    pub(crate) present: watch::Sender<Present>,
    pub(crate) ready: watch::Sender<Option<Ready>>,
    pub(crate) events: broadcast::Sender<Event>,
}

impl Keeping {
    /// Starts the first supervisor.
    pub(crate) async fn begin(&self) -> Result<Run, Error> {
        let listen = self.options.listen.clone();
        self.start(&listen).await
    }

    /// Keeps it until `stop` is said or dropped. Nothing runs any more when this is over.
    pub(crate) async fn keep(self, run: Run, mut stop: oneshot::Receiver<()>) {
        let why = self.watch(run, &mut stop).await;
        self.present.send_replace(Present::Over(why.clone()));
        // Nobody listens where that fails.
        let _ = self.events.send(match why {
            Error::Stopped(_) => Event::Stopped,
            why => Event::Failed(why),
        });
    }

    /// One supervisor after another, until nothing more can be done or is wanted.
    async fn watch(&self, mut run: Run, stop: &mut oneshot::Receiver<()>) -> Error {
        let mut deaths: Vec<Instant> = Vec::new();
        loop {
            let Some(ended) = self.watch_one(run, stop).await else { return stopped() };
            if ended.orderly {
                return Error::Stopped("the supervisor was told so by somebody else".to_owned());
            }
            let mut how = ended.said;
            run = loop {
                let pause = match self.pause(&mut deaths, &how) {
                    Ok(pause) => pause,
                    Err(given_up) => return given_up,
                };
                // Nobody listens where that fails.
                let _ = self.events.send(Event::Died { how: how.clone(), pause });
                // A start that is given up here ends by itself: its lifeline closes.
                tokio::select! {
                    _ = &mut *stop => return stopped(),
                    () = sleep(pause) => {}
                }
                let again = tokio::select! {
                    _ = &mut *stop => return stopped(),
                    again = self.start_again() => again,
                };
                match again {
                    Ok(run) => break run,
                    Err(error) => how = error.to_string(),
                }
            };
            if let Some(ready) = self.ready.borrow().clone() {
                let _ = self.events.send(Event::Restored(ready));
            }
        }
    }

    /// How long to pause after one more death.
    ///
    /// # Errors
    /// When there were too many.
    fn pause(&self, deaths: &mut Vec<Instant>, how: &str) -> Result<Duration, Error> {
        let Some(policy) = self.options.restart else {
            return Err(Error::GaveUp(format!("the supervisor died: {how}")));
        };
        let now = Instant::now();
        deaths.retain(|then| now.duration_since(*then) < policy.within);
        deaths.push(now);
        if deaths.len() > policy.deaths {
            let (count, within) = (deaths.len(), policy.within.as_secs());
            return Err(Error::GaveUp(format!(
                "the supervisor is not started again after {count} deaths within {within} s (`restart`): {how}"
            )));
        }
        let doublings = u32::try_from(deaths.len() - 1).unwrap_or(u32::MAX);
        Ok(policy.first_pause.saturating_mul(2_u32.saturating_pow(doublings)).min(policy.longest_pause))
    }

    /// Pages keep what they store by their origin, so the next supervisor gets the same, unless somebody else took it.
    async fn start_again(&self) -> Result<Run, Error> {
        let before = self.ready.borrow().as_ref().map(|ready| ready.listen.clone());
        if let Some(listen) = before
            && let Ok(run) = self.start(&listen).await
        {
            return Ok(run);
        }
        self.start(&self.options.listen).await
    }

    /// Until its end; `None` where that was wanted here.
    async fn watch_one(&self, mut run: Run, stop: &mut oneshot::Receiver<()>) -> Option<Ended> {
        let keeper = run.pid();
        let ended = tokio::select! {
            ended = run.ended() => Some(ended),
            never = self.stay_connected(keeper) => match never {},
            _ = stop => None,
        };
        self.present.send_replace(Present::Waiting);
        if ended.is_none() {
            run.stop(self.options.limits.stop).await;
        }
        ended
    }

    /// The supervisor lives; where a connection to it is lost, another is made.
    async fn stay_connected(&self, keeper: u32) -> std::convert::Infallible {
        loop {
            let present = self.present.borrow().clone();
            if let Present::Connected(connection) = present {
                connection.closed().await;
                self.present.send_replace(Present::Waiting);
            }
            if self.connect(keeper).await.is_err() {
                // Calls that wait have limits of their own, and the supervisor's end is seen elsewhere.
                sleep(TRY_AGAIN).await;
            }
        }
    }

    async fn start(&self, listen: &str) -> Result<Run, Error> {
        let (mut run, ready) = Run::start(&self.binary, &self.options, listen).await?;
        self.ready.send_replace(Some(ready));
        if let Err(error) = self.connect(run.pid()).await {
            run.stop(self.options.limits.stop).await;
            return Err(error);
        }
        Ok(run)
    }

    async fn connect(&self, keeper: u32) -> Result<(), Error> {
        let limit = self.options.limits.connect;
        let folder = self.options.runtime_dir().to_owned();
        let looking = tokio::task::spawn_blocking(move || way_to(&folder, keeper));
        let late = Error::NoAnswer { what: "a look at the runtime folder", limit };
        let Ok(Ok(way)) = timeout(limit, looking).await else { return Err(late) };
        let connection = Connection::open(&way?, limit).await?;
        self.present.send_replace(Present::Connected(Arc::new(connection)));
        Ok(())
    }
}

fn stopped() -> Error {
    Error::Stopped("by this application".to_owned())
}
