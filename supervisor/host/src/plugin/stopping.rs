//! What became of the call to `stop`: an onStop that failed or never ended has to be told, though the process ends all the same.
//!
//! Kept with the living process, told by effects and facts, read when its end is recorded. Decides nothing, and logs nothing.

use std::time::Duration;

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

    /// An answer came: `said` is what the plugin's error says, its stack on further lines. Gives what went wrong, where that is
    /// news: the call also ends with the process, after it was found to be unanswered.
    pub(super) fn answered(&mut self, said: Option<&str>) -> Option<&StopFailure> {
        if !matches!(self, Self::Made(_)) {
            return None;
        }
        let Some(said) = said else {
            *self = Self::Answered;
            return None;
        };
        let said = said.trim_start();
        let (line, stack) = said.split_once('\n').unwrap_or((said, ""));
        let stack = Some(stack.trim_end().to_owned()).filter(|stack| !stack.is_empty());
        self.fail(format!("its stop failed: {}", line.trim_end()), stack)
    }

    /// No answer came, and the process is about to be ended by a signal. Gives what went wrong, where that is news.
    pub(super) fn unanswered(&mut self) -> Option<&StopFailure> {
        let Self::Made(limit) = *self else { return None };
        self.fail(format!("it did not answer `stop` within {limit:?}"), None)
    }

    fn fail(&mut self, clause: String, stack: Option<String>) -> Option<&StopFailure> {
        *self = Self::Failed(StopFailure { clause, stack });
        self.failure()
    }
}
