//! What is answered where a plugin gives no answer that could be passed on.
//!
//! [`super::forward`] asks, once it has decided that the request is not sent again. Must not know connections.

use std::io;

use outboard_host::routes::Upstream;

use super::backend::Backend;
use super::exchange::Failure;
use crate::descriptors;
use crate::options::GatewayOptions;
use crate::problem::{Kind, Problem, RETRY_SOON};
use crate::wire::signals::Signals;

/// Nothing was sent, as the plugin took no connection; or as we could make none.
pub(crate) fn refused(backend: &Backend, error: &io::Error) -> Problem {
    let owner = &backend.route.owner;
    if descriptors::is_shortage(error) {
        let detail = format!(
            "The supervisor has no descriptor or memory left for a connection to the {owner}; try again in a moment."
        );
        return Problem::new(Kind::Full, detail).owner(owner).retry_after(RETRY_SOON);
    }
    Problem::new(Kind::Refused, format!("The {owner} took no connection: {error}.")).owner(owner)
}

/// It was sent, and the connection ended.
pub(crate) fn died(backend: &Backend) -> Problem {
    let owner = &backend.route.owner;
    let detail =
        format!("The {owner} ended the connection before it answered. The request may have had its effect.");
    Problem::new(Kind::Died, detail).owner(owner)
}

/// Everything else.
pub(crate) fn failed(
    backend: &Backend,
    upstream: &Upstream,
    options: &GatewayOptions,
    signals: &Signals,
    failure: &Failure,
) -> Problem {
    let owner = &backend.route.owner;
    match failure {
        Failure::NotSent | Failure::NoAnswer => died(backend),
        Failure::Slow => slow(backend, upstream, options),
        Failure::BadAnswer(why) => {
            let detail = format!("The answer of the {owner} was refused: {why}.");
            Problem::new(Kind::BadAnswer, detail).owner(owner)
        }
        Failure::Client { slow: true } => {
            let seconds = options.client_stall.as_secs_f32();
            let detail =
                format!("Nothing of the body arrived for {seconds} s; send it without such a pause.");
            Problem::new(Kind::ClientSlow, detail).closing()
        }
        Failure::Client { slow: false } => match signals.fault() {
            Some(fault) => fault.problem(),
            None => Problem::new(Kind::Ambiguous, "The body of the request broke off.").closing(),
        },
    }
}

fn slow(backend: &Backend, upstream: &Upstream, options: &GatewayOptions) -> Problem {
    let owner = &backend.route.owner;
    let seconds = options.answer_timeout.as_secs_f32();
    if !upstream.has_answered() {
        // The limit may be shorter than the notice.
        upstream.note_silence();
    }
    let detail = format!("The {owner} did not begin its answer within {seconds} s.");
    match upstream.silence() {
        Some(silence) => {
            let more =
                owner.plugin().map(|id| format!(" `outboard why {id}` says more.")).unwrap_or_default();
            Problem::new(Kind::Slow, format!("{detail}{more}")).owner(owner).cause(silence)
        }
        None => Problem::new(Kind::Slow, detail).owner(owner),
    }
}
