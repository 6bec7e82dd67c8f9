//! `outboard run`: the keeper, and below it the supervisor, which is put together here.
//!
//! ```text
//!   keeper ──▶ supervise ──opens──▶ runtime_folder, its lock
//!                 │                 layers     context, host, gateway, control: opened in this order, closed in reverse
//!                 ├──waits on──────▶ signals, the keeper, the host's end
//!                 └──tells──────────▶ announce  the summary, or one JSON line
//! ```
//!
//! A composition root: it opens, connects and closes, and decides nothing about plugins.

mod announce;
mod folders;
mod former;
mod journal;
mod layers;
mod listening;
mod mending;
mod options;
pub(crate) mod ports;
mod reachable;
mod record;
mod runtime_folder;
mod signals;
mod supervise;
pub(crate) mod threads;
mod users;

use std::ffi::OsString;
use std::process::ExitCode;

use outboard_host::process::keeper::{self, KeeperOptions};

use crate::failure::Outcome;
use crate::settings::Settings;

pub(crate) use announce::{SHARED_ORIGIN, WAITING, shown};
pub(crate) use folders::{amiss, unusable};
pub(crate) use keeper::SUPERVISE_ARGUMENT;
pub(crate) use record::SupervisorRecord;
pub(crate) use runtime_folder::is_held;
pub(crate) use users::allowed as allowed_users;

/// The control socket in the runtime folder.
pub(crate) const CONTROL_SOCKET: &str = "control.sock";

/// Which of the two processes of `run` this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The parent, which watches.
    Keeper,
    /// The child, which does the work.
    Supervisor,
}

/// Runs until told to stop.
pub(crate) fn run(mut settings: Settings, role: Role) -> Outcome<ExitCode> {
    let places = settings.places()?;
    // Both look, so that a mistake is told before anything is started.
    let options = options::of(&mut settings, &places)?;
    if role == Role::Supervisor {
        return supervise::supervise(&settings, &places, options).map(|()| ExitCode::SUCCESS);
    }
    folders::check(&settings, &places)?;
    let keeping = KeeperOptions {
        exit_with_parent: settings.options.exit_with_parent,
        restart: settings.options.restart_supervisor,
        ..KeeperOptions::default()
    };
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    Ok(keeper::run(&keeping, &words))
}
