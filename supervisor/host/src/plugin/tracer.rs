//! Whether a silent process is held by a debugger, which is no hang.
//!
//! Asked by the actor's effects. It must not know what follows.

use crate::process::facts;

/// Whether a debugger holds the process, or may: those that live inside the program show in its arguments alone.
///
/// The kernel reads the arguments from the process's own memory, and a process that does not answer may keep that locked: so
/// the look has a thread of its own, and whoever asks gives up on it by himself.
pub(super) async fn is_debugged(pid: i32) -> bool {
    // A look that failed has seen nothing.
    tokio::task::spawn_blocking(move || look(pid)).await.unwrap_or(false)
}

fn look(pid: i32) -> bool {
    if facts::tracer_pid(pid).is_some() {
        return true;
    }
    let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    arguments.split(|byte| *byte == 0).any(|argument| {
        argument.starts_with(b"--inspect") || argument == b"debugpy" || argument.ends_with(b"/debugpy")
    })
}
