//! The command line: every verb with its arguments, and its sentence of help.
//!
//! Called by `main` and by `completions`. Must not know what a verb does. Flags that set a key of the settings are not named here:
//! [`crate::settings`] adds them to the verbs that take them, and keeps what they say.

mod airline;
mod conform;
mod dev;
mod new;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::id::{Channel, ConfigKey, DatabaseFile};

pub(crate) use airline::{AirlineArguments, AirlineVerb};
pub(crate) use conform::ConformArguments;
pub(crate) use dev::{DevArguments, InspectPort, Replayed};
pub(crate) use new::{Language, NewArguments};

use crate::failure::Failure;
use crate::settings::{Typed, add_to};

const EXIT_CODES: &str = "\
Exit codes: 0 done · 1 it failed · 2 wrong usage or settings · 3 no supervisor is running · 4 no such plugin, key or \
channel · 5 refused (conflict, denied, sign-in needed) · 6 no answer in time";

/// The plugin host that survives its plugins.
#[derive(Debug, Parser)]
#[command(name = "outboard", version, after_help = EXIT_CODES, max_term_width = 110)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Flags that every verb takes, before or after it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Settings file [default: $XDG_CONFIG_HOME/outboard/outboard.toml]
    #[arg(long, global = true, env = "OUTBOARD_CONFIG", hide_env = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Any key of the settings file, such as limits.data=2GiB; wins over the file, and may be given more than once
    #[arg(
        long,
        global = true,
        env = "OUTBOARD_SET",
        hide_env = true,
        value_name = "KEY=VALUE",
        value_delimiter = '\n'
    )]
    pub(crate) set: Vec<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the supervisor with its plugins, in the foreground
    Run,
    /// Make a folder with the smallest plugin that works, and say what to type next
    New(NewArguments),
    /// Build a plugin, run it under a supervisor of its own, and do so again after each save
    Dev(DevArguments),
    /// List the plugins
    List,
    /// List the services that plugins and the host application provide, and who uses them
    Services,
    /// Show the supervisor and its plugins, or one plugin in full
    Status {
        /// Which plugin
        id: Option<String>,
    },
    /// Start a plugin, and wait until it runs
    Start(OneId),
    /// Stop a plugin, and wait until nothing of it is left; it starts again with the supervisor
    Stop(OneId),
    /// Stop and start a plugin
    Restart(OneId),
    /// Start a plugin now and with every start of the supervisor
    Enable(OneId),
    /// Stop a plugin and keep it stopped over restarts of the supervisor
    Disable(OneId),
    /// Read the plugin folders again
    Rescan,
    /// Show log records of a plugin, or of all
    Logs(LogsArguments),
    /// Say why a plugin is as it is: its last ends, and what was decided
    Why(OneId),
    /// Read and change a plugin's configuration
    #[command(subcommand)]
    Config(ConfigVerb),
    /// The host's sign-in, which plugins read
    #[command(subcommand)]
    Auth(AuthVerb),
    /// The airline that the host is bound to
    #[command(subcommand)]
    Airline(AirlineVerb),
    /// List a plugin's files and what it opened, or look into one of its databases with sqlite3, read-only
    Db {
        /// Which plugin
        id: String,
        /// Which database, the file's name alone
        file: Option<DatabaseFile>,
    },
    /// Copy state.db and the plugins' databases into one new file, while everything goes on
    Backup {
        /// The file to be made, a tar archive of SQLite databases
        file: PathBuf,
    },
    /// Put a backup back, while no supervisor runs; what was there is set aside
    Restore {
        /// The file that `backup` made, or the folder that it was unpacked into
        file: PathBuf,
    },
    /// Take over databases and settings of a shell that ran plugins in its own process; nothing is overwritten
    ImportShell {
        /// The shell's folder, with plugins-data/<id>/*.db and config.json in it
        dir: PathBuf,
    },
    /// Show or set the least level that is kept of a plugin's log, until the supervisor ends
    LogLevel {
        /// Which plugin
        id: String,
        /// debug, info, warn or error; default is the common one again
        level: Option<LevelWord>,
    },
    /// Call a channel that a plugin handles, as its UI does
    Call(CallArguments),
    /// Print what a plugin pushes to its UIs, until interrupted
    Listen(OneId),
    /// Print what a host application may act upon: state changes, auth.required, quota warnings, until interrupted
    Events,
    /// Look at a plugin folder without running it
    Check {
        /// The folder that holds plugin.json
        dir: PathBuf,
    },
    /// Run a plugin against a scripted host, and say rule by rule of the protocol what holds
    Conform(ConformArguments),
    /// Say what works on this machine
    Doctor,
    /// The TypeScript SDK, for an editor and a build
    #[command(subcommand)]
    Sdk(SdkVerb),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// What to do with the SDK.
#[derive(Debug, Subcommand)]
pub(crate) enum SdkVerb {
    /// Put the SDK with its types into a project, out of this binary: no network is needed
    Install {
        /// The project's folder
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
}

/// A verb about one plugin.
#[derive(Debug, Args)]
pub(crate) struct OneId {
    /// Which plugin
    pub(crate) id: String,
}

/// Flags of `logs`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogsArguments {
    /// Which plugin; all of them, and the supervisor, when absent
    pub(crate) id: Option<String>,
}

