//! The interpreters that plugins need, as a plugin's own PATH finds them.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use outboard_host::javascript;

use super::{Finding, Verdict};

/// A version is printed in some ten milliseconds; a shim that installs something first is not waited for.
const VERSION_WAIT: Duration = Duration::from_secs(5);
/// Between two looks whether it has been printed.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// A version is a line.
const VERSION_MAX: u64 = 256;

pub(super) fn look(node: Option<&Path>) -> Vec<Finding> {
    vec![self::node(node), python()]
}

/// The one that plugins would be run with, found as a start finds it.
fn node(set: Option<&Path>) -> Finding {
    match javascript::program(set) {
        Ok(program) => {
            let sentence = format!("{}: JavaScript and TypeScript plugins can run", program.display());
            Finding::new("node", Verdict::Ok, sentence)
        }
        Err(why) => Finding::new("node", Verdict::Unavailable, why.to_string()),
    }
}

fn python() -> Finding {
    match version("python3") {
        Ok(version) => Finding::new("python3", Verdict::Ok, format!("{version}: Python plugins can run")),
        Err(why) => {
            Finding::new("python3", Verdict::Unavailable, format!("{why}; Python plugins cannot run"))
        }
    }
}

/// What `program --version` prints, within a bounded time.
fn version(program: &str) -> Result<String, String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "not on the PATH".to_owned(),
        _ => format!("cannot be started: {error}"),
    })?;
    let end = Instant::now() + VERSION_WAIT;
    while let Ok(None) = child.try_wait() {
        if Instant::now() >= end {
            // It may have ended in between, which is as well.
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("did not print its version within {} s", VERSION_WAIT.as_secs()));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    let mut text = String::new();
    let read = child.stdout.take().map(|out| out.take(VERSION_MAX).read_to_string(&mut text));
    let line = text.lines().next().unwrap_or_default().trim();
    match read {
        Some(Ok(_)) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err("does not say its version".to_owned()),
    }
}
