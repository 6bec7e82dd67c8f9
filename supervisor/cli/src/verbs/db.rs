//! `outboard db ID [FILE]`: what a plugin keeps in its data folder; or a look into one of its databases.

use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use outboard_protocol::control::methods::Databases;
use outboard_protocol::control::{DataReport, PluginParams};
use outboard_protocol::id::DatabaseFile;

use super::{plugin_id, question};
use crate::failure::{Exit, Failure, Outcome};
use crate::render::{Screen, Style, Table, bytes};
use crate::settings::Settings;

/// The program that looks into databases.
const SHELL: &str = "sqlite3";
/// How every SQLite database begins.
const SQLITE_HEAD: &[u8; 16] = b"SQLite format 3\0";

/// Lists, or becomes the shell.
pub(super) fn run(
    settings: &Settings,
    screen: &mut Screen,
    id: &str,
    file: Option<&DatabaseFile>,
) -> Outcome {
    let params = PluginParams { id: plugin_id(id)? };
    let report = question::<Databases>(settings, &params)?;
    match file {
        Some(file) => Err(look_into(screen, &report, id, file.as_str())),
        None => Ok(list(screen, &report)?),
    }
}

fn list(screen: &mut Screen, report: &DataReport) -> io::Result<()> {
    if screen.json() {
        return screen.json_document(report);
    }
    let usage = &report.usage;
    screen.line(format!("{}: {} of {}", report.folder, bytes(usage.bytes), bytes(usage.quota)))?;
    let mut table = Table::new(&["FILE", "SIZE", "KIND", "OPENED"]);
    for file in &report.files {
        let database = is_database(&Path::new(&report.folder).join(&file.name));
        table.row([
            (file.name.clone(), Style::Bold),
            (bytes(file.bytes), Style::Plain),
            (if database { "database" } else { "-" }.to_owned(), Style::Plain),
            (if usage.opened.contains(&file.name) { "yes" } else { "-" }.to_owned(), Style::Plain),
        ]);
    }
    if report.files.is_empty() { screen.line("it holds no files") } else { table.print(screen) }
}

/// Whether a file begins as an SQLite database does. Follows no link, and waits for no pipe.
fn is_database(file: &Path) -> bool {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut head = [0; SQLITE_HEAD.len()];
    let opened = std::fs::OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(file);
    opened.and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *SQLITE_HEAD
}

/// Becomes the shell, in this terminal and with this standard input; returns only why it could not.
fn look_into(screen: &mut Screen, report: &DataReport, id: &str, file: &str) -> Failure {
    let path = Path::new(&report.folder).join(file);
    if !report.files.iter().any(|known| known.name == file) {
        return Failure::new(
            Exit::NotFound,
            format!(
                "plugin {id} has no file {file:?} in {}; `outboard db {id}` lists what it has",
                report.folder
            ),
        );
    }
    if !is_database(&path) {
        return Failure::failed(format!("{} is not an SQLite database", path.display()));
    }
    // What becomes the shell writes nothing more of its own; a closed standard output is the shell's to find.
    let _ = screen.flush();
    let error = Command::new(SHELL).arg("-readonly").arg(&path).exec();
    let file = path.display();
    if error.kind() == io::ErrorKind::NotFound {
        return Failure::failed(format!(
            "{SHELL} is not installed, or not on the PATH; install it, or open {file} read-only with another program"
        ));
    }
    Failure::failed(format!("cannot start {SHELL} on {file}: {error}"))
}
