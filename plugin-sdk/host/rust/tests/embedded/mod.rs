//! What the tests of this crate share: the programs that they run, and an end to them.

use std::path::PathBuf;

/// Builds lie beside each other: this test in `deps`, the program and the examples above it.
pub(crate) fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join(name);
    assert!(path.is_file(), "{} is not there; `cargo build --workspace` makes it", path.display());
    path
}

/// Ends a process as nothing could prepare for.
pub(crate) fn kill(pid: u32) {
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid.cast_signed()).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
}
