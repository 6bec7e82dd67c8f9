//! How a JavaScript plugin becomes a command: which `node`, which runner, which arguments.
//!
//! Called when a plugin's program is a module. The runner is built from plugin-sdk/typescript and compiled in; it is unpacked
//! into a folder of ours, and looked at before each start. Blocks on the file system, and once on `node --version`; knows no process of a plugin and no
//! message.

mod addon;
mod check;
mod links;
mod node;
mod runner;
mod seal;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use addon::addon;
pub use check::{Problem, problems};
pub use node::NodeError;
pub use runner::UnpackError;

use crate::process::shortage;

/// The files of a package that the runner provides to plugins, by their paths in it; none where it provides no such package.
pub fn package(name: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let folder = format!("node_modules/{name}/");
    runner::FILES
        .iter()
        .filter_map(move |(path, content)| Some((path.strip_prefix(folder.as_str())?, *content)))
}

/// What an operator can set about JavaScript, and where we may unpack things.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The `node` to use, in place of the first one on the PATH that is new enough. Electron's program will do.
    pub node: Option<PathBuf>,
    /// A folder of ours for the unpacked runner.
    pub runner_dir: PathBuf,
    /// Whether what plugins may import is linked beside them, which costs a start least. Without it nothing is written there, and
    /// the runner resolves the names itself.
    pub link: bool,
}

/// A command for the process layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The interpreter.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables that it needs.
    pub env: Vec<(String, OsString)>,
}

/// A JavaScript plugin cannot be run; the sentence says what to install or set.
#[derive(Debug, thiserror::Error)]
pub enum JavaScriptError {
    /// There is no program to run it with.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The runner cannot be laid out on disk.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
}

impl JavaScriptError {
    /// Whether another try may succeed although nobody mends anything.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Node(error) => error.may_pass(),
            Self::Unpack(error) => shortage::is_behind(error),
        }
    }
}

/// Node says on standard error that a module's kind was found out from its syntax: true of most plugins, and no news.
const QUIET: &str = "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON";

/// The program that JavaScript plugins are run with: the one that is `set`, else the first on our PATH that is new enough.
///
/// # Errors
/// [`NodeError`], which names what was tried.
pub fn program(set: Option<&Path>) -> Result<PathBuf, NodeError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    node::find(set, &path).map(|node| node.program)
}

/// The command that runs the module `entry` of the plugin in `folder`.
///
/// # Errors
/// [`JavaScriptError`], when there is no way to.
pub fn command(entry: &Path, folder: &Path, options: &Options) -> Result<Command, JavaScriptError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let node = node::find(options.node.as_deref(), &path)?;
    let runner = runner::unpacked(&options.runner_dir)?;
    if let Some(plugins) = folder.parent().filter(|_| options.link) {
        links::provide(&runner, plugins);
    }
    let args = vec![QUIET.into(), runner.join(runner::BOOT).into(), entry.into()];
    // Named also where it is not there: then the error of the first database says where it ought to be.
    let mut env: Vec<(String, OsString)> =
        addon().into_iter().map(|path| (addon::VARIABLE.to_owned(), path.into())).collect();
    if node.electron {
        env.push(("ELECTRON_RUN_AS_NODE".to_owned(), "1".into()));
    }
    Ok(Command { program: node.program.into(), args, env })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that fails here fails loudly

    use super::*;

    #[test]
    fn a_module_becomes_a_command_with_the_unpacked_runner() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("plugins/x");
        std::fs::create_dir_all(&folder).unwrap();
        let node = root.path().join("node");
        node::tests::fake_node(&node, "v22.1.0");
        let options =
            Options { node: Some(node.clone()), runner_dir: root.path().join("runner"), link: true };
        let entry = folder.join("background/index.js");
        let command = command(&entry, &folder, &options).unwrap();
        assert_eq!(command.program, node.into_os_string());
        assert_eq!(command.args[2], entry.into_os_string());
        assert!(Path::new(&command.args[1]).is_file());
        let (name, path) = command.env.first().unwrap();
        assert_eq!((name.as_str(), command.env.len()), ("OUTBOARD_SQLITE_ADDON", 1));
        assert_eq!(Path::new(path).parent(), std::env::current_exe().unwrap().parent());
        assert!(root.path().join("plugins/node_modules/@skyvexsoftware/stratos-sdk/package.json").is_file());
    }
}
