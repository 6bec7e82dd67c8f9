//! What a piece of a plugin's work ended in.
//!
//! Made by whatever `effects` and `facts` set to work, read by `facts` alone. Knows no state.

use outboard_lifecycle::{Exit, Fact, Generation};
use outboard_protocol::handshake::InitializeResult;

use super::launching::{LaunchFailure, NewProcess};
use super::turns::Taken;

/// What a piece of work ended in.
pub(super) enum Done {
    /// A fact of one generation.
    Fact(Generation, Fact),
    /// Nothing that anybody has to be told: another fact tells the same, or it was done for its own sake.
    Nothing,
    /// It is not known whether anything of a generation is left, and why.
    Unseen(Generation, String),
    /// The turn of this generation to begin has come.
    Turn(Generation, Taken),
    /// The answer to `Spawn`.
    Launched(Generation, Result<NewProcess, LaunchFailure>),
    /// The answer to `initialize`.
    Initialized(Generation, Result<InitializeResult, String>),
    /// The call to `stop` is over; what the plugin's error says, where it answered with one.
    StopAnswered(Generation, Option<String>),
    /// The process has ended; what it left in its pipes is not read yet.
    Ended(Generation, Exit),
    /// Its pipes are read to the end.
    Drained(Generation, Exit),
}

impl Done {
    /// A fact, where there is one.
    pub(super) fn told(generation: Generation, fact: Option<Fact>) -> Self {
        fact.map_or(Self::Nothing, |fact| Self::Fact(generation, fact))
    }
}
