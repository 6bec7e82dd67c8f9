//! Runs the author's build: one at a time, its lines told as they come, the last of them kept for who shows the error.
//!
//! Called by the loop of `dev`. Dropped, it ends all that the build has started: a newer save wins.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::project::Project;
use crate::failure::{Failure, Outcome};

/// Longest build; one that takes longer waits for something that never comes.
const BUILD_MAX: Duration = Duration::from_secs(30 * 60);
/// So many of its last lines are kept.
const LINES_KEPT: usize = 200;
/// How long each of its last lines may take after its end: what it has left running may hold its output open.
const LAST_LINES: Duration = Duration::from_millis(300);
/// Lines that wait to be told.
const LINES_WAITING: usize = 256;

/// What came of a build.
pub(super) struct Built {
    /// Why it failed, a sentence; none where it did not.
    pub(super) failed: Option<String>,
    /// What it said last.
    pub(super) lines: Vec<String>,
}

/// Ends a group of processes with its owner.
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        // One that has ended is gone already.
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

/// Builds; each line goes to `tell`.
///
/// # Errors
/// A failure that says that the program cannot be run.
pub(super) async fn run(project: &Project, words: &[String], mut tell: impl FnMut(&str)) -> Outcome<Built> {
    let (program, arguments) = words.split_first().ok_or_else(|| Failure::failed("`dev.build` is empty"))?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&project.folder).env("PATH", path(project)).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| {
        Failure::failed(format!(
            "the build cannot be run: {program:?}: {error}; `dev.build` in plugin.json names the program and its arguments, and it is run in {}",
            project.folder.display()
        ))
    })?;
    let _group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).map(Group);
    let (said, mut lines) = mpsc::channel(LINES_WAITING);
    if let Some(out) = child.stdout.take() {
        tokio::spawn(hand_on(out, said.clone()));
    }
    if let Some(errors) = child.stderr.take() {
        tokio::spawn(hand_on(errors, said));
    }
    let mut kept = VecDeque::new();
    let ended = timeout(BUILD_MAX, async {
        loop {
            tokio::select! {
                biased;
                Some(line) = lines.recv() => {
                    tell(&line);
                    kept.push_back(line);
                    if kept.len() > LINES_KEPT {
                        kept.pop_front();
                    }
                }
                // What it has left running may hold its output open: its own end counts.
                ended = child.wait() => return ended,
            }
        }
    });
    let failed = match ended.await {
        Ok(Ok(status)) if status.success() => None,
        Ok(Ok(status)) => Some(match status.code() {
            Some(code) => format!("{} exited with code {code}", words.join(" ")),
            None => format!("{} was ended by a signal", words.join(" ")),
        }),
        Ok(Err(error)) => Some(format!("{} cannot be waited for: {error}", words.join(" "))),
        Err(_) => Some(format!("{} did not end within {} min", words.join(" "), BUILD_MAX.as_secs() / 60)),
    };
    // Its last lines may still be on their way.
    while let Ok(Some(line)) = timeout(LAST_LINES, lines.recv()).await {
        tell(&line);
        kept.push_back(line);
    }
    Ok(Built { failed, lines: kept.into() })
}

async fn hand_on(from: impl AsyncRead + Unpin, to: mpsc::Sender<String>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if to.send(text).await.is_err() {
            return;
        }
        line.clear();
    }
}

/// The project's own tools first, as npm has it.
fn path(project: &Project) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = project.folder.join("node_modules/.bin");
    std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path))).unwrap_or(path)
}
