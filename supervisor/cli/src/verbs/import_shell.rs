//! `outboard import-shell DIR`: databases and settings of a shell that ran plugins in its own process, taken over by the plugins of the same ids.
//!
//! ```text
//!   DIR/plugins-data/<id>/*.db ─▶ copied into the plugin's data folder, while it is stopped; nothing is overwritten
//!   DIR/config.json            ─▶ config.import, plugin by plugin: a document as `config export` writes it
//! ```
//!
//! Reads DIR and never writes to it. Must not know what a plugin keeps.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use outboard_protocol::PluginId;
use outboard_protocol::control::methods::{ConfigImport, Start, Status, Stop};
use outboard_protocol::control::{
    ConfigDocument, ConfigImportParams, Desired, PluginParams, StatusParams, StatusReport,
};
use serde_json::json;

use crate::client::{Client, ORDER_WAIT, QUESTION_WAIT};
use crate::failure::{Exit, Failure, Outcome};
use crate::render::Screen;

/// Below the shell's folder and below ours: a folder for each plugin.
const DATA: &str = "plugins-data";
/// The settings of all plugins, below the shell's folder.
const SETTINGS: &str = "config.json";
/// What stands beside a database and holds a part of what was written to it. `-shm` is made anew by whoever opens it next.
const BESIDE: [&str; 2] = ["-wal", "-journal"];
/// What a file is called until all of it is on disk.
const UNFINISHED: &str = ".importing";
/// Largest document that is read: what the control API takes as one question.
const DOCUMENT_MAX: u64 = 8 * 1024 * 1024;
/// Only the plugin's user reads what is copied.
const PRIVATE_FOLDER: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// What became of one plugin's things.
#[derive(Default)]
struct Taken {
    databases: Vec<String>,
    /// Databases that were there already, and stay.
    kept: Vec<String>,
    keys: u64,
}

/// Takes everything over.
pub(super) async fn run(client: &Client, screen: &mut Screen, dir: &Path) -> Outcome {
    let report = client.ask::<Status>(&StatusParams::default(), QUESTION_WAIT).await?;
    let document = settings(&dir.join(SETTINGS))?;
    let mut found: BTreeMap<PluginId, Taken> = BTreeMap::new();
    let mut strangers = Vec::new();
    let with_data = folders(&dir.join(DATA))?;
    if with_data.is_empty() && document.plugins.is_empty() {
        let (data, file) = (dir.join(DATA), dir.join(SETTINGS));
        return Err(Failure::new(
            Exit::NotFound,
            format!(
                "there is nothing to take over: neither a folder in {} nor {}",
                data.display(),
                file.display()
            ),
        ));
    }
    for name in with_data {
        match PluginId::new(&name).ok().filter(|id| is_installed(&report, id)) {
            Some(id) => {
                let taken = databases(client, &report, dir, &id).await?;
                found.insert(id, taken);
            }
            None => strangers.push(name),
        }
    }
    for (id, keys) in document.plugins {
        if !is_installed(&report, &id) {
            strangers.push(id.to_string());
            continue;
        }
        let document =
            ConfigDocument { version: document.version, plugins: BTreeMap::from([(id.clone(), keys)]) };
        let params = ConfigImportParams { id: id.clone(), document };
        let answer = client.ask::<ConfigImport>(&params, QUESTION_WAIT).await?;
        found.entry(id).or_default().keys = answer.imported;
    }
    strangers.sort();
    strangers.dedup();
    tell(screen, &found, &strangers)
}

fn is_installed(report: &StatusReport, id: &PluginId) -> bool {
    report.plugins.iter().any(|plugin| plugin.id == id.as_ref())
}

/// Copies a plugin's databases while it is stopped, and starts it again where it is wanted.
async fn databases(client: &Client, report: &StatusReport, dir: &Path, id: &PluginId) -> Outcome<Taken> {
    let wanted =
        report.plugins.iter().any(|plugin| plugin.id == id.as_ref() && plugin.desired == Desired::Up);
    let params = PluginParams { id: id.clone() };
    client.ask::<Stop>(&params, ORDER_WAIT).await?;
    let (from, to) =
        (dir.join(DATA).join(id.as_ref()), Path::new(&report.data_dir).join(DATA).join(id.as_ref()));
    let copied = copy_all(&from, &to).map_err(|(place, error)| {
        Failure::failed(format!(
            "{} cannot be taken over: {error}; what was copied before it stays",
            place.display()
        ))
    });
    if wanted {
        client.ask::<Start>(&params, ORDER_WAIT).await?;
    }
    copied
}

type Failed = (PathBuf, io::Error);

fn copy_all(from: &Path, to: &Path) -> Result<Taken, Failed> {
    let at = |place: &Path| {
        let place = place.to_owned();
        move |error| (place, error)
    };
    let mut taken = Taken::default();
    DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(to).map_err(at(to))?;
    let mut names: Vec<String> = std::fs::read_dir(from)
        .map_err(at(from))?
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    for name in names.iter().filter(|name| name.ends_with(".db")) {
        if std::fs::symlink_metadata(to.join(name)).is_ok() {
            taken.kept.push(name.clone());
            continue;
        }
        // The database last: until it is there, nobody takes what stands beside it for its own, and whoever begins again after being
        // cut off takes all of it anew.
        let beside =
            BESIDE.iter().map(|ending| format!("{name}{ending}")).filter(|beside| names.contains(beside));
        for file in beside.chain([name.clone()]) {
            let source = from.join(&file);
            copy(&source, to, &file).map_err(at(&source))?;
        }
        taken.databases.push(name.clone());
    }
    Ok(taken)
}

