//! Where the supervisor's own events go: into its log, which also mirrors them to the console.
//!
//! One writer for everything that people read, so that lines of plugins and of the supervisor never cut each other up, and a
//! console that stands still delays nobody. Events that are told for a trace come with the plugin and the generation of the spans that they
//! happen in.

use std::fmt::{self, Write};

use outboard_context::{Logs, NewRecord};
use outboard_protocol::PluginId;
use outboard_protocol::context::logger::LogLevel;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::Trace;

/// How the names of our own crates begin.
const OURS: &str = "outboard";
/// The target of the spans that say which plugin and generation it is about.
const SPANS: &str = "outboard";

/// Sends events to the log from now on.
pub(super) fn begin(logs: Logs, trace: Option<Trace>) {
    // Only a second call could fail, and there is none.
    let _ = tracing_subscriber::registry().with(Journal { logs, trace }).try_init();
}

struct Journal {
    logs: Logs,
    trace: Option<Trace>,
}

impl Journal {
    fn traces(&self, metadata: &Metadata<'_>) -> bool {
        self.trace.as_ref().is_some_and(|trace| {
            if metadata.is_span() { metadata.target() == SPANS } else { trace.wants(metadata.target()) }
        })
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Journal {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        if metadata.is_span() || *metadata.level() == Level::TRACE {
            return self.traces(metadata);
        }
        // Libraries speak to their developers; what an operator must know, we say ourselves.
        let least = if metadata.target().starts_with(OURS) { Level::DEBUG } else { Level::WARN };
        *metadata.level() <= least
    }

    /// Without a trace, one comparison is all that its events and spans cost.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if self.trace.is_some() { LevelFilter::TRACE } else { LevelFilter::DEBUG })
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut said = Said::default();
        attributes.record(&mut said);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(said);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut said = Said::default();
        event.record(&mut said);
        let level = match *metadata.level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            // Whoever asks for a trace wants to see it.
            Level::INFO | Level::TRACE => LogLevel::Info,
            Level::DEBUG => LogLevel::Debug,
        };
        let traced = *metadata.level() == Level::TRACE;
        if traced {
            for span in context.event_scope(event).into_iter().flatten() {
                said.happened_in(span.extensions().get());
            }
        }
        let generation =
            said.generation.map_or(String::new(), |generation| format!(" generation={generation}"));
        let message = said.message + &generation + &said.fields;
        let mut record = match said.plugin {
            Some(id) => NewRecord::about(&id, said.generation.unwrap_or(0), level, message),
            None => NewRecord::supervisor(level, message),
        };
        if traced {
            metadata.target().clone_into(&mut record.tag);
        }
        self.logs.record(record);
    }
}

/// The message, then every other field as `name=value`. A field `plugin` says whose log it is, `generation` which of its processes.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
    plugin: Option<PluginId>,
    generation: Option<u64>,
}

impl Said {
    /// What it does not say itself, the span says; the nearest is asked first.
    fn happened_in(&mut self, span: Option<&Self>) {
        let Some(span) = span else { return };
        self.generation = self.generation.or(span.generation);
        if self.plugin.is_none() {
            self.plugin.clone_from(&span.plugin);
        }
    }
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

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "generation" => self.generation = Some(value),
            _ => self.record_debug(field, &value),
        }
    }
}
