//! The interpreters that plugins need, as a plugin's own PATH finds them.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Finding, Verdict};

/// A version is printed in some ten milliseconds; a shim that installs something first is not waited for.
const VERSION_WAIT: Duration = Duration::from_secs(5);
/// Between two looks whether it has been printed.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// A version is a line.
const VERSION_MAX: u64 = 256;
/// The oldest Node that the JavaScript runner supports.
const NODE_MAJOR: u32 = 20;

pub(super) fn look() -> Vec<Finding> {
    vec![node(), python()]
}

fn node() -> Finding {
    match version("node") {
        Ok(version) => {
            let major =
                version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
            if major.is_some_and(|major| major >= NODE_MAJOR) {
                return Finding::new(
                    "node",
                    Verdict::Ok,
                    format!("{version}: JavaScript and TypeScript plugins can run"),
                );
            }
            let sentence =
                format!("{version} is older than {NODE_MAJOR}, with which JavaScript plugins are tested");
            Finding::new("node", Verdict::Degraded, sentence)
        }
        Err(why) => {
            let sentence = format!(
                "{why}; JavaScript and TypeScript plugins cannot run (install Node {NODE_MAJOR} or newer)"
            );
            Finding::new("node", Verdict::Unavailable, sentence)
        }
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
