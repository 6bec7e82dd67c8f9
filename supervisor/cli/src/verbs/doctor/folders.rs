//! The folders that `run` would use: whose they are, who may enter, whether there is room.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access, statvfs};

use outboard_host::discovery::open_to_others;

use super::{Finding, Verdict};
use crate::failure::Failure;
use crate::run::{amiss, unusable};
use crate::settings::{Named, Places, Settings};
use crate::verbs::block_on;

/// Below this much room, logs and databases of plugins soon fail.
const ROOM_WANTED: u64 = 100 * 1024 * 1024;

/// How long the look at one folder may take: longer than the list of the plugins in it, which has limits of its own.
const FOLDER_LIMIT: Duration = Duration::from_secs(10);

pub(super) fn look(settings: &Settings, places: &Places) -> Vec<Finding> {
    let mut findings = vec![
        settings_file(settings),
        in_time("runtime folder", &settings.runtime_dir, |dir| private("runtime folder", dir)),
        in_time("data folder", &places.data_dir, |dir| private("data folder", dir)),
        in_time("room", &places.data_dir, room),
    ];
    let named = places.plugin_dirs_named;
    findings
        .extend(places.plugin_dirs.iter().map(|dir| in_time("plugins", dir, move |dir| plugins(dir, named))));
    findings
}

/// A finding about a folder; where its disk or mount does not answer, that is the finding.
fn in_time(what: &'static str, dir: &Path, find: impl FnOnce(&Path) -> Finding + Send + 'static) -> Finding {
    let place = dir.to_owned();
    let looked = block_on(async {
        outboard_files::look(dir, FOLDER_LIMIT, move || find(&place))
            .await
            .map_err(|why| Failure::failed(why.to_string()))
    });
    looked.unwrap_or_else(|failure| Finding::new(what, Verdict::Broken, failure.message()))
}

fn settings_file(settings: &Settings) -> Finding {
    let sentence = match &settings.source {
        Some(path) => match open_to_others(path) {
            Some(open) => return Finding::new("settings", Verdict::Degraded, open),
            None => format!("{} is in order", path.display()),
        },
        None => "none; every setting has its default".to_owned(),
    };
    Finding::new("settings", Verdict::Ok, sentence)
}

/// A folder that only its user may enter; it may not exist yet.
fn private(what: &'static str, dir: &Path) -> Finding {
    let shown = dir.display();
    let Ok(metadata) = std::fs::metadata(dir) else {
        let parent = existing_parent(dir);
        if access(&parent, Access::WRITE_OK).is_ok() {
            return Finding::new(what, Verdict::Ok, format!("{shown} will be made"));
        }
        let sentence = format!(
            "{shown} cannot be made: {} is not yours to write; name another folder",
            parent.display()
        );
        return Finding::new(what, Verdict::Broken, sentence);
    };
    let (owner, me) = (Metadata::uid(&metadata), rustix::process::geteuid().as_raw());
    let mode = Metadata::mode(&metadata) & 0o777;
    if !metadata.is_dir() {
        return Finding::new(
            what,
            Verdict::Broken,
            format!("{shown} is not a folder; remove it, or name another one"),
        );
    }
    if owner != me {
        return Finding::new(
            what,
            Verdict::Broken,
            format!("{shown} belongs to uid {owner}, and you are uid {me}"),
        );
    }
    if mode & 0o077 != 0 {
        let sentence =
            format!("{shown} has mode {mode:04o}, so others may enter; `outboard run` makes it 0700");
        return Finding::new(what, Verdict::Degraded, sentence);
    }
    Finding::new(what, Verdict::Enforced, format!("{shown} is yours alone ({mode:04o})"))
}

fn room(data_dir: &Path) -> Finding {
    match statvfs(existing_parent(data_dir)) {
        Ok(system) => {
            let free = system.f_bavail.saturating_mul(system.f_frsize);
            let sentence = format!("{} MiB free below {}", free / (1024 * 1024), data_dir.display());
            let verdict = if free < ROOM_WANTED { Verdict::Degraded } else { Verdict::Ok };
            Finding::new("room", verdict, sentence)
        }
        Err(error) => Finding::new("room", Verdict::Degraded, format!("cannot be told: {error}")),
    }
}

fn plugins(dir: &Path, named: Named) -> Finding {
    if let Some(wrong) = unusable(dir) {
        return match named {
            Named::Nowhere if !dir.exists() => private("plugins", dir),
            Named::Nowhere => Finding::new("plugins", Verdict::Degraded, wrong),
            Named::Typed | Named::InFile => Finding::new("plugins", Verdict::Broken, wrong),
        };
    }
    let found = match outboard_host::discovery::find(&[dir.to_owned()]) {
        Ok(found) => found,
        Err(error) => return Finding::new("plugins", Verdict::Degraded, format!("cannot be told: {error}")),
    };
    let (usable, invalid) = (found.installed.len(), found.invalid.len());
    let sentence = match invalid {
        0 => format!("{} holds {usable}", dir.display()),
        _ => format!(
            "{} holds {usable}, and {invalid} that cannot be used; `outboard check` says why",
            dir.display()
        ),
    };
    if let Some(wrong) = amiss(dir).or_else(|| open_to_others(dir)) {
        return Finding::new("plugins", Verdict::Degraded, wrong);
    }
    let verdict = if invalid == 0 { Verdict::Ok } else { Verdict::Degraded };
    Finding::new("plugins", verdict, sentence)
}

/// The nearest folder above that exists.
fn existing_parent(dir: &Path) -> PathBuf {
    dir.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/")).to_owned()
}