/// Copies a file into a folder. It has its name once all of it is on disk, so that half a database is never taken for one.
fn copy(from: &Path, to: &Path, name: &str) -> io::Result<()> {
    let mut source = File::open(from)?;
    let unfinished = to.join(format!("{name}{UNFINISHED}"));
    // Left by one that was cut off; what it is not, the next line says.
    let _ = std::fs::remove_file(&unfinished);
    let copied = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(&unfinished);
    let copied = copied.and_then(|mut target| {
        io::copy(&mut source, &mut target)?;
        target.sync_all()?;
        std::fs::rename(&unfinished, to.join(name))?;
        File::open(to)?.sync_all()
    });
    if copied.is_err() {
        // One that cannot be removed is in nobody's way: the next attempt takes its place.
        let _ = std::fs::remove_file(&unfinished);
    }
    copied
}

/// The folders of plugins; none where there is no such folder.
fn folders(data: &Path) -> Outcome<Vec<String>> {
    let entries = match std::fs::read_dir(data) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::failed(format!("cannot read {}: {error}", data.display()))),
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// The settings of all plugins; none where there is no such file.
fn settings(file: &Path) -> Outcome<ConfigDocument> {
    let mut text = String::new();
    let read = File::open(file).and_then(|file| file.take(DOCUMENT_MAX).read_to_string(&mut text));
    match read {
        Ok(_) => serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            Failure::usage(format!(
                "{}: this is not a document of settings, as `config export` writes one: {error}",
                file.display()
            ))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(ConfigDocument { version: 1, plugins: BTreeMap::new() })
        }
        Err(error) => Err(Failure::failed(format!("cannot read {}: {error}", file.display()))),
    }
}

fn tell(screen: &mut Screen, found: &BTreeMap<PluginId, Taken>, strangers: &[String]) -> Outcome {
    if screen.json() {
        let of =
            |taken: &Taken| json!({ "databases": taken.databases, "kept": taken.kept, "keys": taken.keys });
        let plugins: BTreeMap<&str, _> = found.iter().map(|(id, taken)| (id.as_ref(), of(taken))).collect();
        screen.json_document(&json!({ "plugins": plugins, "notInstalled": strangers }))?;
        return Ok(());
    }
    for (id, Taken { databases, kept, keys }) in found {
        let list = if databases.is_empty() { "no database".to_owned() } else { databases.join(", ") };
        screen.line(crate::tame::tame(&format!("{id}: {list} and {keys} keys were taken over")))?;
        if !kept.is_empty() {
            let kept = kept.join(", ");
            screen.line(crate::tame::tame(&format!("{id}: {kept} was there already and stays as it is")))?;
        }
    }
    for stranger in strangers {
        screen.line(crate::tame::tame(&format!(
            "{stranger}: left out, since no plugin of this id is installed; install it and do this again"
        )))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;

    fn write(file: &Path, text: &str) {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    #[test]
    fn what_was_cut_off_in_the_middle_is_taken_whole_by_the_next_attempt() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        write(&from.join("log.db"), "the whole database");
        write(&from.join("log.db-wal"), "its last writes");
        write(&from.join("log.db-shm"), "an index that is made anew");
        // As one is left that was killed while it copied the database.
        write(&to.join("log.db-wal"), "older writes");
        write(&to.join("log.db.importing"), "the wh");
        let taken = copy_all(&from, &to).unwrap();
        assert_eq!((taken.databases, taken.kept), (vec!["log.db".to_owned()], Vec::new()));
        let read = |name: &str| std::fs::read_to_string(to.join(name)).ok();
        assert_eq!(read("log.db").as_deref(), Some("the whole database"));
        assert_eq!(read("log.db-wal").as_deref(), Some("its last writes"));
        assert_eq!((read("log.db-shm"), read("log.db.importing")), (None, None));
    }

    #[test]
    fn a_database_that_is_there_stays_and_so_does_what_stands_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        write(&from.join("log.db"), "theirs");
        write(&from.join("log.db-wal"), "theirs too");
        write(&to.join("log.db"), "mine");
        let taken = copy_all(&from, &to).unwrap();
        assert_eq!((taken.databases, taken.kept), (Vec::new(), vec!["log.db".to_owned()]));
        assert_eq!(std::fs::read_to_string(to.join("log.db")).unwrap(), "mine");
        assert!(!to.join("log.db-wal").exists());
    }

    #[test]
    fn a_copy_that_fails_leaves_nothing_that_could_be_taken_for_a_database() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        write(&from.join("log.db"), "the whole database");
        // A folder in the place of what goes before the database.
        write(&from.join("log.db-wal"), "writes");
        std::fs::create_dir_all(to.join("log.db-wal/full")).unwrap();
        let (place, _) = copy_all(&from, &to).err().unwrap();
        assert!(place.ends_with("log.db-wal"), "{}", place.display());
        assert!(!to.join("log.db").exists() && !to.join("log.db-wal.importing").exists());
    }
}
