//! Where settings are said: the settings file, `--set`, and flags with their variables. Each becomes a table, and all of them one,
//! in which the later wins.
//!
//! ```text
//!   outboard.toml ─▶ table ─┐
//!   --set          ─▶ table ─┼─▶ one table ─▶ read ─▶ Options
//!   flag, variable ─▶ table ─┘
//! ```
//!
//! Called by [`super::Settings`]. Must not know what a key is for.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::flags::Typed;
use super::keys::KEYS;
use super::kind::Kind;
use super::options::Options;
use super::read::{self, Mistake, find};

/// Settings are written by hand; a larger file is something else.
const FILE_MAX: u64 = 1024 * 1024;

/// Who says what a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// A flag or its variable.
    Typed,
    /// The settings file, or `--set`.
    InFile,
    /// Nobody: it is the default.
    Nowhere,
}

/// Everything that was said, and by whom.
#[derive(Debug, Default)]
pub(super) struct Sources {
    file: Option<Text>,
    /// Each with its text, in the order in which they were given.
    set: Vec<(String, Table)>,
    typed: Typed,
}

/// A settings file.
#[derive(Debug)]
struct Text {
    path: PathBuf,
    text: String,
    table: Table,
}

impl Sources {
    /// Reads the file, if one is named, and the settings, each a `key=value`. Relative paths in either are meant from the
    /// file's folder; without a file from `here`.
    ///
    /// # Errors
    /// A sentence with the file and the line, or the setting, and what is wrong there.
    pub(super) fn read(
        path: Option<&Path>,
        set: &[String],
        here: &Path,
        typed: Typed,
    ) -> Result<Self, String> {
        let file = path.map(read_file).transpose()?;
        let folder = path.and_then(Path::parent).unwrap_or(here);
        let set = set.iter().map(|setting| Ok((setting.clone(), read_setting(setting, folder)?)));
        Ok(Self { set: set.collect::<Result<_, String>>()?, file, typed })
    }

    /// What all of them say together, and what of it is out of its range.
    ///
    /// # Errors
    /// A sentence, for tables that are right alone and not together.
    pub(super) fn merged(&self) -> Result<(Options, Vec<Mistake>), String> {
        let mut whole = Table::new();
        let file = self.file.iter().map(|file| &file.table);
        let set = self.set.iter().map(|(_, table)| table);
        for table in file.chain(set).chain([self.typed.table()]) {
            lay_over(&mut whole, table.clone());
        }
        let mut options = Options::default();
        let beyond = read::read(&whole, &mut options)
            .map_err(|mistake| format!("{}: {}", self.place_of(&mistake.path), mistake.sentence))?;
        Ok((options, beyond))
    }

    /// Who says what this key is.
    pub(super) fn who_named(&self, key: &str) -> Named {
        let says = |table: &Table| find(table, key.split('.')).is_some();
        if self.typed.who(key).is_some() {
            Named::Typed
        } else if self
            .file
            .iter()
            .map(|file| &file.table)
            .chain(self.set.iter().map(|(_, set)| set))
            .any(says)
        {
            Named::InFile
        } else {
            Named::Nowhere
        }
    }

    /// Where a key gets its value: the flag or variable, the `--set`, or the file with the line where there is one.
    pub(super) fn place_of(&self, path: &[impl AsRef<str>]) -> String {
        let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        if let Some(who) = self.typed.who(&path.join(".")) {
            return who.to_owned();
        }
        let set = self.set.iter().rev().find(|(_, table)| find(table, path.iter().copied()).is_some());
        if let Some((setting, _)) = set {
            return format!("--set {setting}");
        }
        match &self.file {
            Some(file) => match file.line_of(&path) {
                Some(line) => format!("{}:{line}", file.path.display()),
                None => file.path.display().to_string(),
            },
            None => "the settings".to_owned(),
        }
    }
}

impl Text {
    /// The line on which a key stands, if it does.
    fn line_of(&self, path: &[impl AsRef<str>]) -> Option<usize> {
        let table = DeTable::parse(&self.text).ok()?;
        stands_at(table.get_ref(), path).map(|at| line_of(&self.text, at))
    }
}