/// What to do with a plugin's configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Print the value of a key
    Get {
        /// Which plugin
        id: String,
        /// Which key
        key: ConfigKey,
    },
    /// Set a key; done when it is on disk
    Set {
        /// Which plugin
        id: String,
        /// Which key
        key: ConfigKey,
        /// The value as JSON; what does not look like JSON is taken as a string (5 is a number, '"5"' and five are strings). One that begins with a dash and is not a number comes after --
        #[arg(allow_negative_numbers = true)]
        value: String,
    },
    /// Forget the value of a key; the manifest's default, if any, holds again
    Delete {
        /// Which plugin
        id: String,
        /// Which key
        key: ConfigKey,
    },
    /// Print every key with its value, default, scope and source
    List {
        /// Which plugin
        id: String,
    },
    /// Write what was set, and no defaults, as a JSON document
    Export {
        /// Which plugin
        id: String,
        /// Where to; standard output when absent
        file: Option<PathBuf>,
    },
    /// Set everything that an exported document holds, all of it or nothing; other keys are left as they are
    Import {
        /// Which plugin
        id: String,
        /// The document; - is standard input
        file: PathBuf,
    },
}

/// What to do with the host's sign-in.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthVerb {
    /// Sign in with a bearer token, read from standard input or a file
    Set {
        /// Only taken to say, without repeating it, that this is not a place for a token.
        #[arg(hide = true)]
        misplaced: Option<OsString>,
    },
    /// Sign out
    Clear,
    /// Say whether somebody is signed in
    Status,
}

/// A level, or the word for the common one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LevelWord {
    /// This one.
    Level(LogLevel),
    /// The common one.
    Default,
}

impl std::str::FromStr for LevelWord {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if word == "default" {
            return Ok(Self::Default);
        }
        word.parse().map(Self::Level).map_err(|_| "give debug, info, warn, error or default".to_owned())
    }
}

/// Arguments of `call`.
#[derive(Debug, Args)]
pub(crate) struct CallArguments {
    /// Which plugin
    pub(crate) id: String,
    /// Which channel, the leaf name alone
    pub(crate) channel: Channel,
    /// The arguments as JSON; what does not look like JSON is taken as a string. One that begins with a dash and is not a number comes after --
    #[arg(value_name = "JSON", allow_negative_numbers = true)]
    pub(crate) args: Vec<String>,
}

/// The whole command line.
pub(crate) fn command() -> clap::Command {
    add_to(Arguments::command())
}

/// Parses the words of a command line: into the verb, and into what they say about keys of the settings.
///
/// # Errors
/// The exit code, after help, version or the mistake has been printed.
pub(crate) fn parse(words: Vec<OsString>) -> Result<(Arguments, Typed), ExitCode> {
    let as_json = wants_json(&words);
    let understood = command().try_get_matches_from(words.clone());
    let understood = understood.and_then(|matches| Ok((Arguments::from_arg_matches(&matches)?, matches)));
    let (arguments, matches) = understood.map_err(|told| {
        // The usage that comes with a mistake shows every variable that is set as if it had been typed; the second try, with
        // each verb's own usage, fails in the same way.
        let told = with_plain_usage().try_get_matches_from(words).err().unwrap_or(told);
        if told.use_stderr() && as_json {
            let sentence = told.render().to_string();
            let sentence = sentence.trim().trim_start_matches("error: ");
            return Failure::usage(sentence.split("\n\n").next().unwrap_or(sentence)).report(true);
        }
        // Help goes to standard output, mistakes to standard error; a closed one changes nothing.
        let _ = told.print();
        let _ = std::io::stdout().flush();
        ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2))
    })?;
    let typed = Typed::of(&matches).map_err(|why| Failure::usage(why).report(as_json))?;
    Ok((arguments, typed))
}

/// The command line, with usages that tell nothing of variables.
fn with_plain_usage() -> clap::Command {
    let mut built = command();
    built.build();
    plain(command(), &mut built)
}

fn plain(command: clap::Command, built: &mut clap::Command) -> clap::Command {
    let usage = built.render_usage().to_string();
    let command = command.override_usage(usage.trim_start_matches("Usage: ").to_owned());
    command.mut_subcommands(|verb| match built.find_subcommand_mut(verb.get_name()) {
        Some(built) => plain(verb, built),
        None => verb,
    })
}

/// Whether a program reads the mistakes; asked where the words cannot be understood as a whole.
fn wants_json(words: &[OsString]) -> bool {
    let truth = |word: &str| !matches!(word, "false" | "0" | "no" | "off" | "n" | "f" | "");
    let flag = words.iter().skip(1).filter_map(|word| word.to_str()).find_map(|word| match word {
        "--json" => Some(true),
        _ => word.strip_prefix("--json=").map(truth),
    });
    flag.unwrap_or_else(|| std::env::var("OUTBOARD_JSON").is_ok_and(|word| truth(&word)))
}
