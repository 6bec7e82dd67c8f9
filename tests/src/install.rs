//! Plugin folders: a manifest of the case, and a program beside it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::binaries::binary;

/// A plugin that is to be installed.
#[derive(Debug, Clone)]
pub struct Plugin {
    id: String,
    program: &'static str,
    manifest: Value,
}

impl Plugin {
    /// The plugin with every fault, with these arguments. Without any it is well-behaved.
    pub fn hostile(id: &str, arguments: &[&str]) -> Self {
        let command: Vec<&str> =
            std::iter::once("./hostile-plugin").chain(arguments.iter().copied()).collect();
        Self::of(id, "hostile-plugin", json!({ "run": { "command": command } }))
    }

    /// One that says and hears what this script says.
    pub fn scripted(id: &str, script: &Path) -> Self {
        Self::of(id, "scripted-plugin", json!({ "run": { "command": ["./scripted-plugin", script] } }))
    }

    /// One that plays its side of these conversations, one in each of its processes.
    pub fn recorded(id: &str, conversations: &[PathBuf]) -> Self {
        let plugin = Self::of(id, "scripted-plugin", json!({}));
        let words = ["./scripted-plugin", "--session"].map(PathBuf::from);
        let command = [&words[..], conversations].concat();
        plugin.with(json!({ "run": { "command": command } }))
    }

    /// The example written with the SDK.
    pub fn hello() -> Self {
        Self::of("hello-rust", "hello-rust", json!({ "run": { "command": ["./hello-rust"] } }))
    }

    /// One whose manifest names this command, with the hostile program lying beside it.
    pub fn command(id: &str, command: &[&str]) -> Self {
        Self::of(id, "hostile-plugin", json!({ "run": { "command": command } }))
    }

    /// A module for the runner in `index.js`, with the hostile program lying beside it.
    pub fn module(id: &str) -> Self {
        Self::of(id, "hostile-plugin", json!({ "background": { "entryModule": "index.js" } }))
    }

    fn of(id: &str, program: &'static str, extra: Value) -> Self {
        let manifest = json!({
            "id": id, "name": id, "version": "1.0.0", "description": "a plugin of a test", "type": "user",
            "author": { "id": "tests", "name": "Tests" }, "icon_light": "icon.svg", "icon_dark": "icon.svg",
        });
        Self { id: id.to_owned(), program, manifest }.with(extra)
    }

    /// Adds members to the manifest; `run` is merged.
    #[must_use]
    pub fn with(mut self, members: Value) -> Self {
        for (key, value) in members.as_object().unwrap() {
            match (self.manifest[key].as_object_mut(), value.as_object()) {
                (Some(old), Some(new)) => old.extend(new.clone()),
                _ => self.manifest[key] = value.clone(),
            }
        }
        self
    }

    /// Another version of it.
    #[must_use]
    pub fn version(self, version: &str) -> Self {
        self.with(json!({ "version": version }))
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text of its manifest.
    pub fn manifest(&self) -> String {
        serde_json::to_string_pretty(&self.manifest).unwrap()
    }

    /// Makes or replaces its folder below `plugins`, the manifest last and at once.
    pub fn install(&self, plugins: &Path) -> PathBuf {
        let folder = plugins.join(&self.id);
        std::fs::create_dir_all(&folder).unwrap();
        let program = folder.join(self.program);
        if !program.exists() {
            // A link shares the file, and /proc still shows a process under the name in this folder.
            let built = binary(self.program);
            std::fs::hard_link(&built, &program)
                .or_else(|_| std::fs::copy(&built, &program).map(drop))
                .unwrap();
        }
        write_at_once(&folder.join("plugin.json"), &self.manifest());
        folder
    }
}

/// Replaces a file so that nobody reads half of it.
pub fn write_at_once(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::rename(&draft, path).unwrap();
}
