//! How answers look: tables for people, JSON for programs, and standard output that may close at any time.
//!
//! Called by the verbs. Must not know where an answer came from.

mod moment;
mod plugin;
mod record;
mod table;

use std::io::{self, IsTerminal, Write};

use outboard_context::terminal::escape_json;

pub(crate) use moment::{ago, span};
pub(crate) use plugin::{bytes, plugin_details, plugin_table, state_style};
pub(crate) use record::log_line;
pub(crate) use table::Table;

use crate::settings::{Color, Settings};
use crate::tame::{harmless, tame};

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
    /// Columns of the terminal; none where a program reads.
    width: Option<usize>,
}

impl Screen {
    /// The screen that the settings ask for.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            out: io::stdout().lock(),
            colored: colored(settings.options.color),
            json: settings.options.json,
            width: columns(),
        }
    }

    /// Whether programs read.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// How many columns a line may take, where that is known.
    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Writes a line. Whatever it is made of, a terminal obeys nothing in it but our own colours.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        let text = text.as_ref();
        let shown = if self.colored { harmless_but_painted(text) } else { harmless(text) };
        writeln!(self.out, "{shown}")
    }

    /// Writes a sentence, on as many lines as it takes.
    pub(crate) fn paragraph(&mut self, text: &str) -> io::Result<()> {
        let mut table = Table::new(&[]);
        table.row([(text.to_owned(), Style::Plain)]);
        table.print(self)
    }

    /// Writes a value as JSON: readable for one answer.
    pub(crate) fn json_document(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        writeln!(self.out, "{}", escape_json(&serde_json::to_string_pretty(value)?))
    }

    /// Writes a value as one line of JSON: for streams.
    pub(crate) fn json_line(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        writeln!(self.out, "{}", escape_json(&serde_json::to_string(value)?))?;
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

/// What the terminal says, else what COLUMNS says.
fn columns() -> Option<usize> {
    let out = io::stdout();
    let terminal = rustix::termios::tcgetwinsize(&out).ok().map(|size| usize::from(size.ws_col));
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    terminal.or_else(told).filter(|columns| *columns >= NARROWEST)
}

/// A terminal that says less has not been told its size.
const NARROWEST: usize = 20;

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

/// The same for lines with [`Screen::paint`] in them.
fn harmless_but_painted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&harmless(&rest[..at]));
        let ours = PAINTS.iter().find(|paint| rest[at..].starts_with(*paint)).map_or(0, |paint| paint.len());
        // What is not ours is dealt with as a character like others.
        let taken = ours.max(1);
        match ours {
            0 => out.push_str(&tame(&rest[at..=at])),
            _ => out.push_str(&rest[at..at + ours]),
        }
        rest = &rest[at + taken..];
    }
    out.push_str(&harmless(rest));
    out
}

/// All that [`Screen::paint`] sends.
const PAINTS: [&str; 6] = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_ends_and_our_colours_and_nothing_else_that_a_terminal_obeys() {
        let line = "\u{1b}[31mbad\u{1b}[0m\n\u{1b}]0;title\u{7}\u{9b}5A\u{202e}\u{7f}\tend";
        let shown = "\u{1b}[31mbad\u{1b}[0m\n\\u{1b}]0;title\\u{7}\\u{9b}5A\\u{202e}\\u{7f}    end";
        assert_eq!(harmless_but_painted(line), shown);
        for style in [Style::Plain, Style::Bold, Style::Dim, Style::Good, Style::Off, Style::Bad] {
            let code = format!("\u{1b}[{}m", style.code());
            assert!(style == Style::Plain || PAINTS.contains(&code.as_str()), "{code:?} is not let through");
        }
    }
}
