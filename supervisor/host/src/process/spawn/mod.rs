//! From a specification to a contained process: the fork, what happens between it and the program, and what may go wrong.

pub(super) mod error;
mod forker;
mod image;
mod inherited;
mod launch;
mod order;
mod pipes;
pub(super) mod port;
pub mod socket;
pub(super) mod spawner;
pub(super) mod spec;
pub(super) mod trampoline;
