//! Every key of the settings: what it looks like, where it goes, what it means, and the flag that says the same. The one place
//! where a key is named: the reading, the flags with their variables and help, the suggestion for a mistyped key, the reference
//! in `docs/SETTINGS.md` and the JSON Schema for editors are all made from these rows.
//!
//! Called by the rest of this folder. Must not know who uses a value.

use toml::Value;

use super::kind::{Kind, Place};
use super::options::{OnePlugin, Options};

/// A key of the settings.
pub(super) struct Key<T: 'static> {
    /// Its name with the tables above it.
    pub(super) path: &'static str,
    /// What its value looks like.
    pub(super) kind: Kind,
    /// What it is for, in a sentence without its full stop.
    pub(super) meaning: &'static str,
    /// What holds where nobody sets it, if that is not told by the options' own default.
    pub(super) unset: Option<&'static str>,
    /// The flag that sets it.
    pub(super) flag: Option<Flag>,
    /// Puts a value in its place; gives the range, where it is not within.
    pub(super) put: fn(&mut T, Value) -> Result<Option<String>, String>,
    /// The value that is in its place, as the file would say it.
    pub(super) written: fn(&T) -> Option<Value>,
}

/// A flag that sets a key. Its variable is named for its verb and itself: `OUTBOARD_LOGS_LINES`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    /// Without its dashes.
    pub(super) long: &'static str,
    /// Its one letter.
    pub(super) short: Option<char>,
    /// What stands for its value in the help.
    pub(super) value: &'static str,
    /// The verbs that take it; every verb, where none is named.
    pub(super) verbs: &'static [&'static str],
    /// Under what it stands in the help.
    pub(super) heading: Option<&'static str>,
}

impl Flag {
    const fn new(long: &'static str, value: &'static str, verbs: &'static [&'static str]) -> Self {
        Self { long, short: None, value, verbs, heading: None }
    }

    /// Has one letter too.
    const fn short(self, letter: char) -> Self {
        Self { short: Some(letter), ..self }
    }

    /// Stands under a heading.
    const fn under(self, heading: &'static str) -> Self {
        Self { heading: Some(heading), ..self }
    }
}

impl<T> Key<T> {
    /// Says in words what holds where nobody sets it.
    const fn unset(self, words: &'static str) -> Self {
        Self { unset: Some(words), ..self }
    }

    /// Can be set by a flag too.
    const fn flag(self, flag: Flag) -> Self {
        Self { flag: Some(flag), ..self }
    }
}

/// A row: the path, what the value looks like, the place among the options, what it is for.
macro_rules! row_of {
    ($options:ty, $path:literal, $kind:expr, $($place:ident).+, $meaning:literal) => {
        Key {
            path: $path,
            kind: $kind,
            meaning: $meaning,
            unset: None,
            flag: None,
            put: |options: &mut $options, value| options.$($place).+.put(value, $kind),
            written: |options: &$options| options.$($place).+.written($kind),
        }
    };
}

/// A row of what holds once.
macro_rules! row {
    ($($parts:tt)*) => { row_of!(Options, $($parts)*) };
}

/// A row of what holds for a plugin.
macro_rules! plugins_row {
    ($($parts:tt)*) => { row_of!(OnePlugin, $($parts)*) };
}

const EVERYWHERE: &[&str] = &[];
const RUN: &[&str] = &["run"];
const AUTH: &[&str] = &["auth set"];
const LOGS: &[&str] = &["logs"];
const AIRLINE: &[&str] = &["airline set"];
const EXCHANGE: &str = "Exchange of the refresh token";

