//! `outboard completions SHELL`: a script for the shell, on standard output.

use std::io::{self, Write};

use clap_complete::Shell;

use crate::arguments::command;
use crate::failure::Outcome;

/// Prints the script.
pub(super) fn run(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "outboard", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(())
}
