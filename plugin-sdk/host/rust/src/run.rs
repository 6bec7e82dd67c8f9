//! One run of the program: started, watched until it is ready, told to stop, and seen to its end.
//!
//! Made by [`crate::keeping`] for each start. Its standard input is the lifeline: when this process ends, in whatever way, it
//! closes, and the supervisor stops everything. Must not know the control API.

use std::collections::VecDeque;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outboard_protocol::control::PluginState;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::{Error, Options};

/// What the supervisor says when every plugin runs or has failed.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Ready {
    /// Where it listens, with the real port.
    pub listen: String,
    /// The supervisor's process.
    pub pid: u32,
    /// The keeper above it, which is the process that was started here.
    pub keeper_pid: u32,
    /// Its version.
    pub version: String,
    /// The origin of the operator's pages; `None` where browsers are served none.
    pub pages: Option<String>,
    /// Whether plugins are held back until somebody signs in.
    pub waiting_for_sign_in: bool,
    /// What became of each plugin.
    pub plugins: Vec<PluginAtReady>,
}

/// What became of a plugin.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct PluginAtReady {
    /// Which one.
    pub id: String,
    /// What it does.
    pub state: PluginState,
    /// Why it does not run.
    pub cause: Option<String>,
}

/// The lines that are kept to say why a run ended.
const LINES_KEPT: usize = 20;
/// How long its last lines may be on their way once it has ended: whoever else holds its standard error is nobody to wait for.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// The longest line that is kept whole.
const LINE_MAX: u64 = 64 * 1024;
/// The longest line that says that all is ready: many plugins, each with a sentence.
const READY_MAX: u64 = 16 * 1024 * 1024;
/// Only we read what the application set.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;

/// A run of the program.
pub(crate) struct Run {
    child: Child,
    /// Open as long as the supervisor is wanted.
    _lifeline: Option<ChildStdin>,
    last_lines: Arc<Mutex<VecDeque<String>>>,
    /// Reads them.
    reading: JoinHandle<()>,
    pid: u32,
}

impl Run {
    /// Starts it, and waits until it is ready.
    pub(crate) async fn start(
        binary: &Path,
        options: &Options,
        listen: &str,
    ) -> Result<(Self, Ready), Error> {
        let config = write_settings(options).await?;
        let mut command = Command::new(binary);
        command.arg("--config").arg(config).args([
            "run",
            "--ready-json",
            "--exit-with-parent",
            "--listen",
            listen,
        ]);
        command.arg("--data").arg(&options.data).arg("--runtime-dir").arg(options.runtime_dir());
        for folder in &options.plugins {
            command.arg("--plugins").arg(folder);
        }
        // What would decide in the application's place.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OUTBOARD_") {
                command.env_remove(name);
            }
        }
        command.envs(options.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| Error::NoBinary(format!("{} cannot be run: {error}", binary.display())))?;
        let last_lines = Arc::default();
        let reading = tokio::spawn(keep_lines(child.stderr.take(), Arc::clone(&last_lines)));
        let stdout = child.stdout.take();
        let (lifeline, pid) = (child.stdin.take(), child.id().unwrap_or_default());
        let mut run = Self { child, _lifeline: lifeline, last_lines, reading, pid };
        let mut line = Vec::new();
        let said = async {
            if let Some(stdout) = stdout {
                // What cannot be read is not a ready line, which is told below.
                let _ = BufReader::new(stdout.take(READY_MAX)).read_until(b'\n', &mut line).await;
            }
        };
        if timeout(options.limits.ready, said).await.is_err() {
            let limit = options.limits.ready.as_secs_f64();
            run.kill().await;
            run.last_words().await;
            let told = run.told();
            return Err(Error::NotStarted(format!(
                "the supervisor was not ready within {limit:.1} s (`limits.ready`){told}"
            )));
        }
        match serde_json::from_slice(&line) {
            Ok(ready) => Ok((run, ready)),
            Err(_) => {
                let how = run.stop(options.limits.stop).await;
                Err(Error::NotStarted(format!("the supervisor ended before it was ready: {}", how.said)))
            }
        }
    }

    /// The keeper's process, which is the one that we started.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> Ended {
        let status = self.child.wait().await;
        self.last_words().await;
        let (orderly, how) = match status {
            Ok(status) => (status.success(), in_words(status)),
            Err(error) => (false, format!("its end cannot be told: {error}")),
        };
        Ended { orderly, said: format!("{how}{}", self.told()) }
    }

    /// Stops it in good order: each plugin's `onStop` runs. What is not over after `limit` is ended at once.
    pub(crate) async fn stop(&mut self, limit: Duration) -> Ended {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            // It has ended already where that fails.
            let _ = kill_process(pid, Signal::TERM);
        }
        if let Ok(ended) = timeout(limit, self.ended()).await {
            return ended;
        }
        self.kill().await;
        self.ended().await
    }

    /// Ends it at once. The supervisor sees its keeper go, and ends every plugin.
    async fn kill(&mut self) {
        // It has ended already where that fails.
        let _ = self.child.kill().await;
    }

    /// Waits for what it wrote before it ended, which may still be on its way.
    async fn last_words(&mut self) {
        if !self.reading.is_finished() {
            let _ = timeout(LAST_WORDS, &mut self.reading).await;
        }
    }

    fn told(&self) -> String {
        let lines = self.last_lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            return String::new();
        }
        lines.iter().fold("; it said last:".to_owned(), |said, line| said + "\n  " + line)
    }
}

/// How a run ended.
pub(crate) struct Ended {
    /// It was told to stop, and did.
    pub(crate) orderly: bool,
    /// In words, with what it wrote last.
    pub(crate) said: String,
}

fn in_words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("it exited with {code}"),
        None => format!("it was ended: {status}"),
    }
}

/// Reads all that comes, so that the supervisor never waits for us, and keeps the last lines.
async fn keep_lines(from: Option<ChildStderr>, into: Arc<Mutex<VecDeque<String>>>) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        match (&mut from).take(LINE_MAX).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                let mut lines = into.lock().unwrap_or_else(PoisonError::into_inner);
                lines.push_back(text);
                if lines.len() > LINES_KEPT {
                    lines.pop_front();
                }
            }
        }
    }
}

/// The application's own file, so that the user's settings for `outboard` on the command line decide nothing here.
async fn write_settings(options: &Options) -> Result<PathBuf, Error> {
    let (data, settings) = (options.data.clone(), options.settings.clone());
    let writing = tokio::task::spawn_blocking(move || {
        std::fs::DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(&data)?;
        let (file, new) = (data.join("application.toml"), data.join("application.toml.new"));
        if let Err(error) = std::fs::remove_file(&new)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut made =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(&new)?;
        std::io::Write::write_all(&mut made, settings.as_bytes())?;
        std::fs::rename(&new, &file)?;
        Ok(file)
    });
    let written = writing.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    written.map_err(|error| {
        Error::BadOption(format!("the data folder {} cannot be written to: {error}", options.data.display()))
    })
}
