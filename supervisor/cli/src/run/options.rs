//! From the settings file to what each layer wants to know. Names and defaults are the layers' own; what the file does not say
//! stays as it is there.

use std::time::Duration;

use outboard_gateway::{GatewayOptions, Token};
use outboard_host::session::SessionLimits;
use outboard_host::{PluginPolicy, PluginSettings};
use outboard_protocol::manifest;

use super::keeping;
use super::set::{bytes, put};
use super::{listening, reachable, users};
use crate::failure::{Failure, Outcome, told};
use crate::settings::{Deadlines, Limits, Restart, Settings, Size, Span, Wire};

/// Everything that the file decides about the layers.
#[derive(Debug)]
pub(super) struct LayerOptions {
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
pub(super) fn of(settings: &Settings) -> Outcome<LayerOptions> {
    let policy = policy(settings)?;
    keeping::check(settings)?;
    let all = || std::iter::once(&policy.common).chain(policy.single.values());
    let longest_stop = all().map(|one| one.policy.longest_stop()).max().unwrap_or_default();
    let start = |one: &PluginSettings| one.policy.spawn + one.policy.handshake + one.policy.start;
    let longest_start = all().map(start).max().unwrap_or_default();
    let gateway = gateway(settings)?;
    check_gateway(settings, &gateway)?;
    listening::check(settings)?;
    Ok(LayerOptions { gateway, longest_stop, longest_start, policy })
}

fn policy(settings: &Settings) -> Outcome<PluginPolicy> {
    let file = &settings.file;
    let mut common = PluginSettings::default();
    common.env.extend(file.env.clone());
    lay_over(&mut common, &file.deadlines, &file.restart, &file.limits, &file.wire);
    check(settings, &[], &common)?;
    let mut policy = PluginPolicy { common, ..PluginPolicy::default() };
    for (id, set) in &file.plugins {
        let mut single = policy.common.clone();
        single.enabled = set.enabled.unwrap_or(single.enabled);
        // A later entry wins over an earlier one of the same name.
        single.env.extend(set.env.clone());
        lay_over(&mut single, &set.deadlines, &set.restart, &set.limits, &set.wire);
        check(settings, &["plugins", id.as_str()], &single)?;
        policy.single.insert(id.clone(), single);
    }
    Ok(policy)
}

fn check(settings: &Settings, table: &[&str], single: &PluginSettings) -> Outcome {
    let key = |of: &'static str| -> Vec<&str> { table.iter().copied().chain(of.split('.')).collect() };
    single.policy.check().map_err(|wrong| settings.wrong(&key(wrong.field), wrong.must))?;
    let wire = &single.session;
    for (field, value, range) in [
        ("wire.frame", wire.frame, SIZES),
        ("wire.outbox", wire.outbox, SIZES),
        ("wire.host_calls", wire.host_calls, COUNTS),
        ("wire.context_calls", wire.context_calls, COUNTS),
    ] {
        range.check(value).map_err(|must| settings.wrong(&key(field), must))?;
    }
    Ok(())
}

/// Refuses values with which nobody could be served. None may wait for a plugin, or be on the bus, where that is wanted.
fn check_gateway(settings: &Settings, http: &GatewayOptions) -> Outcome {
    for (field, value, range) in [
        ("connections", http.connections, COUNTS),
        ("websockets", http.websockets, COUNTS_OR_NONE),
        ("head_size", http.head_bytes, SIZES),
        ("waiting_requests", http.waiting_requests, COUNTS_OR_NONE),
        ("bus_clients", http.bus_clients, COUNTS_OR_NONE),
    ] {
        range.check(value).map_err(|must| settings.wrong(&["http", field], must))?;
    }
    for (field, value) in [
        ("head_timeout", http.head_timeout),
        ("client_stall", http.client_stall),
        ("client_unread", http.client_unread),
        ("answer_timeout", http.answer_timeout),
        ("stream_idle", http.stream_idle),
        ("tunnel_idle", http.tunnel_idle),
    ] {
        if value < SHORTEST_WAIT {
            return Err(settings.wrong(&["http", field], "be at least 1 ms"));
        }
    }
    Ok(())
}

/// What waits for somebody else must take some time.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// What a number may be.
#[derive(Clone, Copy)]
struct Range {
    from: usize,
    to: usize,
    must: &'static str,
}

/// A bound of no places at all would let nothing happen, and one beyond this bounds nothing.
const COUNTS: Range = Range { from: 1, to: 1_000_000, must: "be from 1 to 1000000" };
/// As [`COUNTS`], where no place at all means that it is not wanted.
const COUNTS_OR_NONE: Range = Range { from: 0, must: "be at most 1000000", ..COUNTS };
/// The shortest messages and heads have some hundred bytes.
const SIZES: Range = Range { from: 1024, to: usize::MAX, must: "be at least 1 KiB" };

impl Range {
    fn check(self, value: usize) -> Result<(), &'static str> {
        if (self.from..=self.to).contains(&value) { Ok(()) } else { Err(self.must) }
    }
}

