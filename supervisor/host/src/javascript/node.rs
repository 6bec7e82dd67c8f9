//! Finds a `node` that is new enough: the one that is set, else the first on the PATH, else Electron's own.
//!
//! Called for each start of a JavaScript plugin; a program is asked for its version once, until its file changes. Must not
//! know what will be run with it.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime};

use crate::process::shortage;

/// The oldest Node that runs plugins: the first that tells ES modules from CommonJS by their syntax.
const OLDEST: Version = (20, 19);
/// Programs that are looked for on the PATH, in this order.
const NAMES: [&str; 3] = ["node", "nodejs", "electron"];
/// How long the programs that are asked may take together to tell their versions: less than a start may take to reach its
/// program, so that the reason is told. On a cold disk that can be too short for one try; the next finds the disk warm.
const ASK_FOR: Duration = Duration::from_secs(4);
/// More than any version line; what comes after is not read.
const VERSION_LINE: u64 = 256;

type Version = (u32, u32);

/// A program that runs JavaScript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) program: PathBuf,
    /// Whether it is Electron's, which must be told to be Node.
    pub(super) electron: bool,
}

/// There is no `node` to run a plugin with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// None of the programs that were tried will do.
    #[error(
        "no usable Node.js: version {}.{} or newer is needed to run a JavaScript plugin, and {}. Install Node.js, or set \
         `javascript.node` to its program (Electron's will do)",
        OLDEST.0,
        OLDEST.1,
        tried(.0)
    )]
    None(Vec<(PathBuf, Refusal)>),
    /// The program that is set will not do.
    #[error(
        "`javascript.node` is set to {}, which {}; version {}.{} or newer is needed",
        .program.display(),
        .why.why,
        OLDEST.0,
        OLDEST.1
    )]
    Set {
        /// The setting.
        program: PathBuf,
        /// What is wrong with it.
        why: Refusal,
    },
}

/// Why a program will not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    why: String,
    /// Whether it is the machine's state that is in the way, which may be another one in a moment.
    passing: bool,
}

impl Refusal {
    fn lasting(why: impl Into<String>) -> Self {
        Self { why: why.into(), passing: false }
    }

    fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), passing: true }
    }
}

impl NodeError {
    /// Whether a program that was refused may do the next time.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::None(tried) => tried.iter().any(|(_, refusal)| refusal.passing),
            Self::Set { why, .. } => why.passing,
        }
    }
}

fn tried(programs: &[(PathBuf, Refusal)]) -> String {
    let each = programs.iter().map(|(program, refusal)| format!("{} {}", program.display(), refusal.why));
    each.collect::<Vec<_>>().join(", ")
}

/// The program to use: `set` or none, where it is set; else the first on `path` that is new enough.
pub(super) fn find(set: Option<&Path>, path: &OsStr) -> Result<Node, NodeError> {
    let until = Instant::now() + ASK_FOR;
    if let Some(program) = set {
        return match judge(program, until) {
            Ok(()) => Ok(node(program)),
            Err(why) => Err(NodeError::Set { program: program.to_owned(), why }),
        };
    }
    let mut refused = Vec::new();
    for name in NAMES {
        for folder in std::env::split_paths(path).filter(|folder| folder.is_absolute()) {
            let program = folder.join(name);
            match judge(&program, until) {
                Ok(()) => return Ok(node(&program)),
                Err(why) => refused.push((program, why)),
            }
        }
    }
    // Where something was found and refused, the places without anything are of no interest.
    if refused.iter().any(|(_, refusal)| refusal.why != ABSENT) {
        refused.retain(|(_, refusal)| refusal.why != ABSENT);
    }
    Err(NodeError::None(refused))
}

fn node(program: &Path) -> Node {
    let named_node =
        program.file_name().is_some_and(|name| name.to_string_lossy().to_lowercase().starts_with("node"));
    Node { program: program.to_owned(), electron: !named_node }
}

const ABSENT: &str = "does not exist";

/// What a program answered, and the state of its file at that time. One that gave no answer is asked again.
type Answers = HashMap<PathBuf, (Option<SystemTime>, Result<(), Refusal>)>;

fn judge(program: &Path, until: Instant) -> Result<(), Refusal> {
    static ANSWERS: LazyLock<Mutex<Answers>> = LazyLock::new(Mutex::default);
    let Ok(about) = std::fs::metadata(program) else { return Err(Refusal::lasting(ABSENT)) };
    if !about.is_file() {
        return Err(Refusal::lasting("is not a file"));
    }
    let changed = about.modified().ok();
    let mut answers = ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((then, answer)) = answers.get(program)
        && *then == changed
    {
        return answer.clone();
    }
    let answer = new_enough(&ask(program, until)?).map_err(Refusal::lasting);
    answers.insert(program.to_owned(), (changed, answer.clone()));
    answer
}

