//! What is developed: the author's folder, how it is built, and the folder that then is the plugin.
//!
//! Read from the manifest at the beginning and after each change of it. Reads only.

use std::path::{Path, PathBuf};

use outboard_host::discovery;
use outboard_protocol::PluginId;
use outboard_protocol::manifest::{self, DEV_IGNORED, Dev, FILE_NAME, MANIFEST_MAX};

use crate::failure::{Exit, Failure, Outcome};

/// Where builds put what is to be installed, where nobody says.
const BUILT: &str = "dist";
/// More than a package.json has.
const PACKAGE_MAX: u64 = 1024 * 1024;

/// A plugin in the making.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Project {
    /// The author's folder, without links in its path: errors name files by it.
    pub(super) folder: PathBuf,
    pub(super) id: PluginId,
    /// The program that builds it, and its arguments.
    pub(super) build: Option<Vec<String>>,
    /// What is run; the folder itself where nothing else is made.
    pub(super) run_dir: PathBuf,
    /// What counts; everything where it is empty.
    pub(super) watch: Vec<PathBuf>,
    /// Names that do not.
    pub(super) ignore: Vec<String>,
}

impl Project {
    /// Reads the folder.
    ///
    /// # Errors
    /// A usage failure where it is not a plugin's folder; else everything that is wrong with its manifest, with the lines.
    pub(super) fn read(dir: &Path) -> Outcome<Self> {
        let folder = dir.canonicalize().ok().filter(|folder| folder.is_dir()).ok_or_else(|| {
            Failure::usage(format!(
                "{} is not a folder; name the folder that holds the plugin's plugin.json",
                dir.display()
            ))
        })?;
        let file = folder.join(FILE_NAME);
        if !file.exists() {
            return Err(Failure::usage(format!(
                "{} does not exist; name the folder that holds the plugin's plugin.json, or make a plugin with `outboard new`",
                file.display()
            )));
        }
        let text = outboard_files::read(&file, MANIFEST_MAX as u64)
            .map_err(|error| Failure::failed(format!("{} cannot be read: {error}", file.display())))?;
        let manifest = manifest::parse(&text).map_err(|_| invalid(&file, &text))?;
        if let Some(amiss) = manifest.warnings.iter().find_map(|warning| warning.strip_prefix(DEV_IGNORED)) {
            return Err(Failure::failed(format!("{}: {amiss}", file.display())));
        }
        let id = manifest.id.clone();
        let Dev { build, dir, watch, ignore } = manifest.dev.unwrap_or_else(|| by_convention(&folder));
        let run_dir = dir.map_or_else(|| folder.clone(), |dir| folder.join(dir));
        let watch = watch.iter().map(|path| folder.join(path)).collect();
        Ok(Self { id, build, run_dir, watch, ignore, folder })
    }

    /// Whether the folder that runs is made by the build.
    pub(super) fn is_built_elsewhere(&self) -> bool {
        self.run_dir != self.folder
    }

    /// Whether what lies in the folder that runs is a plugin.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn check(&self) -> Outcome {
        if !self.run_dir.is_dir() {
            return Err(Failure::failed(format!(
                "{} is not there after the build; `dev.dir` in plugin.json names the folder that the build makes",
                self.run_dir.display()
            )));
        }
        discovery::read_folder(&self.run_dir)
            .map(drop)
            .map_err(|_| Failure::failed(discovery::mistakes_in(&self.run_dir).join("\n")))
    }
}

fn invalid(file: &Path, text: &[u8]) -> Failure {
    let told = manifest::mistakes(text).into_iter();
    let told =
        told.map(|error| format!("{}:{}:{}: {}", file.display(), error.line, error.column, error.message));
    Failure::new(Exit::Failed, told.collect::<Vec<_>>().join("\n"))
}

/// A project of the original shell says nothing about its build: its `npm run build` makes `dist`.
fn by_convention(folder: &Path) -> Dev {
    let package = || -> Option<serde_json::Value> {
        let text = outboard_files::read(&folder.join("package.json"), PACKAGE_MAX).ok()?;
        serde_json::from_slice(&text).ok()
    };
    let runs_as_it_is = discovery::read_folder(folder).is_ok();
    let has_build = || package().is_some_and(|package| package["scripts"]["build"].is_string());
    if runs_as_it_is || !has_build() {
        return Dev::default();
    }
    let build = ["npm", "run", "build"].map(str::to_owned).to_vec();
    Dev { build: Some(build), dir: Some(BUILT.to_owned()), ..Dev::default() }
}
