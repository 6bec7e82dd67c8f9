//! What `outboard check` can tell about a UI without showing it: the names that it imports and that the page does not have.
//!
//! The page's own look says which; here each gets its file and line. Nothing is run.

use std::path::{Path, PathBuf};

use outboard_gateway::ui_needs;

/// The folder of a UI.
const UI: &str = "ui";
/// Largest script in which a line is looked for: bundles have some megabytes.
const SCRIPT_MAX: u64 = 32 << 20;
/// As many scripts as the page looks into, and as deep.
const SCRIPTS_MAX: usize = 256;
const DEPTH_MAX: usize = 4;

/// A sentence for each name that the page does not have.
pub(super) fn lacking(folder: &Path) -> Vec<String> {
    let needs = match ui_needs(folder) {
        Ok(needs) => needs,
        Err(error) => {
            return vec![format!("{} cannot be looked through: {error}", folder.join(UI).display())];
        }
    };
    if needs.lacking.is_empty() {
        return Vec::new();
    }
    let scripts = scripts(&folder.join(UI));
    let mut told = Vec::new();
    for (module, names) in &needs.lacking {
        for name in names {
            let place = place(&scripts, module, name);
            let what = match name.as_str() {
                "default" => format!("the module {module:?}"),
                name => format!("{name} of {module:?}"),
            };
            told.push(format!(
                "{place}: it imports {what}, which this host's page does not have: the UI is shown, and says so where that is used"
            ));
        }
    }
    told
}

/// The scripts of a UI, with what they hold.
fn scripts(folder: &Path) -> Vec<(PathBuf, String)> {
    let (mut found, mut pending) = (Vec::new(), vec![(folder.to_owned(), 0)]);
    while let Some((folder, depth)) = pending.pop() {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        entries.sort_unstable();
        for path in entries {
            if path.is_dir() && depth + 1 < DEPTH_MAX {
                pending.push((path, depth + 1));
            } else if path.extension().is_some_and(|ending| ending == "js" || ending == "mjs")
                && found.len() < SCRIPTS_MAX
                && let Ok(text) = outboard_files::read_text(&path, SCRIPT_MAX)
            {
                found.push((path, text));
            }
        }
    }
    found
}

/// The line that names the module and the name; the folder where no script has both in one statement.
fn place(scripts: &[(PathBuf, String)], module: &str, name: &str) -> String {
    for (path, text) in scripts {
        for quote in ['"', '\''] {
            let quoted = format!("{quote}{module}{quote}");
            for (at, _) in text.match_indices(&quoted) {
                // The statement that the module ends: from its keyword on.
                let begins = text[..at].rfind("import").or_else(|| text[..at].rfind("export")).unwrap_or(at);
                let within = word(&text[begins..at], name).map_or(at, |found| begins + found);
                if name == "default" || within < at {
                    let line = 1 + text[..within].bytes().filter(|byte| *byte == b'\n').count();
                    return format!("{}:{line}", path.display());
                }
            }
        }
    }
    scripts.first().map_or_else(|| UI.to_owned(), |(path, _)| path.display().to_string())
}

/// Where a word stands by itself.
fn word(text: &str, word: &str) -> Option<usize> {
    let part = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == '$';
    text.match_indices(word)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}