/// What holds for the supervisor, and for the verbs.
#[rustfmt::skip]
pub(super) const KEYS: &[Key<Options>] = &[
    row!("runtime_dir", Kind::Path, runtime_dir, "Folder of the supervisor's sockets")
        .unset("$XDG_RUNTIME_DIR/outboard")
        .flag(Flag::new("runtime-dir", "DIR", EVERYWHERE).under("Everywhere")),
    row!("json", Kind::Switch, json, "Answer with JSON, for programs")
        .flag(Flag::new("json", "BOOL", EVERYWHERE).under("Everywhere")),
    row!("timeout", Kind::TIME, timeout, "How long to wait for an answer, such as 10s")
        .unset("what the question needs: 15 s for questions, 120 s for orders")
        .flag(Flag::new("timeout", "TIME", EVERYWHERE).under("Everywhere")),
    row!("color", Kind::OneOf(&[
            ("auto", "On a terminal, unless NO_COLOR is set"), ("always", "Always"), ("never", "Never"),
        ]), color, "Colours, never where NO_COLOR is set unless `always` is said")
        .flag(Flag::new("color", "WHEN", EVERYWHERE).under("Everywhere")),
    row!("plugin_dirs", Kind::Paths, plugin_dirs,
        "Folder with a folder for each plugin; may be given more than once. One that is named must exist when `run` begins, must not be a plugin's own, and may go and come later; the default one is made")
        .unset("$XDG_DATA_HOME/outboard/plugins")
        .flag(Flag::new("plugins", "DIR", &["run", "doctor"])),
    row!("data_dir", Kind::Path, data_dir, "Folder for what must last")
        .unset("$XDG_DATA_HOME/outboard")
        .flag(Flag::new("data", "DIR", &["run", "doctor", "restore"])),
    row!("listen", Kind::Listen, listen,
        "Where people reach the plugins; port 0 takes any free one, unix:PATH a Unix socket. A port at 127.0.0.1 is taken at [::1] as well, where browsers look for the same names")
        .flag(Flag::new("listen", "ADDR:PORT", &["run", "doctor"])),
    row!("ready_json", Kind::Switch, ready_json,
        "Print one JSON line when ready and nothing else on standard output, for a parent program")
        .flag(Flag::new("ready-json", "BOOL", RUN)),
    row!("exit_with_parent", Kind::Switch, exit_with_parent,
        "Stop when standard input closes, so that the supervisor ends with the program that started it")
        .flag(Flag::new("exit-with-parent", "BOOL", RUN)),
    row!("restart_supervisor", Kind::Switch, restart_supervisor, "Start the supervisor again when it was killed or failed")
        .flag(Flag::new("restart-supervisor", "BOOL", RUN)),
    row!("hold_until_auth", Kind::Switch, hold_until_auth, "Start plugins only once a host is signed in (`outboard auth set`)")
        .flag(Flag::new("hold-until-auth", "BOOL", RUN)),
    row!("log_level", Kind::LEVEL, log_level,
        "Least level of log records on the console; with `debug` each HTTP request becomes a line as well")
        .flag(Flag::new("log-level", "LEVEL", RUN)),
    row!("trace", Kind::Text, trace,
        "Which steps are told one by one, in the log and on the console: `trace` for all, or some of `outboard::step` (a plugin's state), `outboard::call` (its calls of the context) and `outboard::proxy` (where requests go), with commas between")
        .flag(Flag::new("trace", "FILTER", RUN)),

    row!("services", Kind::Variables, context.services,
        "Who provides a service, where several would or nobody else may: a plugin's id, or `@host` for the host application"),

    row!("http.allowed_hosts", Kind::Texts, gateway.allowed_hosts,
        "Further names by which it may be called, each as `name` or `name:port`; a request under any other name is refused with 403"),
    row!("http.allowed_origins", Kind::Texts, gateway.allowed_origins,
        "Web pages from elsewhere that may call plugins and hold their pages in frames, each as browsers send it, such as `http://localhost:5173`; `null` and `*` are refused"),
    row!("http.isolate_origins", Kind::Switch, gateway.isolate_origins, "Whether every plugin's pages have an origin of their own"),
    row!("http.plugin_origin", Kind::Text, http.plugin_origin,
        "Where these origins are for browsers on other machines, such as `https://{id}.plugins.example`"),
    row!("http.token_file", Kind::Path, http.token_file,
        "A file of mode 0600 that holds a token (32 to 512 letters, digits and any of `-._~+/=`; `openssl rand -hex 32` makes one). A program that sends it as `X-Outboard-Token`, or as `Authorization: Bearer`, is let in where nothing else tells who asks"),
    row!("http.allowed_users", Kind::Accounts, http.allowed_users,
        "Users of this machine who may connect, by name or uid, besides the supervisor's own and root: those as whom a reverse proxy runs, for example"),
    row!("http.trust_unknown_peers", Kind::Switch, gateway.trust_unknown_peers,
        "Whether clients whose user the system cannot tell, such as other machines and containers, are let in without the token"),
    row!("http.socket_mode", Kind::Text, http.socket_mode, "The mode of the Unix socket of `listen`, in octal digits").unset("0600"),
    row!("http.socket_group", Kind::Account, http.socket_group,
        "The group that gets that socket, by name or gid; you have to be a member"),
    row!("http.connections", Kind::PLACES, gateway.connections,
        "Open connections besides WebSockets; when all are taken, those that are idle for longest are closed"),
    row!("http.websockets", Kind::PLACES_OR_NONE, gateway.websockets, "Open WebSockets, those of UIs among them: a share of their own"),
    row!("http.head_size", Kind::LINE, gateway.head_bytes, "The longest head of a request"),
    row!("http.head_timeout", Kind::WAIT, gateway.head_timeout, "How long a head may take"),
    row!("http.keep_alive", Kind::TIME, gateway.keep_alive, "How long a connection may be idle between requests"),
    row!("http.client_stall", Kind::WAIT, gateway.client_stall, "How long a client may pause within a body"),
    row!("http.client_unread", Kind::WAIT, gateway.client_unread,
        "How long a client may take nothing of an answer; one that reads slowly without such a pause is never cut off"),
    row!("http.answer_timeout", Kind::WAIT, gateway.answer_timeout, "How long a plugin may take to begin an answer (then 504)"),
    row!("http.stream_idle", Kind::WAIT, gateway.stream_idle, "How long a stream may be silent"),
    row!("http.tunnel_idle", Kind::WAIT, gateway.tunnel_idle, "How long a WebSocket may be silent"),
    row!("http.waiting_requests", Kind::PLACES_OR_NONE, gateway.waiting_requests, "Requests that wait for one plugin while it starts"),
    row!("http.waiting_size", Kind::SIZE, gateway.waiting_bytes, "What they may hold in all"),
    row!("http.waiting_time", Kind::TIME, gateway.waiting_time, "How long each may wait (then 503)"),
    row!("http.bus_clients", Kind::PLACES_OR_NONE, gateway.bus_clients, "Open UI connections"),
    row!("http.bus_size", Kind::SIZE, context.bus_bytes,
        "Bytes that may wait for all UI connections together, events and answers; beyond it the slowest is closed with code 4008, and connects again"),

    row!("log_files.level", Kind::LEVEL, context.log.level, "The least level that is kept"),
    row!("log_files.size", Kind::SIZE, context.log.file_max, "When a file is rotated"),
    row!("log_files.files", Kind::NUMBER, context.log.files, "How many files a plugin has, so that its logs take `size` times `files` at most"),
    row!("log_files.rate", Kind::NUMBER, context.log.rate,
        "How many records a second one plugin may write, twice as many in a burst; 0 means no limit"),

    row!("storage.state_size", Kind::SIZE, context.state_max, "How large `state.db` may become"),
    row!("storage.measure", Kind::Time(std::time::Duration::from_millis(100)), context.data.measure_every,
        "How often plugins' data folders are measured"),
    row!("storage.backup", Kind::TIME, context.backup_wait, "How long a backup may take"),

    row!("javascript.node", Kind::Path, node, "The Node to use, in place of the one on the PATH"),

    row!("logs.follow", Kind::Switch, follow, "Go on with new records as they come")
        .flag(Flag::new("follow", "BOOL", LOGS).short('f')),
    row!("logs.lines", Kind::NUMBER, logs.lines, "How many of the latest records")
        .flag(Flag::new("lines", "N", LOGS).short('n')),
    row!("logs.level", Kind::LEVEL, logs.level, "This level and above")
        .flag(Flag::new("level", "LEVEL", LOGS)),
    row!("logs.tag", Kind::Text, logs.tag, "Records with exactly this tag")
        .flag(Flag::new("tag", "TAG", LOGS)),
    row!("logs.since", Kind::Text, logs.since, "Records since then: RFC 3339 (2026-03-01T12:00:00Z), or a time back from now (15m)")
        .flag(Flag::new("since", "WHEN", LOGS)),
    row!("logs.until", Kind::Text, logs.until, "Records until then, told in the same ways")
        .flag(Flag::new("until", "WHEN", LOGS)),
    row!("logs.grep", Kind::Text, logs.contains, "Records whose message contains this text")
        .flag(Flag::new("grep", "TEXT", LOGS)),

    row!("auth.token_file", Kind::Path, auth_token_file, "File with the token; - is standard input").unset("-")
        .flag(Flag::new("token-file", "FILE", AUTH)),

    row!("airline.token_file", Kind::Path, airline.token_file,
        "File with the bearer; - is standard input. Without it the airline is bound without one")
        .flag(Flag::new("token-file", "FILE", AIRLINE)),
    row!("airline.refresh_token_file", Kind::Path, airline.refresh_token_file, "File with the refresh token; - is standard input")
        .flag(Flag::new("refresh-token-file", "FILE", AIRLINE)),
    row!("airline.refresh_url", Kind::Text, airline.refresh_url, "Where the refresh token is exchanged")
        .flag(Flag::new("refresh-url", "URL", AIRLINE)),
    row!("airline.refresh_body", Kind::OneOf(&[
            ("form", "application/x-www-form-urlencoded"), ("json", "application/json"),
        ]), airline.format.body, "Shape of the request's body")
        .flag(Flag::new("refresh-body", "SHAPE", AIRLINE).under(EXCHANGE)),
    row!("airline.refresh_token_field", Kind::Text, airline.format.refresh_token_field,
        "Name of the request's member with the refresh token")
        .flag(Flag::new("refresh-token-field", "NAME", AIRLINE).under(EXCHANGE)),
    row!("airline.refresh_extra_file", Kind::Path, airline.refresh_extra_file,
        "File with further members of the request, a JSON object of strings; added to grant_type, which null takes away")
        .flag(Flag::new("refresh-extra-file", "FILE", AIRLINE).under(EXCHANGE)),
    row!("airline.access_token_field", Kind::Text, airline.format.access_token_field,
        "Name of the answer's member with the new bearer")
        .flag(Flag::new("access-token-field", "NAME", AIRLINE).under(EXCHANGE)),
    row!("airline.new_refresh_token_field", Kind::Text, airline.format.new_refresh_token_field,
        "Name of the answer's member that may hold a new refresh token")
        .flag(Flag::new("new-refresh-token-field", "NAME", AIRLINE).under(EXCHANGE)),
    row!("airline.connect_timeout", Kind::TIME, context.airline.connect, "How long connecting to the airline may take"),
    row!("airline.refresh_timeout", Kind::TIME, context.airline.refresh, "How long the exchange of a refresh token may take"),
    row!("airline.refresh_pause", Kind::TIME, context.airline.pause,
        "How long a server of tokens that could not be reached is left in peace"),
    row!("airline.request_timeout", Kind::TIME, context.airline.request,
        "How long a plugin's `airline.request` may take, renewal and second try included"),
];

