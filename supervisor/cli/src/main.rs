//! The plugin host that survives its plugins: the command line.
//!
//! # Theory of operation
//!
//! One binary, four roles. Which one is decided here, by the first argument, before anything else happens:
//!
//! ```text
//!   outboard run ──▶ keeper ──starts──▶ outboard __supervise ──starts──▶ outboard __exec ──becomes──▶ a plugin
//!                                        │ context, host, gateway        (trampoline)
//!                                        └ control.sock
//!   outboard <verb> ──JSON-RPC over control.sock──┘
//! ```
//!
//! * `run` resolves the settings once to catch mistakes early, then becomes the keeper.
//! * `__supervise` is the supervisor proper: the composition root in [`run`] opens every layer and connects them.
//! * `__exec` is the trampoline of one plugin process. It must stay single-threaded, so it is looked at first.
//! * every other verb is a client of the control API, or works on files alone (`check`, `conform`, `doctor`, `completions`).
//!
//! This crate decides nothing about plugins: it reads settings, connects the layers, asks, and shows answers.

mod arguments;
mod client;
mod failure;
mod render;
mod run;
mod settings;
mod tame;
mod verbs;

use std::process::ExitCode;

/// Shows as `outboard` in ps and top: a role that was started from `/proc/self/exe` would be called `exe` there.
fn name_process() {
    // It runs under a wrong name too.
    let _ = rustix::thread::set_name(c"outboard");
}

fn main() -> ExitCode {
    name_process();
    let mut words: Vec<_> = std::env::args_os().collect();
    if words.get(1).is_some_and(|word| word == outboard_host::process::TRAMPOLINE_ARGUMENT) {
        outboard_host::process::trampoline_main();
    }
    // Tokens come by here in every role but that one.
    outboard_host::process::dumps::forbid();
    // What follows the marker is the command line of `run`, unchanged.
    let role = if words.get(1).is_some_and(|word| word == run::SUPERVISE_ARGUMENT) {
        words.remove(1);
        run::Role::Supervisor
    } else {
        run::Role::Keeper
    };
    let (arguments, typed) = match arguments::parse(words) {
        Ok(understood) => understood,
        Err(exit) => return exit,
    };
    let json = typed.is_on("json");
    match verbs::dispatch(arguments, typed, role) {
        Ok(exit) => exit,
        Err(failure) => failure.report(json),
    }
}