fn new_enough(line: &str) -> Result<(), String> {
    let mut parts = line.trim().trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= OLDEST => Ok(()),
        (Some(Ok(_)), Some(Ok(_))) => Err(format!("is version {}", line.trim().trim_start_matches('v'))),
        _ => Err("does not answer `--version` as Node.js does".to_owned()),
    }
}

/// The version line of a program. It runs in our own session and is waited for here, as no plugin's process is.
fn ask(program: &Path, until: Instant) -> Result<String, Refusal> {
    let mut child = Command::new(program)
        .arg("--version")
        .env("ELECTRON_RUN_AS_NODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Refusal {
            why: format!("cannot be run: {error}"),
            passing: shortage::is_behind(&error),
        })?;
    let stdout = child.stdout.take();
    let (answered, answer) = mpsc::sync_channel(1);
    let reading = std::thread::Builder::new().name("node-version".to_owned()).spawn(move || {
        let mut line = String::new();
        let read = stdout.and_then(|stdout| stdout.take(VERSION_LINE).read_to_string(&mut line).ok());
        // Nobody listens any more where the answer came too late.
        let _ = answered.send(read.map(|_| line));
    });
    if let Err(error) = reading {
        let _ = child.kill();
        let _ = child.wait();
        return Err(Refusal::passing(format!("cannot be asked, as no thread can be made: {error}")));
    }
    let line = answer.recv_timeout(until.saturating_duration_since(Instant::now()));
    // It has answered, or never will; either way it must not stay.
    let _ = child.kill();
    let _ = child.wait();
    match line {
        Ok(Some(line)) => Ok(line),
        Ok(None) => Err(Refusal::passing("cannot be read from")),
        Err(_) => Err(Refusal::passing(format!("did not answer `--version` within {} s", ASK_FOR.as_secs()))),
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)] // a test that fails here fails loudly

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    pub(in crate::javascript) fn fake_node(at: &Path, answer: &str) {
        std::fs::write(at, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
        std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_first_program_on_the_path_that_is_new_enough_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let (old, new) = (root.path().join("old"), root.path().join("new"));
        for folder in [&old, &new] {
            std::fs::create_dir(folder).unwrap();
        }
        fake_node(&old.join("node"), "v18.20.4");
        fake_node(&new.join("node"), "v20.19.0");
        let path = std::env::join_paths([&old, &new]).unwrap();
        assert_eq!(find(None, &path).unwrap(), Node { program: new.join("node"), electron: false });
    }

    #[test]
    fn electron_is_taken_last_and_told_to_be_node() {
        let root = tempfile::tempdir().unwrap();
        fake_node(&root.path().join("electron"), "v22.14.0");
        let found = find(None, root.path().as_os_str()).unwrap();
        assert_eq!(found, Node { program: root.path().join("electron"), electron: true });
    }

    #[test]
    fn the_sentence_names_every_place_that_was_tried_and_the_version_that_is_needed() {
        let root = tempfile::tempdir().unwrap();
        let sentence = find(None, root.path().as_os_str()).unwrap_err().to_string();
        assert!(sentence.contains("20.19 or newer"), "{sentence}");
        assert!(sentence.contains(&format!("{}/node does not exist", root.path().display())), "{sentence}");
        fake_node(&root.path().join("node"), "v18.0.0");
        let sentence = find(None, root.path().as_os_str()).unwrap_err().to_string();
        assert!(sentence.contains("/node is version 18.0.0"), "{sentence}");
        assert!(!sentence.contains("electron does not"), "{sentence}");
    }

    #[test]
    fn a_program_that_is_set_is_the_only_one_that_is_tried() {
        let root = tempfile::tempdir().unwrap();
        fake_node(&root.path().join("node"), "v22.0.0");
        let set = root.path().join("mine");
        fake_node(&set, "Python 3.11");
        let sentence = find(Some(&set), root.path().as_os_str()).unwrap_err().to_string();
        assert!(sentence.contains("/mine, which does not answer `--version` as Node.js does"), "{sentence}");
    }

    #[test]
    fn a_program_that_gave_no_answer_is_asked_again() {
        let root = tempfile::tempdir().unwrap();
        let program = root.path().join("node");
        fake_node(&program, "v24.0.0");
        let mode = |mode| std::fs::set_permissions(&program, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        let refused = find(Some(&program), OsStr::new("")).unwrap_err();
        assert!(refused.to_string().contains("cannot be run") && !refused.may_pass(), "{refused}");
        // Its content, and with it the time of its change, stays the same.
        mode(0o755);
        find(Some(&program), OsStr::new("")).unwrap();
    }

    #[test]
    fn a_program_is_asked_again_when_its_file_has_changed() {
        let root = tempfile::tempdir().unwrap();
        let program = root.path().join("node");
        fake_node(&program, "v18.0.0");
        find(Some(&program), OsStr::new("")).unwrap_err();
        fake_node(&program, "v24.0.0");
        let later = SystemTime::now() + Duration::from_secs(5);
        std::fs::File::options().write(true).open(&program).unwrap().set_modified(later).unwrap();
        find(Some(&program), OsStr::new("")).unwrap();
    }
}
