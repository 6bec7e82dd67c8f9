//! What a Python plugin reads of its `ctx` and this host's SDK lacks, told without running any of it: by Python's own reading of its text.
//!
//! Called by `outboard check`. Python is run on a program of ours that parses; without its `site`, so that no file of the plugin's
//! environment is run either. Must not know how a plugin is started.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::Deserialize;

use crate::javascript::Problem;

/// Reads the text of every file of a folder.
const PROGRAM: &str = include_str!("lacking.py");
/// How long that may take.
const LOOK_FOR: Duration = Duration::from_secs(30);
/// More than any plugin's names; what comes after is not read.
const MOST_TOLD: u64 = 1024 * 1024;
/// What `ctx` has, as plugin-sdk/python makes it.
const CONTEXT: [&str; 13] = [
    "plugin",
    "resumed_from",
    "logger",
    "config",
    "ipc",
    "auth",
    "airline",
    "database",
    "server",
    "service",
    "create_task",
    "wait",
    "progress",
];

/// A line of what was found: a name that is read, or what is wrong with the file's syntax.
#[derive(Debug, Deserialize)]
struct Found(String, Option<u64>, Option<String>, serde_json::Value);

/// What the plugin in `folder` counts on and would not find, and files that Python cannot read: an error for those that `words`, the
/// arguments of its program, name. None where the look itself could not be taken.
pub fn problems(python: &Path, words: &[String], folder: &Path) -> Vec<Problem> {
    let found = look(python, folder).unwrap_or_default();
    let mut problems = Vec::new();
    // One reading that does not ask is what fails.
    let mut lacks: BTreeMap<String, (String, bool)> = BTreeMap::new();
    for Found(file, line, name, more) in found {
        let place = line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
        let Some(name) = name else {
            let is_named = words.iter().any(|word| folder.join(word) == Path::new(&file));
            let reason = format!("SyntaxError: {}", more.as_str().unwrap_or_default());
            problems.push(match is_named {
                true => Problem { place, reason, warning: false },
                false => {
                    Problem { place, reason: format!("{reason}; whoever imports it fails"), warning: true }
                }
            });
            continue;
        };
        let asks = more.as_bool().unwrap_or_default();
        // Names with underscores are Python's own, or nobody's business.
        if CONTEXT.contains(&name.as_str()) || name.starts_with('_') {
            continue;
        }
        let known = lacks.entry(name).or_insert_with(|| (place.clone(), asks));
        if known.1 && !asks {
            *known = (place, false);
        }
    }
    let told = lacks.into_iter().map(|(name, (place, asks))| Problem {
        place,
        reason: format!(
            "it reads ctx.{name}, which this host does not have: {}",
            if asks { "it gets nothing, and asks first" } else { "AttributeError follows" }
        ),
        warning: true,
    });
    problems.extend(told);
    problems
}

fn look(python: &Path, folder: &Path) -> Option<Vec<Found>> {
    let mut command = Command::new(python);
    command.args(["-I", "-S", "-B", "-"]).arg(folder).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (answered, answer) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let asked = stdin.and_then(|mut stdin| stdin.write_all(PROGRAM.as_bytes()).ok());
        let read = asked.and(stdout).and_then(|out| out.take(MOST_TOLD).read_to_end(&mut said).ok());
        // Nobody listens any more where the answer came too late.
        let _ = answered.send(read.map(|_| said));
    });
    let said = answer.recv_timeout(LOOK_FOR);
    // It has answered, or never will; either way it must not stay.
    let _ = child.kill();
    let _ = child.wait();
    serde_json::from_slice(&said.ok()??).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SDK's own text.
    const SDK: &str = include_str!("../../../../plugin-sdk/python/src/outboard_plugin/context/__init__.py");

    #[test]
    fn the_names_of_the_context_are_those_that_the_sdk_makes() {
        let class = SDK.split("\nclass Context:").nth(1).unwrap_or_default();
        let class = class.split("\ndef ").next().unwrap_or_default();
        let mut made: Vec<&str> = class
            .lines()
            .filter_map(|line| {
                let line = line.trim_start();
                let name = line.strip_prefix("self.").or_else(|| line.strip_prefix("def "))?;
                let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
                let is_made = line.starts_with("def ") || name[end..].contains(" = ");
                (is_made && !name.starts_with('_')).then_some(&name[..end])
            })
            .collect();
        made.sort_unstable();
        let mut known = CONTEXT;
        known.sort_unstable();
        assert_eq!(made, known);
    }
}
