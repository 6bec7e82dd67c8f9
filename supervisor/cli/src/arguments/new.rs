//! The words of `outboard new`.
//!
//! Part of the command line's words. Must not know what becomes of them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

const ABOUT_OTHERS: &str = "\
Rust and C are not offered: a plugin in Rust wants the SDK from a checkout of Outboard, one in C a parser for JSON. Copy \
examples/hello-rust or examples/counter-c of the repository; docs/WRITING-A-PLUGIN.md says how.";

/// Arguments of `new`.
#[derive(Debug, Args)]
#[command(after_help = ABOUT_OTHERS)]
pub(crate) struct NewArguments {
    /// The folder to make, such as my-plugin or plugins/my-plugin; its name becomes the plugin's id
    #[arg(value_name = "NAME")]
    pub(crate) folder: PathBuf,
    /// What it is written in; none of these needs anything to be built or installed
    #[arg(short, long, default_value = "js")]
    pub(crate) language: Language,
    /// With a user interface: a project with React, Vite and types, whose `npm run dev` builds and reloads; for ts
    #[arg(long)]
    pub(crate) ui: bool,
}

/// Languages of which the smallest plugin is whole as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// JavaScript; needs node
    Js,
    /// TypeScript, without a build; needs node
    Ts,
    /// Python without an SDK; needs python3
    Py,
    /// Needs bash, jq and perl
    Bash,
}
