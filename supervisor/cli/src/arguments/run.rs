//! The words of `outboard run`, and those of them that `doctor` looks at.
//!
//! Part of the command line's words. Must not know what becomes of them.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use outboard_gateway::Address;
use outboard_protocol::context::logger::LogLevel;

use super::listen_address;

/// What `run` uses of this machine; `doctor` takes these flags too.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PlaceArguments {
    /// Folder with a folder for each plugin; may be given more than once [default: $XDG_DATA_HOME/outboard/plugins]
    #[arg(long, env = "OUTBOARD_PLUGINS", hide_env = true, value_name = "DIR", value_delimiter = ':')]
    pub(crate) plugins: Vec<PathBuf>,
    /// Folder for what must last [default: $XDG_DATA_HOME/outboard]
    #[arg(long, env = "OUTBOARD_DATA", hide_env = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where people reach the plugins; port 0 takes any free one, unix:PATH a Unix socket [default: 127.0.0.1:2066]
    #[arg(long, env = "OUTBOARD_LISTEN", hide_env = true, value_name = "ADDR:PORT", value_parser = listen_address)]
    pub(crate) listen: Option<Address>,
}

/// Flags of `run`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) places: PlaceArguments,
    /// Print one JSON line when ready and nothing else on standard output, for a parent program
    #[arg(long, env = "OUTBOARD_READY_JSON", hide_env = true, value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub(crate) ready_json: Option<bool>,
    /// Stop when standard input closes, so that the supervisor ends with the program that started it
    #[arg(long, env = "OUTBOARD_EXIT_WITH_PARENT", hide_env = true, value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub(crate) exit_with_parent: Option<bool>,
    /// Start the supervisor again when it was killed or failed
    #[arg(long, env = "OUTBOARD_RESTART_SUPERVISOR", hide_env = true, value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub(crate) restart_supervisor: Option<bool>,
    /// Start plugins only once a host is signed in (`outboard auth set`)
    #[arg(long, env = "OUTBOARD_HOLD_UNTIL_AUTH", hide_env = true, value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub(crate) hold_until_auth: Option<bool>,
    /// Least level of log records on the console: debug, info, warn or error [default: info]
    #[arg(long, env = "OUTBOARD_LOG_LEVEL", hide_env = true, value_name = "LEVEL")]
    pub(crate) log_level: Option<LogLevel>,
}
