//! The interpreters that plugins need, as a plugin's own PATH finds them.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use outboard_host::javascript;

use super::{Finding, Verdict};

/// An answer is printed in some ten milliseconds; a shim that installs something first is not waited for.
const VERSION_WAIT: Duration = Duration::from_secs(5);
/// Between two looks whether it has been printed.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// A version is a line, and so is a reason.
const LINE_MAX: u64 = 1024;

/// Loads an addon and tells its build, or why it cannot.
const LOAD: &str = "const m = { exports: {} }; try { process.dlopen(m, process.argv[1]); console.log(m.exports.build()); } \
                    catch (error) { console.log(error.message); process.exit(1); }";

pub(super) fn look(node: Option<&Path>) -> Vec<Finding> {
    vec![self::node(node), databases(node), python()]
}

/// The SQLite of JavaScript plugins, which lies beside this program: whether it is there, and whether Node can load it.
fn databases(node: Option<&Path>) -> Finding {
    const WHAT: &str = "databases";
    const INSTEAD: &str = "without it, ctx.database of a JavaScript plugin needs Node 24 or newer, or better-sqlite3 in the plugin's folder";
    let path = match javascript::addon() {
        Ok(path) => path,
        Err(error) => {
            let sentence = format!("the folder of this program is unknown ({error}); {INSTEAD}");
            return Finding::new(WHAT, Verdict::Degraded, sentence);
        }
    };
    let shown = path.display();
    if !path.is_file() {
        let sentence = format!(
            "{shown} is not there: it is built together with this program, by `cargo build --release` or `make build`, and \
             belongs beside it; {INSTEAD}"
        );
        return Finding::new(WHAT, Verdict::Degraded, sentence);
    }
    let Ok(program) = javascript::program(node) else {
        let sentence = format!("{shown} is there, and no Node to load it");
        return Finding::new(WHAT, Verdict::Unavailable, sentence);
    };
    let mut command = Command::new(&program);
    command.args(["-e", LOAD]).arg(&path).env("ELECTRON_RUN_AS_NODE", "1");
    match first_line(command) {
        Ok(_) => {
            Finding::new(WHAT, Verdict::Ok, format!("{shown}: JavaScript plugins have databases on any Node"))
        }
        Err(why) => {
            let sentence = format!("{} does not load {shown} ({why}); {INSTEAD}", program.display());
            Finding::new(WHAT, Verdict::Degraded, sentence)
        }
    }
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

/// What `program --version` prints.
fn version(program: &str) -> Result<String, String> {
    let mut command = Command::new(program);
    command.arg("--version");
    first_line(command)
}

/// The first line that a command prints, within a bounded time. It is an error where the command fails.
fn first_line(mut command: Command) -> Result<String, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "not on the PATH".to_owned(),
        _ => format!("cannot be started: {error}"),
    })?;
    let end = Instant::now() + VERSION_WAIT;
    let failed = loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < end => std::thread::sleep(LOOK_AGAIN),
            Ok(None) => {
                // It may have ended in between, which is as well.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("did not answer within {} s", VERSION_WAIT.as_secs()));
            }
            Ok(Some(status)) => break !status.success(),
            Err(_) => break false,
        }
    };
    let mut text = String::new();
    let read = child.stdout.take().map(|out| out.take(LINE_MAX).read_to_string(&mut text));
    let line = text.lines().next().unwrap_or_default().trim();
    match read {
        Some(Ok(_)) if failed => Err(line.to_owned()),
        Some(Ok(_)) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err("gave no answer".to_owned()),
    }
}
