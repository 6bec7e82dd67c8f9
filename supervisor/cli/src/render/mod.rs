//! How answers look: tables for people, JSON for programs, and standard output that may close at any time.
//!
//! Called by the verbs. Must not know where an answer came from.

mod moment;
mod plugin;
mod record;
mod table;

use std::io::{self, IsTerminal, Write};

pub(crate) use moment::{ago, span};
pub(crate) use plugin::{bytes, plugin_details, plugin_table, state_style};
pub(crate) use record::log_line;
pub(crate) use table::Table;

use crate::arguments::Color;
use crate::settings::Settings;

/// How a word is shown on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As everything else.
    Plain,
    /// Headings.
    Bold,
    /// What matters less.
    Dim,
    /// In good order.
    Good,
    /// On its way, or off and harmless.
    Off,
    /// Failed.
    Bad,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Off => "33",
            Style::Bad => "31",
        }
    }
}

/// Standard output, with or without colours.
///
/// Writes fail as values and never panic: whoever reads may leave early (`outboard logs | head`).
pub(crate) struct Screen {
    out: io::StdoutLock<'static>,
    colored: bool,
    json: bool,
}

impl Screen {
    /// The screen that the settings ask for.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { out: io::stdout().lock(), colored: colored(settings.color), json: settings.json }
    }

    /// Whether programs read.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.out, "{}", text.as_ref())
    }

    /// Writes a value as JSON: readable for one answer.
    pub(crate) fn json_document(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        writeln!(self.out)
    }

    /// Writes a value as one line of JSON: for streams.
    pub(crate) fn json_line(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        writeln!(self.out)?;
        self.out.flush()
    }

    /// A text in a style, where this screen has colours.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if !self.colored || style == Style::Plain {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", style.code())
    }

    /// Hands over what is buffered.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn colored(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        // https://no-color.org: present and not empty, whatever it says.
        Color::Auto => {
            io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}

/// Text from elsewhere, made safe for a terminal: control characters are shown, never sent.
pub(crate) fn tame(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            '\t' => "    ".chars().collect::<Vec<_>>(),
            c if c.is_control() => c.escape_default().collect(),
            c => vec![c],
        })
        .collect()
}