fn lay_over(
    settings: &mut PluginSettings,
    deadlines: &Deadlines,
    restart: &Restart,
    limits: &Limits,
    wire: &Wire,
) {
    let policy = &mut settings.policy;
    for (place, set) in [
        (&mut policy.spawn, deadlines.spawn),
        (&mut policy.handshake, deadlines.handshake),
        (&mut policy.start, deadlines.start),
        (&mut policy.drain, deadlines.drain),
        (&mut policy.ask, deadlines.stop),
        (&mut policy.leave, deadlines.leave),
        (&mut policy.terminate, deadlines.terminate),
        (&mut policy.kill, deadlines.kill),
        (&mut policy.empty, deadlines.empty),
        (&mut policy.ping_every, deadlines.ping),
        (&mut policy.probation, deadlines.probation),
        (&mut policy.look_again, deadlines.look_again),
        (&mut policy.verdict, deadlines.verdict),
        (&mut policy.tracer_look, deadlines.tracer_look),
        (&mut policy.restart.base, restart.base),
        (&mut policy.restart.cap, restart.cap),
        (&mut policy.restart.steady, restart.steady),
        (&mut policy.restart.window, restart.window),
        (&mut settings.host_call, deadlines.call),
    ] {
        put(place, set.map(|Span(span)| span));
    }
    put(&mut policy.pings_missed, deadlines.pings_missed);
    put(&mut policy.restart.jitter_percent, restart.jitter_percent);
    put(&mut policy.restart.in_a_row, restart.in_a_row);
    put(&mut policy.restart.in_window, restart.in_window);
    lay_over_limits(&mut settings.limits, limits);
    lay_over_session(&mut settings.session, wire);
}

fn lay_over_limits(limits: &mut manifest::Limits, set: &Limits) {
    limits.memory = set.memory.map(|Size(size)| size).or(limits.memory);
    limits.processes = set.processes.or(limits.processes);
    limits.open_files = set.open_files.or(limits.open_files);
    limits.file_size = set.file_size.map(|Size(size)| size).or(limits.file_size);
    // The kernel counts whole seconds; none would end the program before its first instruction.
    limits.cpu_seconds = set.cpu.map(|Span(span)| span.as_secs().max(1)).or(limits.cpu_seconds);
}

fn lay_over_session(session: &mut SessionLimits, set: &Wire) {
    put(&mut session.frame, set.frame.map(bytes));
    put(&mut session.outbox, set.outbox.map(bytes));
    put(&mut session.host_calls, set.host_calls);
    put(&mut session.context_calls, set.context_calls);
    put(&mut session.longest_call, set.longest_call.map(|Span(span)| span));
}

fn gateway(settings: &Settings) -> Outcome<GatewayOptions> {
    let set = &settings.file.http;
    let mut options = GatewayOptions::default();
    put(&mut options.allowed_hosts, set.allowed_hosts.clone());
    put(&mut options.allowed_origins, set.allowed_origins.clone());
    options.allowed_users = users::allowed(settings)?;
    put(&mut options.trust_unknown_peers, set.trust_unknown_peers);
    put(&mut options.connections, set.connections);
    put(&mut options.websockets, set.websockets);
    put(&mut options.head_bytes, set.head_size.map(bytes));
    put(&mut options.waiting_requests, set.waiting_requests);
    put(&mut options.waiting_bytes, set.waiting_size.map(bytes));
    put(&mut options.bus_clients, set.bus_clients);
    for (place, set) in [
        (&mut options.head_timeout, set.head_timeout),
        (&mut options.keep_alive, set.keep_alive),
        (&mut options.client_stall, set.client_stall),
        (&mut options.client_unread, set.client_unread),
        (&mut options.answer_timeout, set.answer_timeout),
        (&mut options.stream_idle, set.stream_idle),
        (&mut options.tunnel_idle, set.tunnel_idle),
        (&mut options.waiting_time, set.waiting_time),
    ] {
        put(place, set.map(|Span(span)| span));
    }
    put(&mut options.isolate_origins, set.isolate_origins);
    reachable::check(settings, &options)?;
    options.plugin_origin = reachable::plugin_origin(settings)?;
    if let Some(file) = &set.token_file {
        let token = Token::read(file).map_err(|error| {
            let place = settings.place_of(&["http", "token_file"]);
            Failure::usage(format!("{place}: `http.token_file`: {}", told(&error)))
        })?;
        options.token = Some(token);
    }
    Ok(options)
}
