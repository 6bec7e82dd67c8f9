//! Who else may change what a plugin runs: a folder, a manifest or a program that others may write is theirs to exchange.
//!
//! Asked by the look at a folder, by `outboard doctor` and at the start of `run`. Reads owners and modes alone; must not know what
//! follows.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::Program;

/// A group other than the user's own may write.
const GROUP: u32 = 0o020;
/// Everybody may write.
const EVERYBODY: u32 = 0o002;
/// Root owns what belongs to the system, and may change everything anyhow.
const ROOT: u32 = 0;

/// What is wrong with who may write a file or a folder, in a sentence that says what to do; none where only its user may.
pub fn open_to_others(path: &Path) -> Option<String> {
    let about = std::fs::metadata(path).ok()?;
    // What is neither a file nor a folder is not code, whoever may write it.
    if !(about.is_file() || about.is_dir()) {
        return None;
    }
    let (shown, me) = (path.display(), rustix::process::geteuid().as_raw());
    let owner = about.uid();
    if owner != me && owner != ROOT {
        return Some(format!(
            "{shown} belongs to the user with the number {owner}, who can change it; `chown` it to the user that runs it"
        ));
    }
    let who = writers(&about)?;
    let mode = about.mode() & 0o7777;
    Some(format!("{shown} can be changed by {who} (mode {mode:04o}); `chmod go-w` it"))
}

fn writers(about: &Metadata) -> Option<&'static str> {
    // A sticky bit keeps others from replacing what is in a folder, and not from adding to it: a plugin is an entry that is added.
    let mode = about.mode();
    if mode & EVERYBODY != 0 {
        return Some("every user of this machine");
    }
    // Many systems give each user a group of his own, and let it write.
    let (me, own_group) = (rustix::process::geteuid(), rustix::process::getegid().as_raw());
    let foreign_group = me.is_root() || about.gid() != own_group;
    (mode & GROUP != 0 && foreign_group).then_some("the users of its group")
}

/// The first thing on the way to what a plugin runs that others may change: the plugins folder, its own, the manifest, its program
/// and the files that the program is given to run, and what lies between its folder and those.
pub(super) fn of_plugin(folder: &Path, manifest: &Path, program: &Program) -> Option<String> {
    let above = folder.parent().map(Path::to_owned);
    let mut ways: Vec<PathBuf> = above.into_iter().chain([folder.to_owned(), manifest.to_owned()]).collect();
    let code = match program {
        Program::Command(words) => in_command(folder, words),
        Program::Module(module) => vec![module.clone()],
        Program::None => Vec::new(),
    };
    for code in code {
        ways.extend(
            code.ancestors().take_while(|at| *at != folder && at.starts_with(folder)).map(Path::to_owned),
        );
        ways.push(code);
    }
    ways.iter().find_map(|path| open_to_others(path))
}

/// The program of a command, where it is named by a path; and each argument that names a file of the plugin, or holds such a name
/// behind `=`: an interpreter runs what it is given.
fn in_command(folder: &Path, words: &[String]) -> Vec<PathBuf> {
    // As components, so that a sentence shows the path that people know.
    let at = |word: &str| folder.join(word).components().collect::<PathBuf>();
    let program = words.first().filter(|word| word.contains('/')).map(|word| at(word));
    let arguments = words.iter().skip(1).map(|word| at(word.rsplit_once('=').map_or(word, |(_, name)| name)));
    let below = |path: &PathBuf| {
        let climbs = path.components().any(|part| part == Component::ParentDir);
        !climbs && path.starts_with(folder) && path != folder && path.exists()
    };
    program.into_iter().chain(arguments.filter(below)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("p");
        std::fs::create_dir(&folder).unwrap();
        for file in ["plugin.json", "server.py", "app.ini"] {
            write(folder.join(file), "").unwrap();
            set_permissions(folder.join(file), Permissions::from_mode(0o644)).unwrap();
        }
        for path in [above.path(), &folder] {
            set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
        (above, folder)
    }

    fn found(folder: &Path, words: &[&str]) -> Option<String> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        of_plugin(folder, &folder.join("plugin.json"), &Program::Command(words))
    }

    #[test]
    fn the_file_that_an_interpreter_is_given_counts_like_a_program() {
        let (_above, folder) = folder();
        let commands: [&[&str]; 2] =
            [&["python3", "-u", "server.py"], &["uwsgi", "--ini=app.ini", "server.py"]];
        for words in commands {
            assert_eq!(found(&folder, words), None);
        }
        set_permissions(folder.join("server.py"), Permissions::from_mode(0o666)).unwrap();
        for words in commands {
            let open = found(&folder, words).unwrap();
            assert!(open.contains("p/server.py can be changed by every user"), "{open}");
        }
        set_permissions(folder.join("app.ini"), Permissions::from_mode(0o666)).unwrap();
        assert!(found(&folder, commands[1]).unwrap().contains("app.ini"));
        assert_eq!(found(&folder, &["python3", "-m", "http.server", "../elsewhere", "/dev/null"]), None);
    }

    #[test]
    fn a_sticky_bit_keeps_nobody_from_adding_a_plugin() {
        let (above, folder) = folder();
        set_permissions(above.path(), Permissions::from_mode(0o1777)).unwrap();
        let open = found(&folder, &["true"]).unwrap();
        assert!(open.contains("can be changed by every user of this machine (mode 1777)"), "{open}");
    }

    #[test]
    fn what_belongs_to_somebody_else_is_his_to_change_whatever_its_mode() {
        // Only root can give a file away.
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let (_above, folder) = folder();
        std::os::unix::fs::chown(folder.join("server.py"), Some(65534), None).unwrap();
        let open = found(&folder, &["python3", "server.py"]).unwrap();
        assert!(open.contains("p/server.py belongs to the user with the number 65534"), "{open}");
    }
}
