//! The flags that set keys, with their variables and help, and what was said with them.
//!
//! Called by the command line, which adds them to the verbs that take them, and by [`super::sources`]. Must not know what a verb does.

use std::collections::BTreeMap;

use clap::builder::{BoolishValueParser, PossibleValue, PossibleValuesParser, ValueParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use toml::{Table, Value};

use super::amounts::Time;
use super::keys::{Flag, KEYS, Key};
use super::kind::{Kind, listen_address};
use super::options::Options;

/// What was said by flags and variables.
#[derive(Debug, Default)]
pub(crate) struct Typed {
    table: Table,
    /// By key, the flag or the variable.
    who: BTreeMap<&'static str, String>,
}

impl Typed {
    /// Reads it from what the command line was understood as.
    ///
    /// # Errors
    /// A sentence, for a path that is not text.
    pub(crate) fn of(matches: &ArgMatches) -> Result<Self, String> {
        let mut typed = Self::default();
        let mut level = Some(matches);
        while let Some(matches) = level {
            for (key, flag) in flagged() {
                typed.take(key, flag, matches)?;
            }
            level = matches.subcommand().map(|(_, below)| below);
        }
        Ok(typed)
    }

    /// Whether a switch was turned on.
    pub(crate) fn is_on(&self, key: &str) -> bool {
        self.table.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// The flag or the variable that says this key.
    pub(super) fn who(&self, key: &str) -> Option<&str> {
        self.who.get(key).map(String::as_str)
    }

    fn take(&mut self, key: &Key<Options>, flag: Flag, matches: &ArgMatches) -> Result<(), String> {
        // Verbs that do not take it do not know its name.
        if !matches.try_contains_id(key.path).unwrap_or(false) {
            return Ok(());
        }
        let who = match matches.value_source(key.path) {
            Some(ValueSource::EnvVariable) => variable(key, flag),
            _ => format!("--{}", flag.long),
        };
        let texts: Vec<String> = matches
            .get_raw(key.path)
            .into_iter()
            .flatten()
            .map(|text| text.to_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| format!("{who}: a path that is not UTF-8 cannot be used; choose another name"))?;
        let mut texts = texts.into_iter().map(Value::String);
        let value = match key.kind {
            Kind::Switch => matches.get_one::<bool>(key.path).copied().map(Value::Boolean),
            Kind::Count(..) => matches.get_one::<i64>(key.path).copied().map(Value::Integer),
            Kind::Paths => Some(Value::Array(texts.collect())),
            _ => texts.next(),
        };
        let Some(value) = value else { return Ok(()) };
        self.who.insert(key.path, who);
        match key.path.split_once('.') {
            None => drop(self.table.insert(key.path.to_owned(), value)),
            Some((table, name)) => {
                let table = self.table.entry(table).or_insert_with(|| Value::Table(Table::new()));
                table.as_table_mut().map(|table| table.insert(name.to_owned(), value));
            }
        }
        Ok(())
    }
}

fn flagged() -> impl Iterator<Item = (&'static Key<Options>, Flag)> {
    KEYS.iter().filter_map(|key| Some((key, key.flag?)))
}

/// Adds every flag to the verbs that take it.
pub(crate) fn add_to(command: Command) -> Command {
    let defaults = Options::default();
    flagged().fold(command, |command, (key, flag)| {
        let arg = arg(key, flag, &defaults);
        match flag.verbs {
            [] => command.arg(arg.global(true)),
            verbs => verbs.iter().fold(command, |command, verb| add(command, verb, arg.clone())),
        }
    })
}

fn add(command: Command, verb: &str, arg: Arg) -> Command {
    let (first, rest) = verb.split_once(' ').unwrap_or((verb, ""));
    command
        .mut_subcommand(first, |below| if rest.is_empty() { below.arg(arg) } else { add(below, rest, arg) })
}

fn arg(key: &Key<Options>, flag: Flag, defaults: &Options) -> Arg {
    let words = key.meaning.split(". ").next().unwrap_or_default();
    let help = match default(key, defaults) {
        Some(default) => format!("{words} [default: {default}]"),
        None => words.to_owned(),
    };
    let arg = Arg::new(key.path)
        .long(flag.long)
        .short(flag.short)
        .env(variable(key, flag))
        .hide_env(true)
        .value_name(flag.value)
        .help(help);
    let arg = match flag.heading {
        Some(heading) => arg.help_heading(heading),
        None => arg,
    };
    match key.kind {
        Kind::Switch => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_parser(BoolishValueParser::new()),
        Kind::Paths => {
            arg.action(ArgAction::Append).value_delimiter(':').value_parser(value_parser!(std::path::PathBuf))
        }
        Kind::Path => arg.value_parser(value_parser!(std::path::PathBuf)),
        Kind::OneOf(words) => {
            let words = words.iter().map(|(word, meaning)| PossibleValue::new(*word).help(*meaning));
            arg.value_parser(PossibleValuesParser::new(words))
        }
        Kind::Time(_) => arg.value_parser(as_text(|text| text.parse::<Time>().map(drop))),
        Kind::Listen => arg.value_parser(as_text(|text| listen_address(text).map(drop))),
        Kind::Count(..) => arg.value_parser(how_many),
        _ => arg.value_parser(value_parser!(String)),
    }
}

/// What holds where nobody says anything, as the help tells it.
pub(super) fn default(key: &Key<Options>, defaults: &Options) -> Option<String> {
    let written = || match (key.written)(defaults)? {
        // That it is not wanted goes without saying.
        Value::Boolean(false) => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::String(text) => Some(text),
        _ => None,
    };
    key.unset.map(str::to_owned).or_else(written)
}

/// The variable of a flag.
pub(super) fn variable(key: &Key<Options>, flag: Flag) -> String {
    let table = key.path.split_once('.').map_or(String::new(), |(table, _)| format!("{table}_"));
    format!("OUTBOARD_{table}{}", flag.long).to_uppercase().replace('-', "_")
}

/// Refuses what cannot be read, and keeps the text.
fn as_text(check: fn(&str) -> Result<(), String>) -> ValueParser {
    ValueParser::from(move |text: &str| check(text).map(|()| text.to_owned()))
}

/// A number of records.
fn how_many(text: &str) -> Result<i64, String> {
    text.parse::<u32>().map(i64::from).map_err(|_| "give a whole number, such as 200".to_owned())
}
