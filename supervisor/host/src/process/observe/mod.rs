//! What is true of a process, read from the kernel: nothing here changes one.

pub(super) mod environ;
pub(super) mod exit;
pub mod facts;
pub mod mark;
pub(super) mod tcp;
