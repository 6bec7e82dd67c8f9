//! The words of `outboard dev`.
//!
//! Part of the command line's words. Must not know what becomes of them.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

const ABOUT: &str = "\
`dev` in plugin.json says how the plugin is built and watched, each part optional: {\"build\": [\"npm\", \"run\", \"build\"], \"dir\": \"dist\", \
\"watch\": [\"src\"], \"ignore\": [\"made\"]}. Without it nothing is built; a folder that cannot run as it is and whose package.json has \
a script `build` is built with `npm run build`, and its `dist` runs. Never looked at: node_modules, target, __pycache__, \
.venv, the folder that the build makes, and folders whose names begin with a dot.

With --inspect the plugin's deadlines and those of requests to it do not count, so that it may stand at a breakpoint for as long as you like; \
a save that finds it standing there waits, and a second save ends it. A configuration for VS Code is added to .vscode/launch.json in the folder.

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
    /// Let a debugger in: Node's inspector (port 9229), or debugpy for Python (port 5678); port 0 takes any free one
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, conflicts_with = "inspect_brk")]
    pub(crate) inspect: Option<Option<InspectPort>>,
    /// As --inspect, and each start waits for the debugger: Node then stands at the plugin's first line
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true)]
    pub(crate) inspect_brk: Option<Option<InspectPort>>,
    /// After each save that went well, send this request to the plugin again, such as 'GET /api/x/items?all' or 'POST /api/x/items {"a":1}',
    /// and show the answer; without a value, the last GET that the plugin has had, by its path alone
    #[arg(long, value_name = "REQUEST", num_args = 0..=1, require_equals = true)]
    pub(crate) replay: Option<Option<Replayed>>,
}

/// A request that is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replayed {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// JSON, or whatever else it is.
    pub(crate) body: Option<String>,
}

impl FromStr for Replayed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (first, rest) = text.split_once(' ').unwrap_or(("GET", text));
        let (path, body) =
            rest.trim_start().split_once(' ').map_or((rest, None), |(path, body)| (path, Some(body)));
        let path = path.trim();
        let is_method = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_method || !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                "give a method and a path, such as 'GET /api/my-plugin/items'; a body may follow".to_owned()
            );
        }
        let body = body.map(|body| body.trim().to_owned()).filter(|body| !body.is_empty());
        Ok(Self { method: first.to_owned(), path: path.to_owned(), body })
    }
}

/// A port of this machine alone: whoever reaches a debugger can do all that its user can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InspectPort(pub(crate) u16);

impl FromStr for InspectPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port =
            text.strip_prefix("127.0.0.1:").or_else(|| text.strip_prefix("localhost:")).unwrap_or(text);
        port.parse().map(Self).map_err(|_| {
            "give a port such as 9229; a debugger is let in at 127.0.0.1 alone, since whoever reaches it can do all that you can".to_owned()
        })
    }
}
