//! `outboard check DIR`: would this folder work as a plugin? Nothing is run, and no supervisor is needed.

use std::path::Path;
use std::time::Duration;

use outboard_host::discovery::{self, Installed, Program};
use outboard_host::javascript;
use serde_json::json;

use super::{check_program, check_ui};
use crate::failure::{Exit, Failure, Outcome};
use crate::render::{Screen, Style};
use crate::settings::Settings;
use crate::tame::tame;

/// What was found.
struct Findings {
    installed: Option<Installed>,
    errors: Vec<String>,
    warnings: Vec<String>,
    /// What would be started, in words.
    program: Option<String>,
}

/// How long the folder may take to say what it is: one on a mount that is gone never does.
const FOLDER_LIMIT: Duration = Duration::from_secs(5);
/// How long everything else may take, Node's own look at a module among it, which has a shorter limit.
const PROGRAM_LIMIT: Duration = Duration::from_secs(60);

/// Looks, and tells.
pub(super) fn run(screen: &mut Screen, settings: &Settings, dir: &Path) -> Outcome {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let asked = dir.clone();
    if !answered(&dir, FOLDER_LIMIT, move || asked.is_dir())? {
        return Err(Failure::usage(format!(
            "{} is not a folder; name the folder that holds the plugin's plugin.json",
            dir.display()
        )));
    }
    let (asked, node) = (dir.clone(), settings.options.node.clone());
    let findings = answered(&dir, PROGRAM_LIMIT, move || look(&asked, node.as_deref()))?;
    if screen.json() {
        screen.json_document(&json!({
            "folder": dir,
            "valid": findings.errors.is_empty(),
            "id": findings.installed.as_ref().map(|installed| installed.id()),
            "version": findings.installed.as_ref().map(Installed::version),
            "program": findings.program,
            "errors": findings.errors,
            "warnings": findings.warnings,
        }))?;
    } else {
        show(screen, &findings)?;
    }
    if findings.errors.is_empty() { Ok(()) } else { Err(Failure::said(Exit::Failed)) }
}

/// The outcome of a look at the folder, or the sentence that says that its file system gave none.
fn answered<T: Send + 'static>(
    dir: &Path,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Outcome<T> {
    super::block_on(async {
        outboard_files::look(dir, limit, work).await.map_err(|why| Failure::failed(why.to_string()))
    })
}

fn look(dir: &Path, node: Option<&Path>) -> Findings {
    let Ok(installed) = discovery::read_folder(dir) else {
        let errors = discovery::mistakes_in(dir);
        return Findings { installed: None, errors, warnings: Vec::new(), program: None };
    };
    let manifest = dir.join(outboard_protocol::manifest::FILE_NAME);
    let (program, mut errors) = match resolve(&installed, node) {
        Ok(program) => (Some(program), Vec::new()),
        Err(reason) => (None, vec![reason]),
    };
    // An author means something by a key that is misspelt; it runs all the same.
    let misspelt = &installed.manifest.misspelt;
    errors.extend(misspelt.iter().cloned());
    let mut warnings = installed.manifest.warnings.clone();
    warnings.retain(|warning| !misspelt.contains(warning));
    if program.is_some() {
        check_program::look(&installed, node, &mut errors, &mut warnings);
    }
    if installed.has_ui {
        warnings.extend(check_ui::lacking(dir));
    }
    let names_its_file = |told: &String| dir.to_str().is_some_and(|dir| told.starts_with(dir));
    for told in errors.iter_mut().chain(&mut warnings).filter(|told| !names_its_file(told)) {
        *told = format!("{}: {told}", manifest.display());
    }
    Findings { installed: Some(installed), errors, warnings, program }
}

/// Finds the program as a start would, by the same rules.
fn resolve(installed: &Installed, node: Option<&Path>) -> Result<String, String> {
    match &installed.program {
        Program::None => Ok("nothing: the plugin has a user interface alone".to_owned()),
        Program::Module(module) => {
            let node =
                javascript::program(node).map_err(|why| format!("the module {}: {why}", module.display()))?;
            Ok(format!("{} {}", node.display(), module.display()))
        }
        Program::Command(words) => {
            let name = words.first().map(String::as_str).unwrap_or_default();
            let program = check_program::find(&installed.folder, name)
                .map_err(|why| format!("`run.command`: {name:?} {why}"))?;
            Ok(program.display().to_string())
        }
    }
}

fn show(screen: &mut Screen, findings: &Findings) -> std::io::Result<()> {
    for error in &findings.errors {
        let word = screen.paint(Style::Bad, "error");
        screen.line(format!("{word}    {}", tame(error)))?;
    }
    for warning in &findings.warnings {
        let word = screen.paint(Style::Off, "warning");
        screen.line(format!("{word}  {}", tame(warning)))?;
    }
    if let (Some(installed), true) = (&findings.installed, findings.errors.is_empty()) {
        let word = screen.paint(Style::Good, "ok");
        screen.line(format!("{word}       {} {}", installed.id(), installed.version()))?;
        screen.line(format!("runs     {}", tame(findings.program.as_deref().unwrap_or_default())))?;
    }
    Ok(())
}
