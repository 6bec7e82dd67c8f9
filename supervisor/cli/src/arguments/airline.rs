//! The words of `outboard airline`.
//!
//! Part of the command line's words. Must not know what becomes of them.

use clap::{Args, Subcommand};

/// What to do with the bound airline.
#[derive(Debug, Subcommand)]
pub(crate) enum AirlineVerb {
    /// Bind an airline; tokens are read from files or standard input, never from the command line
    Set(AirlineArguments),
    /// Unbind the airline and forget its tokens
    Clear,
    /// Show the bound airline, without its tokens
    Status,
}

/// Arguments of `airline set`.
#[derive(Debug, Args)]
pub(crate) struct AirlineArguments {
    /// The airline's id
    pub(crate) id: String,
    /// Origin of the airline's API, such as https://api.example.com
    pub(crate) base_url: String,
}