/// Where a key stands, in bytes.
fn stands_at(table: &DeTable<'_>, path: &[impl AsRef<str>]) -> Option<usize> {
    let (name, below) = path.split_first()?;
    let (found, value) = table.iter().find(|(found, _)| found.get_ref() == name.as_ref())?;
    match value.get_ref() {
        _ if below.is_empty() => Some(found.span().start),
        DeValue::Table(inner) => stands_at(inner, below),
        _ => None,
    }
}

fn read_file(path: &Path) -> Result<Text, String> {
    let shown = path.display();
    let text = outboard_files::read_text(path, FILE_MAX).map_err(|error| match error.kind() {
        std::io::ErrorKind::FileTooLarge => {
            format!("{shown}: this is not a settings file; at most {FILE_MAX} bytes are read")
        }
        _ => format!("cannot read the settings file {shown}: {error}"),
    })?;
    let table = toml::from_str(&text).map_err(|error| format!("{shown}:{}", unquoted(&text, &error)))?;
    let mut file = Text { path: path.to_owned(), text, table };
    read::read(&file.table, &mut Options::default()).map_err(|mistake| {
        let line = file.line_of(&mistake.path).unwrap_or(1);
        format!("{shown}:{line}: {}", mistake.sentence)
    })?;
    anchor(&mut file.table, path.parent().unwrap_or(Path::new("/")));
    Ok(file)
}

/// What cannot be read at all is a text without quotes, most of the time.
fn unquoted(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let number = line_of(text, at);
    let told = format!("{number}: {}", error.message());
    let line = text.lines().nth(number - 1).unwrap_or_default();
    match line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
        Some((key, value)) if !value.is_empty() && !value.starts_with(['"', '\'', '[', '{', '#']) => {
            format!("{told}; a text stands in quotes: {key} = \"{value}\"")
        }
        _ => told,
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}

/// A setting that was typed as `key=value`.
fn read_setting(setting: &str, folder: &Path) -> Result<Table, String> {
    let wrong = |why: &str| format!("--set {setting}: {why}");
    let (key, value) =
        setting.split_once('=').ok_or_else(|| wrong("give a key and a value, such as limits.data=2GiB"))?;
    let (key, value) = (key.trim(), value.trim());
    // What TOML cannot read as a value is taken as text, so that nobody has to quote quotes.
    let mut table: Table = toml::from_str(&format!("{key} = {value}"))
        .or_else(|_| toml::from_str(&format!("{key} = {}", serde_json::Value::from(value))))
        .map_err(|error| wrong(error.message()))?;
    read::read(&table, &mut Options::default()).map_err(|mistake| wrong(&mistake.sentence))?;
    anchor(&mut table, folder);
    Ok(table)
}

fn lay_over(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => lay_over(below, above),
            (_, value) => drop(below.insert(key, value)),
        }
    }
}

/// Makes paths independent of the folder they are meant from; `~/` is the home folder, as in a shell, and `-` is not a path.
fn anchor(table: &mut Table, folder: &Path) {
    let home = etcetera::home_dir().ok();
    let anchored = |text: &str| -> Option<String> {
        let path = Path::new(text);
        let whole = match (path.strip_prefix("~"), &home) {
            _ if text == "-" => return None,
            (Ok(rest), Some(home)) => home.join(rest),
            _ => folder.join(path),
        };
        whole.to_str().map(str::to_owned)
    };
    let anchor = |value: &mut Value, kind: Kind| {
        let Value::String(text) = value else { return };
        let whole = match (kind, text.strip_prefix("unix:")) {
            (Kind::Listen, Some(path)) => anchored(path).map(|path| format!("unix:{path}")),
            (Kind::Listen, None) => None,
            _ => anchored(text),
        };
        if let Some(whole) = whole {
            *text = whole;
        }
    };
    for key in KEYS {
        let mut names = key.path.split('.');
        let first = names.next().and_then(|name| table.get_mut(name));
        let Some(value) =
            names.try_fold(first, |value, name| Some(value?.as_table_mut()?.get_mut(name))).flatten()
        else {
            continue;
        };
        match (key.kind, value) {
            (Kind::Path | Kind::Listen, value) => anchor(value, key.kind),
            (Kind::Paths, Value::Array(paths)) => paths.iter_mut().for_each(|path| anchor(path, key.kind)),
            _ => {}
        }
    }
}
