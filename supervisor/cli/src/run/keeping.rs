//! From the settings to what the services want to know: what plugins may keep, how logs are written, how long is waited.
//!
//! Called when the layers open. Names and defaults are the services' own; what the file does not say stays as it is there.

use std::io::{self, IsTerminal};
use std::time::Duration;

use outboard_services::{Console, LogOptions, ServiceOptions};

use super::set::{bytes, put, size, span};
use crate::arguments::Color;
use crate::failure::Outcome;
use crate::settings::{RunSettings, Settings, Span};

/// Measuring more often would do little else.
const MEASURE_MIN: Duration = Duration::from_millis(100);

/// Refuses values with which nothing could be kept.
///
/// # Errors
/// A usage failure that names the first such key with its place.
pub(super) fn check(settings: &Settings) -> Outcome {
    match settings.file.storage.measure {
        Some(Span(every)) if every < MEASURE_MIN => {
            Err(settings.wrong(&["storage", "measure"], "be at least 100 ms"))
        }
        _ => Ok(()),
    }
}

/// The options of the services.
pub(super) fn of(settings: &Settings, run: &RunSettings, base_url: String) -> ServiceOptions {
    let file = &settings.file;
    let mut options = ServiceOptions::new(&run.data_dir);
    options.base_url = base_url;
    options.log = logs(settings, run);
    put(&mut options.state_max, file.storage.state_size.map(size));
    put(&mut options.bus_bytes, file.http.bus_size.map(bytes));
    put(&mut options.backup_wait, file.storage.backup.map(span));
    put(&mut options.data.measure_every, file.storage.measure.map(span));
    put(&mut options.data.common, file.limits.data.map(size));
    let single = file.plugins.iter().filter_map(|(id, set)| Some((id.clone(), size(set.limits.data?))));
    options.data.single = single.collect();
    put(&mut options.airline.connect, file.airline.connect_timeout.map(span));
    put(&mut options.airline.refresh, file.airline.refresh_timeout.map(span));
    put(&mut options.airline.pause, file.airline.refresh_pause.map(span));
    put(&mut options.airline.request, file.airline.request_timeout.map(span));
    options
}

fn logs(settings: &Settings, run: &RunSettings) -> LogOptions {
    let set = &settings.file.log_files;
    let mut options = LogOptions::default();
    put(&mut options.level, set.level);
    put(&mut options.file_max, set.size.map(size));
    put(&mut options.files, set.files);
    put(&mut options.rate, set.rate);
    let color = match settings.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    };
    options.console = Some(Console { out: Box::new(io::stderr()), level: run.log_level, color });
    options
}
