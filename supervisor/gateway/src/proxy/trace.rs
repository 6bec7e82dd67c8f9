//! Where requests go, told one by one to whoever asks: which process, over which connection, whether once more, and what came of it.
//!
//! Made by [`super::forward`]. The path alone of what a client sends: a query may hold secrets. Costs one comparison where nobody
//! asks.

use std::time::{Duration, Instant};

use http::{Method, Response};
use outboard_host::routes::{Owner, Upstream};
use tracing::Level;

use crate::problem::{Kind, Problem};

/// One request.
pub(super) struct Traced(Option<Box<Known>>);

struct Known {
    owner: Owner,
    request: String,
    since: Instant,
    /// Since when there is a place.
    placed: Instant,
    /// Of the process that it went to last; 0: to none.
    generation: u64,
}

impl Traced {
    /// A request for this plugin, or for the host application.
    pub(super) fn begin(owner: &Owner, method: &Method, path: &str) -> Self {
        let traced = tracing::enabled!(target: "outboard::proxy", Level::TRACE).then(|| {
            let since = Instant::now();
            let request = format!("{method} {path:?}");
            Box::new(Known { owner: owner.clone(), request, since, placed: since, generation: 0 })
        });
        Self(traced)
    }

    /// It has got a place in a process, at once or after a time.
    pub(super) fn placed(&mut self, upstream: &Upstream) {
        if let Some(known) = &mut self.0 {
            (known.placed, known.generation) = (Instant::now(), upstream.generation());
        }
    }

    /// It is sent, over a connection that was kept or over a fresh one.
    pub(super) fn sent(&self, kept: bool) {
        let Some(known) = &self.0 else { return };
        let Known { owner, request, generation, .. } = &**known;
        let connection = if kept { "kept" } else { "fresh" };
        let waited_ms = in_ms(known.placed.duration_since(known.since));
        tracing::trace!(
            target: "outboard::proxy", plugin = owner.word(), generation, connection, %waited_ms, "{request} is sent"
        );
    }

    /// It goes out once more.
    pub(super) fn again(&self, why: &'static str) {
        let Some(known) = &self.0 else { return };
        let Known { owner, request, generation, .. } = &**known;
        tracing::trace!(target: "outboard::proxy", plugin = owner.word(), generation, why, "{request} needs another try");
    }

    /// The client gets this.
    pub(super) fn ended<B>(&self, answered: Result<&Response<B>, &Problem>) {
        let Some(known) = &self.0 else { return };
        let Known { owner, request, generation, since, .. } = &**known;
        let ms = in_ms(since.elapsed());
        match answered {
            Ok(response) => {
                let status = response.status().as_u16();
                tracing::trace!(target: "outboard::proxy", plugin = owner.word(), generation, status, %ms, "{request} is answered");
            }
            Err(problem) => {
                let (status, why) = (problem.kind().status().as_u16(), word(problem.kind()));
                tracing::trace!(
                    target: "outboard::proxy", plugin = owner.word(), generation, status, why, %ms, "{request} is refused"
                );
            }
        }
    }
}

fn in_ms(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1000.0)
}

/// The last word of its type.
fn word(kind: Kind) -> &'static str {
    kind.urn().rsplit(':').next().unwrap_or_default()
}
