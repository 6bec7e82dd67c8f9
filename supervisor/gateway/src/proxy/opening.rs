//! Waiting until a plugin takes requests.
//!
//! [`super::forward`] asks before each sending. While the route is open this costs two reads; else the request takes a seat
//! in the plugin's waiting room. Must not know what is sent.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use outboard_host::routes::{InFlight, Route, RouteState, Upstream};
use tokio::time::Instant;

use super::backend::Backend;
use super::waiting::Seat;
use crate::options::GatewayOptions;
use crate::problem::{Kind, Problem, RETRY_SOON};

/// How long the news of a process's end may come after the end of its connections. It comes within 100 ms; a busy machine
/// gets ten times that.
const NEWS: Duration = Duration::from_secs(1);
/// What a waiting request holds besides its head: hyper's read buffer.
const READ_BUFFER: usize = 8 * 1024;

/// A place in a generation.
pub(crate) struct Place {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) in_flight: InFlight,
}

/// Why there is no place.
pub(crate) enum NoPlace {
    /// To be answered.
    Problem(Problem),
    /// The generation that broke off lives on, so there is no next one to wait for.
    SameGeneration,
}

/// One request's way to a place, over as many tries as it has.
pub(crate) struct Opening<'a> {
    pub(crate) backend: &'a Backend,
    pub(crate) options: &'a GatewayOptions,
    seat: Option<Seat>,
    until: Option<Instant>,
}

impl<'a> Opening<'a> {
    pub(crate) fn new(backend: &'a Backend, options: &'a GatewayOptions) -> Self {
        Self { backend, options, seat: None, until: None }
    }

    /// A place in the running generation, or in the next one; never in `ended`.
    pub(crate) async fn place(
        &mut self,
        parts: &Parts,
        ended: Option<&Arc<Upstream>>,
    ) -> Result<Place, NoPlace> {
        if let Some(place) = enter(&self.backend.route, ended) {
            self.seat = None;
            return Ok(place);
        }
        Box::pin(self.wait(parts, ended)).await
    }

    async fn wait(&mut self, parts: &Parts, ended: Option<&Arc<Upstream>>) -> Result<Place, NoPlace> {
        let route = &self.backend.route;
        let mut changes = route.subscribe();
        let mut until = None;
        loop {
            if let Some(place) = enter(route, ended) {
                self.seat = None;
                return Ok(place);
            }
            let mut same = false;
            match &*route.state() {
                RouteState::Closed { cause, retry_after } => {
                    let problem = not_running(route, cause, *retry_after);
                    return Err(NoPlace::Problem(problem));
                }
                RouteState::Open(upstream) if ended.is_some_and(|ended| Arc::ptr_eq(ended, upstream)) => {
                    same = true;
                }
                RouteState::Open(_) => {}
                RouteState::Waiting { .. } => self.take_seat(parts)?,
            }
            let patience = if same { NEWS } else { self.options.waiting_time };
            let end = *until.get_or_insert_with(|| Instant::now() + patience);
            let end = if same { end } else { *self.until.get_or_insert(Instant::now() + patience) };
            match tokio::time::timeout_at(end, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) if same => return Err(NoPlace::SameGeneration),
                Ok(Err(_)) | Err(_) => return Err(NoPlace::Problem(in_vain(route, self.options))),
            }
        }
    }

    fn take_seat(&mut self, parts: &Parts) -> Result<(), NoPlace> {
        if self.seat.is_some() {
            return Ok(());
        }
        let (requests, bytes) = (self.options.waiting_requests, self.options.waiting_bytes);
        self.seat = self.backend.waiting.enter(held_by(parts), requests, bytes);
        if self.seat.is_some() {
            return Ok(());
        }
        let route = &self.backend.route;
        let detail = format!(
            "{} requests or {} bytes wait for the {} already; try again in a moment.",
            requests, bytes, route.owner
        );
        let problem = Problem::new(Kind::Busy, detail).owner(&route.owner).retry_after(RETRY_SOON);
        Err(NoPlace::Problem(with_cause(problem, route)))
    }
}

fn enter(route: &Route, ended: Option<&Arc<Upstream>>) -> Option<Place> {
    let state = route.state();
    let RouteState::Open(upstream) = &*state else { return None };
    if ended.is_some_and(|ended| Arc::ptr_eq(ended, upstream)) {
        return None;
    }
    upstream.enter().map(|in_flight| Place { upstream: Arc::clone(upstream), in_flight })
}

fn held_by(parts: &Parts) -> usize {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    target + headers + READ_BUFFER
}

/// Where only an operator can help no time is given after which to try again.
fn not_running(route: &Route, cause: &str, retry_after: Option<Duration>) -> Problem {
    let detail = match route.owner.plugin() {
        Some(id) => format!("The plugin {id} is not running; `outboard why {id}` says more."),
        None => format!("The {} is not there.", route.owner),
    };
    let problem = Problem::new(Kind::NotRunning, detail).owner(&route.owner).cause(cause);
    match retry_after {
        Some(after) => problem.retry_after(after),
        None => problem,
    }
}

fn in_vain(route: &Route, options: &GatewayOptions) -> Problem {
    let detail = format!(
        "The {} did not come up within {} s; try again in a moment.",
        route.owner,
        options.waiting_time.as_secs_f32()
    );
    let problem = Problem::new(Kind::NotRunning, detail).owner(&route.owner).retry_after(RETRY_SOON);
    with_cause(problem, route)
}

fn with_cause(problem: Problem, route: &Route) -> Problem {
    match &*route.state() {
        RouteState::Waiting { cause } | RouteState::Closed { cause, .. } => problem.cause(cause.as_str()),
        RouteState::Open(_) => problem,
    }
}
