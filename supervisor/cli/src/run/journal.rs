//! Where the supervisor's own events go: into its log, which also mirrors them to the console.
//!
//! One writer for everything that people read, so that lines of plugins and of the supervisor never cut each other up, and a
//! console that stands still delays nobody.

use std::fmt::{self, Write};

use outboard_protocol::PluginId;
use outboard_protocol::context::logger::LogLevel;
use outboard_services::{Logs, NewRecord};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// How the names of our own crates begin.
const OURS: &str = "outboard";

/// Sends events to the log from now on.
pub(super) fn begin(logs: Logs) {
    // Only a second call could fail, and there is none.
    let _ = tracing_subscriber::registry().with(Journal { logs }).try_init();
}

struct Journal {
    logs: Logs,
}

impl<S: Subscriber> Layer<S> for Journal {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        // Libraries speak to their developers; what an operator must know, we say ourselves.
        let least = if metadata.target().starts_with(OURS) { Level::DEBUG } else { Level::WARN };
        *metadata.level() <= least
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let level = match *event.metadata().level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            Level::DEBUG | Level::TRACE => LogLevel::Debug,
        };
        let message = said.message + &said.fields;
        self.logs.record(match said.plugin {
            Some(id) => NewRecord::about(&id, 0, level, message),
            None => NewRecord::supervisor(level, message),
        });
    }
}

/// The message, then every other field as `name=value`. A field `plugin` says whose log it is.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
    plugin: Option<PluginId>,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            "plugin" if PluginId::new(&text).is_ok() => self.plugin = PluginId::new(&text).ok(),
            // Writing to a string cannot fail.
            name => drop(write!(self.fields, " {name}={text}")),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
