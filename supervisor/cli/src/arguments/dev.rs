//! The words of `outboard dev`.
//!
//! Part of the command line's words. Must not know what becomes of them.

use std::path::PathBuf;

use clap::Args;

const ABOUT: &str = "\
`dev` in plugin.json says how the plugin is built and watched, each part optional: {\"build\": [\"npm\", \"run\", \"build\"], \"dir\": \"dist\", \
\"watch\": [\"src\"], \"ignore\": [\"made\"]}. Without it nothing is built; a folder that cannot run as it is and whose package.json has \
a script `build` is built with `npm run build`, and its `dist` runs. Never looked at: node_modules, target, __pycache__, \
.venv, the folder that the build makes, and folders whose names begin with a dot.

Ctrl-C ends everything. Exit codes: 0 ended by Ctrl-C while all was well · 1 the manifest cannot be used, the build cannot be run or its last run \
failed, or the plugin did not run · 2 wrong usage, or no plugin.json in the folder · 5 the port is taken, or another supervisor uses the data folder";

/// Arguments of `dev`.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct DevArguments {
    /// The folder that holds plugin.json
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Keep configuration and databases here; a new folder for the moment when absent
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where the plugin is reached [default: as `run`, 127.0.0.1:2066]; port 0 takes any free one
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<String>,
}
