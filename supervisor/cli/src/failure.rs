//! How a verb fails: one sentence for people, one exit code for scripts.
//!
//! Every verb returns [`Failure`]; `main` reports it. The codes are documented in `docs/OPERATING.md` and in `--help`.

use std::io::{self, Write};
use std::process::ExitCode;

use outboard_context::terminal::escape_json;
use outboard_protocol::{ErrorReason, RpcError};
use serde_json::{Value, json};

use crate::tame::harmless;

/// Exit codes. Scripts rely on them; they never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Whoever read standard output has heard enough and closed it.
    HeardEnough = 0,
    /// What was asked for failed.
    Failed = 1,
    /// The command line or the settings file is wrong; nothing was done.
    Usage = 2,
    /// No supervisor is running where we looked.
    NoSupervisor = 3,
    /// The plugin, key or channel that was named does not exist.
    NotFound = 4,
    /// The supervisor refused: a conflict, a missing permission, nobody signed in.
    Refused = 5,
    /// No answer came in time. What was asked for may still happen.
    NoAnswer = 6,
}

/// Why a verb failed, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// Empty: everything has been said, only the code is left.
    message: String,
    /// The code that the plugin's or the supervisor's error has; text where a plugin gave its error one.
    code: Option<Value>,
}

/// What verbs return.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// A failure with a sentence that says what was wrong, where, and what to do.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), code: None }
    }

    /// What was asked for failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The command line or the settings file is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The reason has been printed already.
    pub(crate) fn said(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// The sentence.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Prints the sentence on standard error and gives the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if !self.message.is_empty() {
            let line = if json {
                let mut error = json!({ "exit": self.exit as u8, "message": self.message });
                if let Some(code) = &self.code {
                    error["code"] = code.clone();
                }
                escape_json(&json!({ "error": error }).to_string()).into_owned()
            } else {
                harmless(&format!("outboard: {}", self.message))
            };
            // A closed standard error leaves the code to speak.
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
        ExitCode::from(self.exit as u8)
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        let exit = match error.reason() {
            Some(ErrorReason::NotFound) => Exit::NotFound,
            Some(ErrorReason::Conflict | ErrorReason::Denied | ErrorReason::AuthRequired) => Exit::Refused,
            Some(ErrorReason::Timeout) => Exit::NoAnswer,
            Some(ErrorReason::InvalidParams) => Exit::Usage,
            _ => Exit::Failed,
        };
        let own = error.data.as_ref().and_then(|data| data.details.get("code")).cloned();
        let code = Some(own.unwrap_or_else(|| error.code.into()));
        // A plugin may have said it: nothing in there looks like a line of ours.
        Self { code, ..Self::new(exit, error.message.replace('\n', "\n    ")) }
    }
}

impl From<io::Error> for Failure {
    /// Only for writes to standard output: who reads has heard enough, or the disk behind it is full.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::said(Exit::HeardEnough);
        }
        Self::failed(format!("cannot write to standard output: {error}"))
    }
}
