//! Who else may change what a plugin runs: a folder, a manifest or a program that others may write is theirs to exchange.
//!
//! Asked by the look at a folder, by `outboard doctor` and at the start of `run`. Reads modes alone; must not know what follows.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Program;

/// A group other than the user's own may write.
const GROUP: u32 = 0o020;
/// Everybody may write.
const EVERYBODY: u32 = 0o002;
/// In a folder with it, only its owner replaces an entry.
const STICKY: u32 = 0o1000;

/// What is wrong with who may write a file or a folder, in a sentence that says what to do; none where only its user may.
pub fn open_to_others(path: &Path) -> Option<String> {
    let about = std::fs::metadata(path).ok()?;
    let who = writers(&about)?;
    let (shown, mode) = (path.display(), about.mode() & 0o7777);
    Some(format!("{shown} can be changed by {who} (mode {mode:04o}); `chmod go-w` it"))
}

fn writers(about: &Metadata) -> Option<&'static str> {
    let mode = about.mode();
    let sticky = about.is_dir() && mode & STICKY != 0;
    // What is neither a file nor a folder is no code, whoever may write it.
    if sticky || !(about.is_file() || about.is_dir()) {
        return None;
    }
    if mode & EVERYBODY != 0 {
        return Some("every user of this machine");
    }
    // Many systems give each user a group of his own, and let it write.
    let (me, own_group) = (rustix::process::geteuid(), rustix::process::getegid().as_raw());
    let foreign_group = me.is_root() || about.gid() != own_group;
    (mode & GROUP != 0 && foreign_group).then_some("the users of its group")
}

/// The first thing on the way to what a plugin runs that others may change: the plugins folder, its own, the manifest, and what
/// lies between its folder and its program.
pub(super) fn of_plugin(folder: &Path, manifest: &Path, program: &Program) -> Option<String> {
    let above = folder.parent().map(Path::to_owned);
    let mut ways: Vec<PathBuf> = above.into_iter().chain([folder.to_owned(), manifest.to_owned()]).collect();
    let code = match program {
        Program::Command(words) => {
            let named = words.first().filter(|word| word.contains('/'));
            // As components, so that a sentence shows the path that people know.
            named.map(|word| folder.join(word).components().collect::<PathBuf>())
        }
        Program::Module(module) => Some(module.clone()),
        Program::None => None,
    };
    if let Some(code) = code {
        ways.extend(
            code.ancestors().take_while(|at| *at != folder && at.starts_with(folder)).map(Path::to_owned),
        );
        ways.push(code);
    }
    ways.iter().find_map(|path| open_to_others(path))
}
