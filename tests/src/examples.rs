//! The examples as a user has them: built, and copied into the plugins folder with the manifest that they come with.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::binaries::binary;

/// The example's installable folder. What `make plugins` has built is taken while nothing in the repository is newer; else it
/// is built now, a program of the workspace from the binary beside this one.
///
/// # Panics
/// When it cannot be built.
pub fn built(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let source = root.join("examples").join(name);
    let here = binary("outboard").with_file_name("plugins").join(name);
    std::fs::create_dir_all(here.parent().unwrap()).unwrap();
    // Other tests may want the same one at the same time. The lock ends with the file.
    let alone = std::fs::File::create(here.with_file_name(format!(".{name}.lock"))).unwrap();
    alone.lock().unwrap();
    if source.join("Cargo.toml").exists() {
        std::fs::create_dir_all(&here).unwrap();
        place(&source.join("plugin.json"), &here.join("plugin.json"));
        place(&binary(name), &here.join(name));
        return here;
    }
    let sources = [source.clone(), root.join("plugin-sdk/python/src"), root.join("examples/build-example")];
    let changed = sources.iter().map(|path| newest(path)).max().unwrap();
    let fresh = |folder: &PathBuf| newest(&folder.join("plugin.json")) >= changed;
    let made = root.join("target/plugins").join(name);
    if let Some(ready) = [made, here.clone()].into_iter().find(fresh) {
        return ready;
    }
    let script = root.join("examples/build-example");
    let output = Command::new(script).arg(&source).arg(&here).output().unwrap();
    assert!(output.status.success(), "examples/{name} could not be built: {output:?}");
    here
}

/// Copies an example's folder, under its own name.
pub fn install(name: &str, plugins: &Path) {
    // Aside at first: a folder with a leading dot is not a plugin, so nobody sees half of one.
    let aside = plugins.join(format!(".{name}"));
    copy(&built(name), &aside);
    std::fs::rename(aside, plugins.join(name)).unwrap();
}

/// Copies a file where it has changed, and never over one that may be running: the system refuses to run what is written to.
fn place(from: &Path, to: &Path) {
    let same = |path: &Path| path.metadata().ok().map(|meta| (meta.len(), meta.modified().ok()));
    if same(from) != same(to) {
        let aside = to.with_extension("new");
        copy(from, &aside);
        std::fs::rename(aside, to).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success(), "{} could not be copied", from.display());
}

/// When something at or below this path changed last; long ago where there is nothing.
fn newest(path: &Path) -> SystemTime {
    let own = path.metadata().and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let below = std::fs::read_dir(path).into_iter().flatten().flatten();
    // Reading leaves these behind.
    let below = below.map(|entry| entry.path()).filter(|path| !path.ends_with("__pycache__"));
    let below = below.map(|path| newest(&path)).max();
    // A folder's own time changes with what caches are left in it.
    if path.is_dir() { below.unwrap_or(SystemTime::UNIX_EPOCH) } else { own }
}
