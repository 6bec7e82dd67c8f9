//! From the settings to what each layer wants to know: what has to be looked up, read or compared before it can be used.
//!
//! Called by the keeper and the supervisor before anything starts, so that a mistake is told first. Must not know how a value is
//! written.

use std::io::{self, IsTerminal};
use std::time::Duration;

use outboard_causes::Told;
use outboard_context::{Console, ContextOptions};
use outboard_gateway::{GatewayOptions, Token};
use outboard_host::{PluginPolicy, PluginSettings};

use super::{listening, reachable, users};
use crate::failure::{Failure, Outcome};
use crate::settings::{Color, OnePlugin, Options, Places, Settings};

/// Everything that the settings decide about the layers.
#[derive(Debug)]
pub(super) struct LayerOptions {
    /// For what is kept, and where.
    pub(super) context: ContextOptions,
    /// For plugins.
    pub(super) policy: PluginPolicy,
    /// For the address that people reach.
    pub(super) gateway: GatewayOptions,
    /// How long the longest stop of any plugin may take.
    pub(super) longest_stop: Duration,
    /// How long the longest start of any plugin may take.
    pub(super) longest_start: Duration,
}

/// Reads the options out of the settings.
///
/// # Errors
/// A usage failure for a value with which plugins could not be looked after.
pub(super) fn of(settings: &mut Settings, places: &Places) -> Outcome<LayerOptions> {
    settings.check_ranges()?;
    let policy = policy(settings)?;
    let all = || std::iter::once(&policy.common).chain(policy.single.values());
    let longest_stop = all().map(|one| one.policy.longest_stop()).max().unwrap_or_default();
    let start = |one: &PluginSettings| one.policy.spawn + one.policy.handshake + one.policy.start;
    let longest_start = all().map(start).max().unwrap_or_default();
    let gateway = gateway(settings)?;
    listening::check(settings)?;
    let context = context(&mut settings.options, places);
    Ok(LayerOptions { context, gateway, longest_stop, longest_start, policy })
}

fn policy(settings: &Settings) -> Outcome<PluginPolicy> {
    let Options { common, plugins, .. } = &settings.options;
    check(settings, &[], common)?;
    for (id, one) in plugins {
        check(settings, &["plugins", id.as_str()], one)?;
    }
    let single = plugins.iter().map(|(id, one)| (id.clone(), one.settings.clone())).collect();
    Ok(PluginPolicy { common: common.settings.clone(), single })
}

fn check(settings: &Settings, table: &[&str], one: &OnePlugin) -> Outcome {
    one.settings.policy.check().map_err(|wrong| {
        let key: Vec<&str> = table.iter().copied().chain(wrong.field.split('.')).collect();
        settings.wrong(&key, wrong.must)
    })
}

fn gateway(settings: &Settings) -> Outcome<GatewayOptions> {
    let mut options = settings.options.gateway.clone();
    options.allowed_users = users::allowed(settings)?;
    options.plugin_origin = reachable::plugin_origin(settings)?;
    reachable::check(settings, &options)?;
    if let Some(file) = &settings.options.http.token_file {
        let token = Token::read(file).map_err(|error| {
            let place = settings.place_of(&["http", "token_file"]);
            Failure::usage(format!("{place}: `http.token_file`: {}", Told(&error)))
        })?;
        options.token = Some(token);
    }
    Ok(options)
}

/// Moves them out: a writer, which they hold, has one owner.
fn context(options: &mut Options, places: &Places) -> ContextOptions {
    let mut context = std::mem::replace(&mut options.context, ContextOptions::new(&places.data_dir));
    context.data_dir.clone_from(&places.data_dir);
    context.log.console = Some(console(options));
    context.data.common = options.common.data;
    context.data.single = options.plugins.iter().map(|(id, one)| (id.clone(), one.data)).collect();
    context
}

/// The mirror of log records on standard error.
fn console(options: &Options) -> Console {
    let color = match options.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    };
    Console { out: Box::new(io::stderr()), level: options.log_level, color }
}
