//! One plugin's actor among processes and a context in memory, by a clock that stands still unless everybody waits.
//!
//! What follows on what is the state machine's, and shown there. Here it is shown that the actor carries it out: that a deadline
//! is a deadline, that what is decided reaches the process, and that what the process does reaches the machine.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod ending;
mod facts;
mod hanging;
mod keeping;
mod orders;
mod panics;
mod starting;
mod stopping;
