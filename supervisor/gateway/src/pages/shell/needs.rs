//! What a UI wants of the page: which names the page lacks, and which heavy modules it must have before it runs.
//!
//! The shell page asks on a thread for files; `outboard check` asks too. Must not know how the page makes up for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::imports::{Imports, collect};
use super::offered::offered;
use crate::ui_files::open;

/// The folder of a UI.
const FOLDER: &str = "ui";
/// The object in which bundles for the original shell find what is shared.
const SHARED: &[u8] = b"__stratos_modules__";
/// No UI has more script files than are looked into, or deeper, or larger together; what lies beyond keeps the browser's own words.
const FILES_MAX: usize = 256;
const DEPTH_MAX: usize = 4;
const BYTES_MAX: u64 = 32 * 1024 * 1024;

/// What a UI wants of the page.
#[derive(Debug, Default)]
pub struct Needs {
    /// Names that are imported, and not there, by their modules. A module that is not there at all has every name.
    pub lacking: BTreeMap<String, BTreeSet<String>>,
    /// Heavy modules that the UI imports, or reads from the shared object, which has them only if they are loaded before.
    pub(crate) early: BTreeSet<String>,
}

/// Looks through the scripts of the UI in a plugin's folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn needs(install_dir: &Path) -> io::Result<Needs> {
    let mut scripts = Vec::new();
    scripts_below(&install_dir.join(FOLDER), Path::new(""), DEPTH_MAX, &mut scripts)?;
    let (mut imports, mut needs, mut left) = (Imports::new(), Needs::default(), BYTES_MAX);
    let mut text = Vec::new();
    for script in scripts {
        text.clear();
        // One that cannot be read is not served either.
        let Ok(opened) = open::open(&install_dir.join(FOLDER), &script) else { continue };
        let Some(after) = left.checked_sub(opened.length) else { continue };
        left = after;
        if opened.file.take(opened.length).read_to_end(&mut text).is_ok() {
            collect(&text, &mut imports);
            early(&text, &mut needs.early);
        }
    }
    needs
        .early
        .extend(imports.keys().filter(|name| offered().get(*name).is_some_and(|known| known.heavy)).cloned());
    needs.lacking = lacking(imports);
    Ok(needs)
}

/// What of these imports the page has not.
fn lacking(imports: Imports) -> BTreeMap<String, BTreeSet<String>> {
    let mut lacking = BTreeMap::new();
    for (module, mut names) in imports {
        match offered().get(&module) {
            Some(known) => {
                names.retain(|name| !known.names.contains(name));
                if names.is_empty() {
                    continue;
                }
            }
            // Whoever imports a module as a whole gets this much.
            None => drop(names.insert("default".to_owned())),
        }
        lacking.insert(module, names);
    }
    lacking
}

/// The heavy modules that a bundle for the original shell names.
fn early(text: &[u8], found: &mut BTreeSet<String>) {
    if memmem::find(text, SHARED).is_none() {
        return;
    }
    for (name, _) in offered().iter().filter(|(_, module)| module.heavy) {
        let quoted = |quote: char| memmem::find(text, format!("{quote}{name}{quote}").as_bytes()).is_some();
        if ['"', '\'', '`'].into_iter().any(quoted) {
            found.insert(name.clone());
        }
    }
}

/// The scripts in a folder, as paths below the first one. Links to folders are not followed.
fn scripts_below(root: &Path, below: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        if found.len() >= FILES_MAX {
            return Ok(());
        }
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if depth > 1 {
                scripts_below(root, &path, depth - 1, found)?;
            }
        } else if path.extension().is_some_and(|ending| ending == "js" || ending == "mjs") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn what_the_page_has_is_not_lacking_and_all_the_rest_is() {
        let folder = folder(&[
            (
                "ui/index.js",
                "import { usePluginContext, Nothing } from '@skyvexsoftware/stratos-sdk'; import { useState } from 'react'",
            ),
            ("ui/a/b/part.mjs", "import * as all from 'elsewhere'; import D, { useNothing } from 'react'"),
            ("ui/readme.txt", "import { Text } from 'react'"),
            ("background/index.js", "import { Router } from 'express'"),
        ]);
        let found: Vec<_> = needs(folder.path())
            .unwrap()
            .lacking
            .into_iter()
            .map(|(module, names)| format!("{module}: {names:?}"))
            .collect();
        assert_eq!(
            found,
            [
                "@skyvexsoftware/stratos-sdk: {\"Nothing\"}",
                "elsewhere: {\"default\"}",
                "react: {\"useNothing\"}"
            ]
        );
    }

    #[test]
    fn a_heavy_module_is_loaded_for_those_alone_that_name_it_at_the_start() {
        for (text, early) in [
            ("import { Map } from 'maplibre-gl'; import { toast } from 'sonner'", vec!["maplibre-gl"]),
            (
                "const { Map } = window.__stratos_modules__[\"react-map-gl/maplibre\"]",
                vec!["react-map-gl/maplibre"],
            ),
            ("const later = () => import('maplibre-gl')", vec![]),
            ("say('maplibre-gl')", vec![]),
        ] {
            let folder = folder(&[("ui/index.js", text)]);
            assert_eq!(Vec::from_iter(needs(folder.path()).unwrap().early), early, "{text}");
        }
    }

    #[test]
    fn a_folder_of_pipes_and_links_holds_nobody() {
        let folder = folder(&[("ui/index.js", ""), ("outside/index.js", "import { Outside } from 'react'")]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("ui/circle")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("outside/index.js"), folder.path().join("ui/link.js"))
            .unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.path().join("ui/pipe.js"),
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        assert!(needs(folder.path()).unwrap().lacking.is_empty());
        assert!(needs(&folder.path().join("nowhere")).is_err());
    }
}
