//! The supervisor of `dev`: `outboard run` in folders of its own, with the plugin alone. It ends with us, however we end.
//!
//! Started and stopped by the loop of `dev`. Must not know what is asked of it.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::project::Project;
use crate::arguments::{DevArguments, Global};
use crate::failure::{Exit, Failure, Outcome};

/// Lines of its standard error that are kept for the case that it does not start.
const LINES_KEPT: usize = 50;
/// Longest piece that is kept as one line, in bytes.
const LINE_MAX: u64 = 64 * 1024;
/// How long the plugin's first start may take: longer than the supervisor allows any.
pub(super) const READY_MAX: Duration = Duration::from_secs(120);
/// How long an orderly end may take before it is killed.
const END_MAX: Duration = Duration::from_secs(40);
/// How long the end of a process may take that has closed its output.
const EXIT_MAX: Duration = Duration::from_secs(10);

/// Folders of the moment; they go with this.
pub(super) struct Folders {
    root: TempDir,
    data: Option<PathBuf>,
    /// The plugin's folder as the supervisor sees it: a link.
    pub(super) link: PathBuf,
}

impl Folders {
    /// Makes them.
    pub(super) fn make(project: &Project, data: Option<&Path>) -> Outcome<Self> {
        let failed = |error: std::io::Error| {
            Failure::failed(format!(
                "no folder can be made below {}: {error}",
                std::env::temp_dir().display()
            ))
        };
        let root = tempfile::Builder::new().prefix("outboard-dev-").tempdir().map_err(failed)?;
        let plugins = root.path().join("plugins");
        std::fs::create_dir(&plugins).map_err(failed)?;
        let link = plugins.join(project.id.as_str());
        symlink(&project.run_dir, &link).map_err(failed)?;
        let data = data.map(std::path::absolute).transpose();
        let data = data.map_err(|error| Failure::usage(format!("--data: {error}")))?;
        Ok(Self { root, data, link })
    }

    /// Where its sockets are.
    pub(super) fn runtime(&self) -> PathBuf {
        self.root.path().join("run")
    }

    /// A file of ours in there.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }
}

/// What it says of itself when it is ready.
#[derive(Debug, Deserialize)]
pub(super) struct Ready {
    /// The address that people reach, or a socket.
    pub(super) listen: String,
}

/// A supervisor that runs, or is about to.
pub(super) struct Supervisor {
    child: Child,
    /// Its end is an order to stop, and waiting for a child would close the one that it holds.
    _stdin: Option<ChildStdin>,
    errors: Arc<Mutex<Vec<String>>>,
    reading: JoinHandle<()>,
}

impl Supervisor {
    /// Starts it.
    pub(super) fn start(
        folders: &Folders,
        wanted: &DevArguments,
        global: &Global,
        further: &[String],
    ) -> Outcome<Self> {
        let binary = std::env::current_exe()
            .map_err(|error| Failure::failed(format!("our own program cannot be found: {error}")))?;
        let mut command = Command::new(binary);
        command.args(["run", "--ready-json", "--exit-with-parent", "--log-level", "error"]);
        command.arg("--runtime-dir").arg(folders.runtime());
        command.arg("--data").arg(folders.data.clone().unwrap_or_else(|| folders.file("data")));
        command.arg("--plugins").arg(folders.file("plugins"));
        if let Some(listen) = &wanted.listen {
            command.args(["--listen", listen]);
        }
        if let Some(config) = &global.config {
            command.arg("--config").arg(config);
        }
        // In a group of its own: the terminal's Ctrl-C is ours, and we tell it in our turn.
        command.env_remove("OUTBOARD_SET").process_group(0);
        for set in global.set.iter().chain(further) {
            command.arg("--set").arg(set);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| Failure::failed(format!("the supervisor cannot be started: {error}")))?;
        let errors = Arc::<Mutex<Vec<String>>>::default();
        let (kept, stderr) = (Arc::clone(&errors), child.stderr.take());
        let reading = tokio::spawn(async move {
            let Some(stderr) = stderr else { return };
            let (mut stderr, mut line) = (BufReader::new(stderr), Vec::new());
            // A longer line is kept as several: nothing grows with what is said.
            while (&mut stderr).take(LINE_MAX).read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == LINES_KEPT {
                    kept.remove(0);
                }
                kept.push(text);
            }
        });
        let stdin = child.stdin.take();
        Ok(Self { child, _stdin: stdin, errors, reading })
    }

    /// Waits until the plugin runs, or it is clear that it will not.
    ///
    /// # Errors
    /// What the supervisor said where it did not start, with its exit code.
    pub(super) async fn ready(&mut self, most: Duration) -> Outcome<Ready> {
        let Some(out) = self.child.stdout.take() else {
            return Err(Failure::failed("the supervisor was started already"));
        };
        let mut lines = BufReader::new(out).lines();
        match timeout(most, lines.next_line()).await {
            Ok(Ok(Some(line))) => serde_json::from_str(&line)
                .map_err(|error| Failure::failed(format!("the supervisor said {line:?}: {error}"))),
            Ok(_) => Err(self.ended().await),
            Err(_) => Err(Failure::new(
                Exit::NoAnswer,
                format!("the supervisor was not ready within {} s", most.as_secs()),
            )),
        }
    }

    /// Resolves when it has ended by itself, with what it said.
    pub(super) async fn ended(&mut self) -> Failure {
        let status = timeout(EXIT_MAX, self.child.wait()).await;
        // Its last lines may still be on their way.
        if !self.reading.is_finished() {
            let _ = timeout(Duration::from_secs(1), &mut self.reading).await;
        }
        let said = self.errors.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
        let said = said.trim().trim_start_matches("outboard: ");
        let exit = match status.ok().and_then(Result::ok).and_then(|status| status.code()) {
            Some(2) => Exit::Usage,
            Some(5) => Exit::Refused,
            _ => Exit::Failed,
        };
        let said = if said.is_empty() { "the supervisor has ended, and said nothing" } else { said };
        Failure::new(exit, said)
    }

    /// Resolves when its process is gone.
    pub(super) async fn exited(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Asks it to end; a second time, to end at once.
    pub(super) fn tell_to_stop(&self) {
        if let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// Waits for its end after it was told. What it leaves, its keeper ends.
    pub(super) async fn stopped(&mut self) {
        if timeout(END_MAX, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}
