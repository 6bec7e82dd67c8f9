//! What became of the call to `stop`: an onStop that failed or never ended has to be told, though the process ends all the same.
//!
//! Kept with the living process, told by the effects, read when its end is recorded. Decides nothing.

use std::time::Duration;

use outboard_lifecycle::Generation;
use outboard_protocol::context::logger::LogLevel;
use serde_json::json;
use serde_json::value::to_raw_value;

use super::actor::Actor;
use super::living::Living;

/// The call to `stop` of one process.
#[derive(Debug, Clone, Default)]
pub(super) enum StopCall {
    /// It was not made.
    #[default]
    NotMade,
    /// It was made, and this is how long its answer may take.
    Made(Duration),
    /// It was answered.
    Answered,
    /// It went wrong.
    Failed(StopFailure),
}

/// Why a stop went wrong: a clause that follows how the process ended, and the stack, where an SDK told one.
#[derive(Debug, Clone)]
pub(super) struct StopFailure {
    pub(super) clause: String,
    pub(super) stack: Option<String>,
}

impl StopCall {
    /// What went wrong.
    pub(super) fn failure(&self) -> Option<&StopFailure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::NotMade | Self::Made(_) | Self::Answered => None,
        }
    }
}

/// An answer to the call came: `said` is what the plugin's error says, its stack on further lines.
pub(super) fn answered(actor: &mut Actor, generation: Generation, said: Option<&str>) {
    // The call also ends with the process, after it was found to be unanswered.
    let asked =
        |living: &&mut Living| living.generation == generation && matches!(living.stop, StopCall::Made(_));
    let Some(living) = actor.living.as_mut().filter(asked) else { return };
    let Some(said) = said else {
        living.stop = StopCall::Answered;
        return;
    };
    let said = said.trim_start();
    let (line, stack) = said.split_once('\n').unwrap_or((said, ""));
    let stack = Some(stack.trim_end().to_owned()).filter(|stack| !stack.is_empty());
    failed(actor, &format!("its stop failed: {}", line.trim_end()), stack);
}

/// No answer came, and the process is about to be ended by a signal.
pub(super) fn unanswered(actor: &mut Actor) {
    let Some(StopCall::Made(limit)) = actor.living.as_ref().map(|living| living.stop.clone()) else { return };
    failed(actor, &format!("it did not answer `stop` within {limit:?}"), None);
}

fn failed(actor: &mut Actor, clause: &str, stack: Option<String>) {
    let extra = stack.as_ref().and_then(|stack| to_raw_value(&json!({ "stack": stack })).ok());
    actor.log(LogLevel::Error, clause.to_owned(), extra);
    if let Some(living) = actor.living.as_mut() {
        living.stop = StopCall::Failed(StopFailure { clause: clause.to_owned(), stack });
    }
}
