//! What `outboard check` can tell about a program without running it: whether the kernel would, and whether its files are there.
//!
//! Node is run to parse a module and what it imports, and Python to parse a plugin's files, never to run them.

use std::path::{Path, PathBuf};

use outboard_host::discovery::{Installed, Program};
use outboard_host::javascript::{self, Problem};
use outboard_host::process::{Label, SpawnSpec};
use outboard_host::{Debugger, debugger_of, python, virtual_environment};
use rustix::fs::{Access, access};

/// How a file begins that Linux or macOS runs: a script's first line, ELF, and the forms of Mach-O.
const RUNNABLE: [&[u8]; 6] =
    [b"#!", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xbe\xba\xfe\xca"];
/// Arguments that end like this are files, and not words.
const FILES: [&str; 10] = [".py", ".js", ".mjs", ".cjs", ".ts", ".sh", ".rb", ".pl", ".jar", ".php"];

/// Largest module that is read: bundles have some megabytes.
const MODULE_MAX: u64 = 64 << 20;

/// The file that would be run, or a sentence about those that were tried.
pub(super) fn find(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let environment = virtual_environment::of(folder);
    if let Some(fault) = environment.as_ref().and_then(|environment| environment.fault(name)) {
        return Err(format!("cannot be run: {fault}"));
    }
    let label = Label { plugin: String::new(), generation: 0 };
    let mut spec = SpawnSpec::new(label, name, folder);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = environment.map(|environment| environment.programs).into_iter();
    let path = std::env::join_paths(first.chain(std::env::split_paths(&path))).unwrap_or(path);
    spec.env.push(("PATH".into(), path));
    let candidates = spec.candidates();
    let there = candidates.iter().find(|path| path.is_file());
    match there {
        Some(path) if access(path, Access::EXEC_OK).is_ok() => Ok(path.clone()),
        Some(path) => Err(format!("is not executable: make it so with `chmod +x {}`", path.display())),
        None => {
            let tried: Vec<_> = candidates.iter().map(|path| path.display().to_string()).collect();
            Err(format!("was not found; tried {}", tried.join(", ")))
        }
    }
}

/// Looks, and adds what it finds.
pub(super) fn look(
    installed: &Installed,
    node: Option<&Path>,
    errors: &mut Vec<String>,
    warnings: &mut Vec<String>,
) {
    match &installed.program {
        Program::None => {}
        Program::Module(module) => {
            // Where there is no Node, that is told already.
            let problems = javascript::problems(node, module, &installed.folder).unwrap_or_default();
            told(problems, errors, warnings);
            if exports_nothing(module) {
                warnings.push(format!(
                    "{} has no default export, so there is nothing to start",
                    module.display()
                ));
            }
        }
        Program::Command(words) => {
            let name = words.first().map(String::as_str).unwrap_or_default();
            if let Ok(program) = find(&installed.folder, name)
                && !is_runnable(&program)
            {
                errors.push(format!(
                    "`run.command`: {} is neither a program nor a script; a script begins with a line such as #!/bin/sh",
                    program.display()
                ));
            }
            if debugger_of(installed) == Ok(Debugger::Debugpy)
                && let Ok(python) = find(&installed.folder, name)
            {
                told(python::problems(&python, &words[1..], &installed.folder), errors, warnings);
            }
            for word in words.iter().skip(1).filter(|word| is_missing(&installed.folder, word)) {
                warnings.push(format!(
                    "`run.command` names {word:?}, and there is no such file in the plugin's folder"
                ));
            }
        }
    }
}

fn told(problems: Vec<Problem>, errors: &mut Vec<String>, warnings: &mut Vec<String>) {
    for Problem { place, reason, warning } in problems {
        match warning {
            true => warnings.push(format!("{place}: {reason}")),
            false => errors.push(format!("{place} cannot be loaded: {reason}")),
        }
    }
}

fn is_runnable(program: &Path) -> bool {
    match outboard_files::beginning(program, 4) {
        Ok(beginning) => RUNNABLE.iter().any(|magic| beginning.starts_with(magic)),
        // What cannot be read may still be run, if it is a file at all.
        Err(error) => error.kind() != std::io::ErrorKind::InvalidInput,
    }
}

fn is_missing(folder: &Path, word: &str) -> bool {
    let looks_like_a_file = FILES.iter().any(|end| word.ends_with(end)) || word.starts_with("./");
    looks_like_a_file && !word.starts_with('-') && !folder.join(word).exists()
}

/// Whether a module seems to declare nothing: no default export, and none of the older form's.
fn exports_nothing(module: &Path) -> bool {
    let declares = |text: &str| ["default", "exports", "onStart"].iter().any(|word| text.contains(word));
    outboard_files::read_text(module, MODULE_MAX).is_ok_and(|text| !declares(&text))
}
