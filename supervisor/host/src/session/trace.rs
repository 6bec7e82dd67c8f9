//! A context call, told to whoever asks: its method, how long it took, and what came of it. Never what it carries.
//!
//! Made by [`super::inbound`] for each call. Costs one comparison where nobody asks.

use std::time::Instant;

use outboard_protocol::{ErrorReason, RpcError};
use serde_json::value::RawValue;
use tracing::{Level, Span};

/// Longest method that is told, in characters: a plugin may call what there is not.
const METHOD_MAX: usize = 64;

/// One call on its way to its answer. Dropped without one, it was given up.
pub(super) struct Asked(Option<Box<Traced>>);

struct Traced {
    method: String,
    since: Instant,
    /// Large frames are read on another thread, and what is left over at the end by another task.
    within: Span,
}

impl Asked {
    /// A call begins.
    pub(super) fn begin(method: &str) -> Self {
        let traced = tracing::enabled!(target: "outboard::call", Level::TRACE).then(|| {
            let method = method.chars().take(METHOD_MAX).collect();
            Box::new(Traced { method, since: Instant::now(), within: Span::current() })
        });
        Self(traced)
    }

    /// It has its answer.
    pub(super) fn answered(mut self, outcome: Result<&RawValue, &RpcError>) {
        if let Some(traced) = self.0.take() {
            traced.tell(match outcome {
                Ok(_) => "ok",
                Err(error) => error.reason().map_or("failed", |reason| reason.word()),
            });
        }
    }

    /// It is not worked on: too much waits already.
    pub(super) fn refused(mut self) {
        if let Some(traced) = self.0.take() {
            traced.tell(ErrorReason::LimitExceeded.word());
        }
    }

    /// It was a notification, which has no answer.
    pub(super) fn taken(mut self) {
        if let Some(traced) = self.0.take() {
            traced.tell("taken");
        }
    }
}

impl Traced {
    fn tell(self, outcome: &str) {
        let Self { method, since, within } = self;
        let ms = since.elapsed().as_secs_f64() * 1000.0;
        let ms = format_args!("{ms:.3}");
        tracing::trace!(target: "outboard::call", parent: &within, outcome, %ms, "{method}");
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(traced) = self.0.take() {
            traced.tell("given up");
        }
    }
}
