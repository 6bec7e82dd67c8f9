//! One round: builds what has changed, and has the supervisor start what was built.
//!
//! Run by the loop of `dev`, which drops it where a newer save comes: the build ends then, and an order that is under way is followed by
//! the next one.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use outboard_protocol::control::methods::{Rescan, Restart, Start, Why};
use outboard_protocol::control::{NoParams, PluginParams, PluginState, PluginStatus, UI_ONLY};
use outboard_protocol::manifest::FILE_NAME;
use serde_json::json;

use super::build;
use super::desk::{Desk, Fault};
use super::page;
use super::project::Project;
use super::watch::print_of;
use crate::client::{Client, ORDER_WAIT, QUESTION_WAIT};
use crate::failure::{Failure, Outcome};

/// The folder of a plugin's UI: its change asks for no other process.
const UI: &str = "ui";
/// Files of a build that are compared; a build that makes more is taken for changed.
const FILES_MAX: usize = 5_000;

/// What the folder that runs held after the last round.
pub(super) type Prints = RefCell<BTreeMap<PathBuf, Option<u64>>>;

/// What has to happen for these changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// Another process.
    process: bool,
    /// The page has to load its UI again.
    ui: bool,
    /// The supervisor has to read the manifest again.
    manifest: bool,
}

/// Builds. Whether what is built can be run.
pub(super) async fn build(desk: &Desk<'_>, project: &Project) -> Outcome<Result<(), Fault>> {
    let Some(words) = &project.build else { return Ok(Ok(())) };
    let since = Instant::now();
    desk.say("building", &format!("building: {}", words.join(" ")), json!({}))?;
    let built = build::run(project, words, |line| drop(desk.line(line))).await?;
    if let Some(failed) = built.failed {
        let message = format!("the build failed: {failed}");
        return Ok(Err(Fault { message, details: built.lines, told: true }));
    }
    desk.say("built", &format!("built in {}", seconds(since)), json!({ "ms": ms(since) }))?;
    Ok(Ok(()))
}

/// What is due: told by what the build made, else by the names of what was saved.
pub(super) fn due(project: &Project, changed: &BTreeSet<PathBuf>, prints: &Prints) -> Due {
    if !project.is_built_elsewhere() {
        return due_for(&project.folder, changed.iter());
    }
    let now = prints_of(&project.run_dir);
    let before = prints.replace(now.clone());
    let differs = |path: &&PathBuf| before.get(*path) != now.get(*path);
    let all: BTreeSet<&PathBuf> = before.keys().chain(now.keys()).collect();
    if now.len() >= FILES_MAX {
        return Due { process: true, ui: true, manifest: true };
    }
    due_for(&project.run_dir, all.into_iter().filter(differs))
}

fn due_for<'p>(folder: &Path, paths: impl Iterator<Item = &'p PathBuf>) -> Due {
    let mut due = Due::default();
    for path in paths {
        let below = path.strip_prefix(folder).unwrap_or(path);
        if below == Path::new(FILE_NAME) {
            due.manifest = true;
        } else if below.starts_with(UI) {
            due.ui = true;
        } else if !below.to_string_lossy().ends_with(".map") {
            due.process = true;
        }
    }
    due
}

/// Every file of a build, with what it holds.
pub(super) fn prints_of(folder: &Path) -> BTreeMap<PathBuf, Option<u64>> {
    let (mut found, mut pending) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && entry.file_name() != "node_modules" => pending.push(path),
                Ok(kind) if kind.is_file() && found.len() < FILES_MAX => {
                    let print = print_of(&path);
                    found.insert(path, print);
                }
                _ => {}
            }
        }
    }
    found
}

/// Has the supervisor do what is due. Gives the fault, where the plugin does not run afterwards.
pub(super) async fn order(
    desk: &Desk<'_>,
    client: &Client,
    project: &Project,
    due: Due,
    since: Instant,
) -> Outcome<Option<Fault>> {
    let params = PluginParams { id: project.id.clone() };
    let mut status = None;
    if due.manifest {
        let report = client.ask::<Rescan>(&NoParams {}, ORDER_WAIT).await?;
        if let Some(reason) = report.invalid.values().next() {
            return Ok(Some(Fault::new(reason)));
        }
        // Where it changed, the supervisor starts it anew by itself; this waits until it has.
        status = Some(client.ask::<Start>(&params, ORDER_WAIT).await);
    }
    if due.process {
        status = Some(client.ask::<Restart>(&params, ORDER_WAIT).await);
    }
    let status = match status {
        Some(Ok(status)) => status,
        // A plugin that has a UI alone has nothing to start.
        Some(Err(_)) if !has_program(project) => {
            return told(desk, client, project, due, since).await.map(|()| None);
        }
        Some(Err(failure)) => return Err(failure),
        None => return told(desk, client, project, due, since).await.map(|()| None),
    };
    if status.state == PluginState::Running || status.cause_code.as_deref() == Some(UI_ONLY) {
        return told(desk, client, project, due, since).await.map(|()| None);
    }
    fault_of(client, &status).await.map(Some)
}

fn has_program(project: &Project) -> bool {
    outboard_host::discovery::read_folder(&project.run_dir)
        .is_ok_and(|installed| installed.program != outboard_host::discovery::Program::None)
}

async fn told(desk: &Desk<'_>, client: &Client, project: &Project, due: Due, since: Instant) -> Outcome {
    let (event, did) = match (due.process || due.manifest, due.ui) {
        (true, _) => ("restarted", "restarted"),
        (false, true) => ("reloaded", "the page loads its UI again"),
        (false, false) => ("unchanged", "the build made nothing else than before"),
    };
    desk.well(event, &format!("{did}, {} after the save", seconds(since)), json!({ "ms": ms(since) }))?;
    page::well(client, &project.id, due.ui).await
}

/// Why a plugin does not run, with what its process said last.
pub(super) async fn fault_of(client: &Client, status: &PluginStatus) -> Outcome<Fault> {
    let cause = status.cause.clone().unwrap_or_else(|| format!("{} is {}", status.id, status.state));
    let Ok(id) = outboard_protocol::PluginId::new(&status.id) else {
        return Ok(Fault::new(cause));
    };
    let report = client.ask::<Why>(&PluginParams { id }, QUESTION_WAIT).await?;
    let last = report.history.into_iter().next().filter(|end| end.generation == status.generation);
    let details = last.map(|end| end.stderr).unwrap_or_default();
    Ok(Fault { message: format!("{}: {cause}", status.id), details, told: false })
}

pub(super) fn seconds(since: Instant) -> String {
    format!("{:.2} s", since.elapsed().as_secs_f64())
}

pub(super) fn ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A plugin whose id changes is another one.
pub(super) fn same_plugin(before: &Project, now: &Project) -> Outcome {
    if before.id == now.id && before.run_dir == now.run_dir {
        return Ok(());
    }
    Err(Failure::failed("the plugin's id, or `dev.dir`, is another one now; start `outboard dev` again"))
}
