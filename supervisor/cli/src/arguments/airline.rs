//! The words of `outboard airline`.
//!
//! Part of the command line's words. Must not know what becomes of them.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What to do with the bound airline.
#[derive(Debug, Subcommand)]
pub(crate) enum AirlineVerb {
    /// Bind an airline; tokens are read from files or standard input, never from the command line
    Set(Box<AirlineArguments>),
    /// Unbind the airline and forget its tokens
    Clear,
    /// Show the bound airline, without its tokens
    Status,
}

/// Flags of `airline set`.
#[derive(Debug, Args)]
pub(crate) struct AirlineArguments {
    /// The airline's id
    pub(crate) id: String,
    /// Origin of the airline's API, such as https://api.example.com
    pub(crate) base_url: String,
    /// File with the bearer; - is standard input. Without it the airline is bound without one
    #[arg(long, env = "OUTBOARD_AIRLINE_TOKEN_FILE", hide_env = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// File with the refresh token; - is standard input
    #[arg(long, env = "OUTBOARD_AIRLINE_REFRESH_TOKEN_FILE", hide_env = true, value_name = "FILE")]
    pub(crate) refresh_token_file: Option<PathBuf>,
    /// Where the refresh token is exchanged
    #[arg(long, env = "OUTBOARD_AIRLINE_REFRESH_URL", hide_env = true, value_name = "URL")]
    pub(crate) refresh_url: Option<String>,
    #[command(flatten)]
    pub(crate) refresh: RefreshArguments,
}

/// How the refresh token is exchanged, where that is not OAuth 2.0's refresh_token grant.
#[derive(Debug, Args)]
#[command(next_help_heading = "Exchange of the refresh token")]
pub(crate) struct RefreshArguments {
    /// Shape of the request's body [default: form]
    #[arg(long, env = "OUTBOARD_AIRLINE_REFRESH_BODY", hide_env = true, value_name = "SHAPE")]
    pub(crate) refresh_body: Option<BodyShape>,
    /// Name of the request's member with the refresh token [default: refresh_token]
    #[arg(long, env = "OUTBOARD_AIRLINE_REFRESH_TOKEN_FIELD", hide_env = true, value_name = "NAME")]
    pub(crate) refresh_token_field: Option<String>,
    /// File with further members of the request, a JSON object of strings; added to grant_type, which null takes away
    #[arg(long, env = "OUTBOARD_AIRLINE_REFRESH_EXTRA_FILE", hide_env = true, value_name = "FILE")]
    pub(crate) refresh_extra_file: Option<PathBuf>,
    /// Name of the answer's member with the new bearer [default: access_token]
    #[arg(long, env = "OUTBOARD_AIRLINE_ACCESS_TOKEN_FIELD", hide_env = true, value_name = "NAME")]
    pub(crate) access_token_field: Option<String>,
    /// Name of the answer's member that may hold a new refresh token [default: refresh_token]
    #[arg(long, env = "OUTBOARD_AIRLINE_NEW_REFRESH_TOKEN_FIELD", hide_env = true, value_name = "NAME")]
    pub(crate) new_refresh_token_field: Option<String>,
}

/// Shape of the request that exchanges a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BodyShape {
    /// application/x-www-form-urlencoded
    Form,
    /// application/json
    Json,
}
