//! What a case starts with: plugins, settings, folders.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::NEIGHBOUR;
use crate::install::Plugin;
use crate::supervisor::Supervisor;

/// Folders of one case, below one temporary folder.
#[derive(Debug)]
pub struct Folders {
    root: TempDir,
}

impl Folders {
    fn new() -> Self {
        let root = tempfile::Builder::new().prefix("ob").tempdir().unwrap();
        let folders = Self { root };
        for folder in [folders.plugins(), folders.home()] {
            std::fs::create_dir(folder).unwrap();
        }
        folders
    }

    /// Everything is below it.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The plugins folder.
    pub fn plugins(&self) -> PathBuf {
        self.root().join("plugins")
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.root().join("data")
    }

    /// The runtime folder.
    pub fn runtime(&self) -> PathBuf {
        self.root().join("run")
    }

    /// The home folder that programs are told.
    pub fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// The settings file.
    pub fn settings(&self) -> PathBuf {
        self.root().join("outboard.toml")
    }

    /// The data folder of a plugin.
    pub fn plugin_data(&self, id: &str) -> PathBuf {
        self.data().join("plugins-data").join(id)
    }
}

/// Makes a [`Supervisor`].
#[derive(Debug)]
pub struct Builder {
    folders: Folders,
    settings: String,
    flags: Vec<String>,
}

impl Default for Builder {
    fn default() -> Self {
        let builder = Self { folders: Folders::new(), settings: String::new(), flags: Vec::new() };
        builder.plugin(Plugin::hostile(NEIGHBOUR, &[]))
    }
}

impl Builder {
    /// Installs a plugin.
    #[must_use]
    pub fn plugin(self, plugin: Plugin) -> Self {
        plugin.install(&self.folders.plugins());
        self
    }

    /// Adds to the settings file.
    #[must_use]
    pub fn settings(mut self, toml: &str) -> Self {
        self.settings.push_str(toml);
        self.settings.push('\n');
        self
    }

    /// Adds a flag of `run`.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Puts a file below the plugins folder.
    #[must_use]
    pub fn file(self, path: &str, text: &str) -> Self {
        let path = self.folders.plugins().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// The folders, for what else a case wants to put there.
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// Starts it and waits until it is ready.
    pub fn start(self) -> Supervisor {
        std::fs::write(self.folders.settings(), &self.settings).unwrap();
        Supervisor::start(self.folders, self.flags)
    }
}
