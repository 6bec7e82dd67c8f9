//! What a plugin may ask of its host, one file a namespace, named as the author sees it: `ctx.config` is `config.rs`.
//!
//! The files hold parameters and results only; who answers is another crate's affair.

pub mod airline;
pub mod auth;
pub mod config;
pub mod database;
pub mod ipc;
pub mod logger;
pub mod server;
pub mod service;