/// What holds for all plugins, and below `[plugins.<id>]` for one of them.
#[rustfmt::skip]
pub(super) const OF_PLUGINS: &[Key<OnePlugin>] = &[
    plugins_row!("env", Kind::Variables, settings.env, "Names and values"),

    plugins_row!("deadlines.spawn", Kind::TIME, settings.policy.spawn, "From the order to spawn to a running program"),
    plugins_row!("deadlines.handshake", Kind::TIME, settings.policy.handshake, "From `initialize` to its answer"),
    plugins_row!("deadlines.start", Kind::TIME, settings.policy.start, "From `start` to its answer: the author's `onStart`"),
    plugins_row!("deadlines.drain", Kind::TIME, settings.policy.drain, "From the closing of the route to the end of requests in flight"),
    plugins_row!("deadlines.stop", Kind::TIME, settings.policy.ask, "From `stop` to its answer: the author's `onStop`"),
    plugins_row!("deadlines.leave", Kind::TIME, settings.policy.leave, "From the closing of its standard input to its exit"),
    plugins_row!("deadlines.terminate", Kind::TIME, settings.policy.terminate, "From SIGTERM to its exit"),
    plugins_row!("deadlines.kill", Kind::TIME, settings.policy.kill, "From SIGKILL to the end of its main process"),
    plugins_row!("deadlines.empty", Kind::TIME, settings.policy.empty, "From that end to the end of everything it started"),
    plugins_row!("deadlines.call", Kind::TIME, settings.host_call, "From a call from a UI or an operator to its answer"),
    plugins_row!("deadlines.ping", Kind::TIME, settings.policy.ping_every, "From one ping to the next; also how long each may stay unanswered"),
    plugins_row!("deadlines.pings_missed", Kind::NUMBER, settings.policy.pings_missed, "So many unanswered pings in a row are a hang"),
    plugins_row!("deadlines.probation", Kind::TIME, settings.policy.probation, "How long a new version must run to be kept"),
    plugins_row!("deadlines.look_again", Kind::TIME, settings.policy.look_again, "From one look at what is left of a stopped plugin to the next"),
    plugins_row!("deadlines.verdict", Kind::TIME, settings.policy.verdict,
        "For the look whether a debugger holds a silent plugin, before its silence counts"),
    plugins_row!("deadlines.tracer_look", Kind::TIME, settings.policy.tracer_look, "From one look whether the debugger is still there to the next"),

    plugins_row!("restart.base", Kind::TIME, settings.policy.restart.base,
        "The delay before the second restart in a row; each later one waits twice as long"),
    plugins_row!("restart.cap", Kind::TIME, settings.policy.restart.cap, "No delay is longer"),
    plugins_row!("restart.jitter_percent", Kind::NUMBER, settings.policy.restart.jitter_percent, "How much of a delay chance takes away"),
    plugins_row!("restart.steady", Kind::TIME, settings.policy.restart.steady, "Running for so long ends a row"),
    plugins_row!("restart.in_a_row", Kind::NUMBER, settings.policy.restart.in_a_row,
        "More ends in a row are a crash loop: the plugin is errored"),
    plugins_row!("restart.in_window", Kind::NUMBER, settings.policy.restart.in_window, "More ends within the window are one too"),
    plugins_row!("restart.window", Kind::TIME, settings.policy.restart.window, "The window"),

    plugins_row!("limits.memory", Kind::SIZE, settings.limits.memory,
        "Address space. Node and Java reserve far more than they use; give them room").unset("no limit"),
    plugins_row!("limits.processes", Kind::NUMBER, settings.limits.processes,
        "Processes and threads of the whole user; not applied by the kernel to root").unset("no limit"),
    plugins_row!("limits.open_files", Kind::NUMBER, settings.limits.open_files, "Open descriptors").unset("no limit"),
    plugins_row!("limits.file_size", Kind::SIZE, settings.limits.file_size, "The largest file that may be written").unset("no limit"),
    plugins_row!("limits.cpu", Kind::Seconds, settings.limits.cpu_seconds, "Processor time over the process's life").unset("no limit"),
    plugins_row!("limits.data", Kind::SIZE, data, "What the plugin may keep in its data folder"),

    plugins_row!("wire.frame", Kind::LINE, settings.session.frame, "The longest message"),
    plugins_row!("wire.outbox", Kind::LINE, settings.session.outbox,
        "Bytes that wait for a plugin that does not read; beyond, its calls are refused until it reads"),
    plugins_row!("wire.host_calls", Kind::PLACES, settings.session.host_calls, "Calls to a plugin that await answers at once"),
    plugins_row!("wire.context_calls", Kind::PLACES, settings.session.context_calls,
        "Calls from a plugin that are worked on at once; further ones are refused (`limit_exceeded`), and its log says so once"),
    plugins_row!("wire.longest_call", Kind::TIME, settings.session.longest_call, "How far progress reports can extend a call"),
];

/// What holds for one plugin alone.
#[rustfmt::skip]
pub(super) const OF_ONE: &[Key<OnePlugin>] = &[
    plugins_row!("enabled", Kind::Switch, settings.enabled, "`false`: it is not started, whatever `outboard enable` remembered"),
    plugins_row!("inspect", Kind::Count(1, 65_535), settings.inspect,
        "The port of 127.0.0.1 at which its debugger listens: Node's inspector, or debugpy where `run.command` begins with Python. \
         `outboard dev --inspect` sets it, and keeps its deadlines from counting"),
    plugins_row!("inspect_brk", Kind::Switch, settings.inspect_brk,
        "Whether it waits there for a debugger before it begins; `deadlines.handshake` is how long it may"),
];
