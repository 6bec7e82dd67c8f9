//! The words of `outboard conform`.
//!
//! Part of the command line's words. Must not know what becomes of them.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use crate::settings::Time;

const ABOUT_TIME: &str = "\
--timeout is how long an answer may take that needs no work: 10s without it. A call of a channel has three times that, a \
frame of 8 MiB six times, `initialize` and `start` never less than under the supervisor.";

/// Arguments of `conform`.
#[derive(Debug, Args)]
#[command(after_help = ABOUT_TIME)]
pub(crate) struct ConformArguments {
    /// The folder that holds plugin.json; the plugin is run, its channels are called, its data goes to a temporary folder
    #[arg(required_unless_present = "list")]
    pub(crate) dir: Option<PathBuf>,
    /// Only the cases of this rule, such as P-MSG-4, or the one case of this name, such as frame-cut; may be given again
    #[arg(long, env = "OUTBOARD_CONFORM_ONLY", hide_env = true, value_name = "RULE", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Show every case with its rule and name, and run nothing
    #[arg(long, conflicts_with = "dir")]
    pub(crate) list: bool,
    /// How long the plugin has for `stop`, and again for its exit
    #[arg(long, env = "OUTBOARD_CONFORM_GRACE", hide_env = true, value_name = "TIME", default_value = "5s")]
    pub(crate) grace: Time,
    /// Processes of the plugin at a time; 1 where two would be in each other's way [default: one for each processor]
    #[arg(long, env = "OUTBOARD_CONFORM_JOBS", hide_env = true, value_name = "COUNT")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Write the report to this file as JUnit XML, too
    #[arg(long, env = "OUTBOARD_CONFORM_JUNIT", hide_env = true, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}
