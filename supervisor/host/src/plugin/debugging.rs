//! How a program is told to let a debugger in: Node's inspector, or debugpy for Python.
//!
//! Called by `launch`, and by whoever wants to know beforehand whether a plugin has one. What it adds stands among the arguments, so
//! that what the program starts in its turn has none of it, and the look for a debugger finds the port. Runs nothing.

use std::path::Path;

use super::settings::PluginSettings;
use crate::discovery::{Installed, Program};

/// Options of Python that have a value in the next word.
const PYTHON_VALUED: [&str; 2] = ["-X", "-W"];
/// Options of Python after which what runs is named: all that follows is the program's.
const PYTHON_RUNS: [&str; 2] = ["-m", "-c"];
/// debugpy warns of breakpoints that are missed without this; older Pythons do not mind.
const PYTHON_WHOLE: &str = "-Xfrozen_modules=off";

/// A debugger that lives inside the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Debugger {
    /// Node's own.
    Node,
    /// A package of Python.
    Debugpy,
}

/// The debugger that a plugin's program can have.
///
/// # Errors
/// A sentence, where it has none that can be asked for.
pub fn debugger_of(installed: &Installed) -> Result<Debugger, String> {
    match &installed.program {
        Program::Module(_) => Ok(Debugger::Node),
        Program::Command(words) => of_program(words.first().map_or("", String::as_str)),
        Program::None => Err("the plugin has a user interface alone, which the browser debugs".to_owned()),
    }
}

fn of_program(program: &str) -> Result<Debugger, String> {
    let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    let is = |beginning: &str| {
        name.strip_prefix(beginning).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
    };
    if is("python") || is("pypy") {
        Ok(Debugger::Debugpy)
    } else if is("node") || is("nodejs") {
        Ok(Debugger::Node)
    } else {
        Err(format!(
            "`run.command` begins with {program:?}, and Outboard knows how to ask node and python for a debugger, and no other \
             program; give its debugger's options in `run.command` yourself, or attach one to its process (`outboard status` tells the pid): \
             a plugin that a tracer such as gdb or lldb holds is never called hung"
        ))
    }
}

/// The flag of Node, where a debugger is wanted.
pub(super) fn of_node(settings: &PluginSettings) -> Option<String> {
    let port = settings.inspect?;
    let flag = if settings.inspect_brk { "--inspect-wait" } else { "--inspect" };
    Some(format!("{flag}=127.0.0.1:{port}"))
}

/// The arguments of a command, with those that let a debugger in, where one is wanted.
///
/// # Errors
/// As [`debugger_of`].
pub(super) fn of_command(
    program: &str,
    args: &[String],
    settings: &PluginSettings,
) -> Result<Vec<String>, String> {
    let Some(port) = settings.inspect else { return Ok(args.to_vec()) };
    let (own, rest) = match of_program(program)? {
        Debugger::Node => {
            return Ok(of_node(settings).into_iter().chain(args.iter().cloned()).collect());
        }
        Debugger::Debugpy => args.split_at(options_of_python(args)),
    };
    let listen = format!("127.0.0.1:{port}");
    let wait = settings.inspect_brk.then_some("--wait-for-client");
    let asked = [PYTHON_WHOLE, "-m", "debugpy", "--listen", &listen].into_iter().chain(wait);
    Ok(own
        .iter()
        .map(String::as_str)
        .chain(asked)
        .chain(rest.iter().map(String::as_str))
        .map(Into::into)
        .collect())
}

/// How many of the first words are options of the interpreter.
fn options_of_python(args: &[String]) -> usize {
    let mut at = 0;
    while let Some(word) = args.get(at) {
        if !word.starts_with('-') || word == "-" || PYTHON_RUNS.contains(&word.as_str()) {
            break;
        }
        at += if PYTHON_VALUED.contains(&word.as_str()) { 2 } else { 1 };
    }
    at.min(args.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    fn asked(command: &[&str], inspect: Option<u16>, inspect_brk: bool) -> Result<String, String> {
        let settings = PluginSettings { inspect, inspect_brk, ..PluginSettings::default() };
        let args: Vec<String> = command[1..].iter().map(|word| (*word).to_owned()).collect();
        of_command(command[0], &args, &settings).map(|args| args.join(" "))
    }

    #[test]
    fn a_debugger_is_asked_for_before_what_the_interpreter_runs() {
        for (command, wanted) in [
            (
                &["python3", "main.py", "-v"][..],
                "-Xfrozen_modules=off -m debugpy --listen 127.0.0.1:7 main.py -v",
            ),
            (
                &["/x/python3.12", "-u", "-m", "x"],
                "-u -Xfrozen_modules=off -m debugpy --listen 127.0.0.1:7 -m x",
            ),
            (&["python", "-X", "dev", "a"], "-X dev -Xfrozen_modules=off -m debugpy --listen 127.0.0.1:7 a"),
            (&["python", "-X"], "-X -Xfrozen_modules=off -m debugpy --listen 127.0.0.1:7"),
            (&["node", "server.js"], "--inspect=127.0.0.1:7 server.js"),
        ] {
            assert_eq!(asked(command, Some(7), false).unwrap(), wanted);
            assert_eq!(asked(command, None, true).unwrap(), command[1..].join(" "), "nobody asked");
        }
        assert_eq!(asked(&["node", "a"], Some(7), true).unwrap(), "--inspect-wait=127.0.0.1:7 a");
        assert!(asked(&["python3", "a"], Some(7), true).unwrap().ends_with("--wait-for-client a"));
        let why = asked(&["./plugin"], Some(7), false).unwrap_err();
        assert!(why.contains("\"./plugin\"") && why.contains("gdb"), "{why}");
        assert!(asked(&["nodemon", "a"], Some(7), false).is_err());
    }
}
