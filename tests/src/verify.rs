//! The seven things that must hold after every case, whatever was done to a plugin in it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::NEIGHBOUR;
use crate::patience::{GUARD, within};
use crate::processes::{self, Process};
use crate::supervisor::Supervisor;
use crate::transitions;

/// The paths of the original shell.
const SHELLS_OWN: [&str; 5] =
    ["/api/auth", "/api/config", "/api/flight-events", "/api/plugins-config", "/api/simulator"];

/// The host's sign-in token in every case. It may appear where a plugin asks for it, and nowhere else.
pub const CANARY: &str = "canary-0c4d6f2a-never-to-be-seen";
/// Descriptors beyond the baseline: kept-alive connections to plugins, and files that are open for a moment.
const DESCRIPTORS_MORE: usize = 16;
/// Memory beyond the baseline, in KiB: what an allocator keeps after a flood; a leak of what these cases send is larger.
const MEMORY_MORE_KIB: u64 = 64 * 1024;
/// Threads beyond the baseline: some of the pool for blocking work, which go after a while.
const THREADS_MORE: u64 = 4;

/// What the supervisor held when it was ready.
#[derive(Debug, Default, Clone, Copy)]
pub struct Baseline {
    /// Open descriptors.
    pub descriptors: usize,
    /// Resident memory in KiB.
    pub memory_kib: u64,
    /// Threads.
    pub threads: u64,
}

impl Baseline {
    /// Looks at a process.
    pub fn of(pid: u32) -> Self {
        Self {
            descriptors: processes::descriptors(pid),
            memory_kib: processes::status_number(pid, "VmRSS"),
            threads: processes::status_number(pid, "Threads"),
        }
    }
}

impl Supervisor {
    /// Checks the seven things.
    ///
    /// # Panics
    /// When one does not hold.
    pub fn verify(&self) {
        self.answers_about_its_health();
        self.every_running_plugin_answers();
        self.no_call_hangs();
        self.nothing_is_left_over();
        self.holds_no_more_than_before();
        self.published_every_change();
        self.no_secret_was_told();
    }

    fn answers_about_its_health(&self) {
        let health = self.get("/_outboard/health");
        assert_eq!((health.status, &health.json()["status"]), (200, &"ok".into()), "{health:?}");
    }

    fn every_running_plugin_answers(&self) {
        for plugin in self.plugins() {
            let id = plugin["id"].as_str().unwrap();
            // Not the shell's own, which a provider answers as well: they have nothing at their roots.
            let own = |route: &&str| !SHELLS_OWN.iter().any(|shells| route.starts_with(shells));
            let mut routes = plugin["routes"].as_array().into_iter().flatten().filter_map(Value::as_str);
            if let Some(route) = routes.find(own).filter(|_| plugin["state"] == "running") {
                let answer = self.get(&format!("{route}/"));
                assert_eq!(answer.status, 200, "{id} does not answer: {answer:?}");
            }
        }
        let neighbour = self.plugin(NEIGHBOUR);
        // Whatever the case did, it did it to others.
        let untouched = neighbour["state"] == "running" && neighbour["restarts"] == 0;
        assert!(untouched, "the neighbour felt it: {neighbour}");
    }

    fn no_call_hangs(&self) {
        for mut call in self.calls.lock().unwrap().drain(..) {
            let ended = within(GUARD, || call.try_wait().unwrap());
            if ended.is_none() {
                let _ = call.kill();
                panic!("a call was left hanging");
            }
        }
    }

    /// Processes are gone a moment after their plugin's state says so, hence the looks.
    fn nothing_is_left_over(&self) {
        let mut strange = Vec::new();
        let clean = within(GUARD, || {
            let plugins: Vec<u64> =
                self.plugins().iter().filter_map(|plugin| plugin["pid"].as_u64()).collect();
            let expected = |process: &Process| {
                process.state != 'Z' && (process.pid == self.pid() || self.has_above(process, &plugins))
            };
            strange = self.family();
            strange.extend(self.programs());
            strange.retain(|process| !expected(process));
            strange.is_empty().then_some(())
        });
        assert!(clean.is_some(), "zombies or strays were left: {strange:?}");
    }

    fn has_above(&self, process: &Process, plugins: &[u64]) -> bool {
        let mut at = Some(process.clone());
        while let Some(process) = at {
            if plugins.contains(&u64::from(process.pid)) {
                return true;
            }
            at = Process::look(process.parent).filter(|parent| parent.pid > 1);
        }
        false
    }

    fn holds_no_more_than_before(&self) {
        let (before, mut now) = (self.baseline, Baseline::default());
        let settled = within(GUARD, || {
            now = Baseline::of(self.pid());
            let plenty = now.descriptors > before.descriptors + DESCRIPTORS_MORE
                || now.memory_kib > before.memory_kib + MEMORY_MORE_KIB
                || now.threads > before.threads + THREADS_MORE;
            (!plenty).then_some(())
        });
        assert!(
            settled.is_some(),
            "the supervisor grew from {before:?} to {now:?}: {:?}",
            processes::descriptor_targets(self.pid())
        );
    }

    fn published_every_change(&self) {
        let mut told = (Value::Null, Value::Null);
        let agree = within(GUARD, || {
            let last = transitions::check(&self.published.lock().unwrap());
            let differs = self.plugins().into_iter().find_map(|plugin| {
                let seen = last.get(plugin["id"].as_str().unwrap())?;
                (seen["state"] != plugin["state"] || seen["generation"] != plugin["generation"])
                    .then(|| (seen.clone(), plugin))
            });
            told = differs.clone().unwrap_or_default();
            differs.is_none().then_some(())
        });
        assert!(agree.is_some(), "a state was not published: {} while it is {}", told.0, told.1);
    }

    fn no_secret_was_told(&self) {
        let credential = self.control.authorization.trim_start_matches("Bearer ");
        let reports: Vec<String> = self
            .plugins()
            .iter()
            .map(|plugin| self.why(plugin["id"].as_str().unwrap()).to_string())
            .collect();
        for secret in [CANARY, credential] {
            assert!(!self.errors().contains(secret), "a secret is on standard error");
            assert!(
                !self.complaints.lock().unwrap().contains(secret),
                "a secret is in an error of a command"
            );
            assert!(!reports.iter().any(|report| report.contains(secret)), "a secret is in a crash report");
            let published = self.published.lock().unwrap();
            assert!(
                !published.iter().any(|event| event.to_string().contains(secret)),
                "a secret was published"
            );
            drop(published);
            for folder in [self.folders.data(), self.folders.runtime()] {
                let found = files_with(&folder, secret);
                // The two files that exist to hold them.
                let strange = found
                    .iter()
                    .find(|file| !file.ends_with("sign-in.json") && !file.ends_with("credential"));
                assert!(strange.is_none(), "a secret is in {strange:?}");
            }
            for process in self.family().into_iter().chain(self.programs()) {
                let line = processes::command_line(process.pid);
                assert!(!line.contains(secret), "a secret is on a command line: {process:?}");
                let environment = std::fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
                assert!(!holds(&environment, secret), "a secret is in an environment: {process:?}");
            }
        }
    }
}

/// The files below a folder in which this text stands.
pub fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            found.extend(files_with(&entry.path(), text));
        } else if kind.is_file() && std::fs::read(entry.path()).is_ok_and(|bytes| holds(&bytes, text)) {
            found.push(entry.path());
        }
    }
    found
}

fn holds(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}
