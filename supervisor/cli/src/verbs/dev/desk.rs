//! What is told in the terminal: starts, changes, the plugin's log, and each fault with its place and the lines around.
//!
//! Called by the loop of `dev`. Programs get the same as lines of JSON. Decides nothing.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::{DevelopmentFault, LogRecord, LogSource};
use serde_json::{Value, json};

use super::place::Place;
use super::project::Project;
use crate::failure::Outcome;
use crate::render::{Screen, Style, log_line};
use crate::tame::tame;

/// A fault is told by several sides at about the same time; its lines are shown once within this.
const SAME_FAULT: Duration = Duration::from_secs(2);
/// So many changed files are named.
const NAMED_MAX: usize = 3;

/// The terminal of one `dev`.
pub(super) struct Desk<'s> {
    screen: RefCell<&'s mut Screen>,
    folder: PathBuf,
    run_dir: PathBuf,
    /// The plugin's folder as the supervisor sees it.
    link: PathBuf,
    shown: RefCell<Option<(Place, Instant)>>,
    /// The stack that was shown last: what a program prints when it crashes says it again.
    stack: RefCell<String>,
    failing: Cell<bool>,
}

/// Something that went wrong.
#[derive(Debug, Clone, Default)]
pub(super) struct Fault {
    /// What, a sentence.
    pub(super) message: String,
    /// What was said about it, line by line.
    pub(super) details: Vec<String>,
    /// Whether these lines stand in the terminal already.
    pub(super) told: bool,
}

impl Fault {
    /// One that a sentence tells.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }
}

impl<'s> Desk<'s> {
    pub(super) fn new(screen: &'s mut Screen, project: &Project, link: &Path) -> Self {
        Self {
            screen: RefCell::new(screen),
            folder: project.folder.clone(),
            run_dir: project.run_dir.clone(),
            link: link.to_owned(),
            shown: RefCell::default(),
            stack: RefCell::default(),
            failing: Cell::default(),
        }
    }

    /// Whether the last thing that was tried failed.
    pub(super) fn is_failing(&self) -> bool {
        self.failing.get()
    }

    /// A sentence of ours; `event` and `data` for programs.
    pub(super) fn say(&self, event: &str, text: &str, data: Value) -> Outcome {
        let mut screen = self.screen.borrow_mut();
        if screen.json() {
            let mut line = json!({ "event": event });
            if let (Some(line), Value::Object(data)) = (line.as_object_mut(), data) {
                line.extend(data);
            }
            screen.json_line(&line)?;
        } else {
            let who = screen.paint(Style::Bold, "dev");
            screen.line(format!("{who}  {}", tame(text)))?;
            screen.flush()?;
        }
        Ok(())
    }

    /// It is as it should be.
    pub(super) fn well(&self, event: &str, text: &str, data: Value) -> Outcome {
        self.failing.set(false);
        *self.shown.borrow_mut() = None;
        self.say(event, text, data)
    }

    /// Which files have changed.
    pub(super) fn changed<'p>(&self, files: impl ExactSizeIterator<Item = &'p PathBuf>) -> Outcome {
        let count = files.len();
        let names: Vec<String> = files.map(|file| self.name_of(file)).collect();
        let more = if count > NAMED_MAX { format!(" and {} more", count - NAMED_MAX) } else { String::new() };
        let text =
            format!("{}{more} changed", names.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", "));
        self.say("changed", &text, json!({ "files": names }))
    }

    /// A line of the build.
    pub(super) fn line(&self, line: &str) -> Outcome {
        let mut screen = self.screen.borrow_mut();
        if screen.json() {
            screen.json_line(&json!({ "event": "build", "line": line }))?;
        } else {
            screen.line(format!("     {}", tame(line)))?;
            screen.flush()?;
        }
        Ok(())
    }

    /// Lines of somebody else's; programs have them already.
    pub(super) fn quoted<'l>(&self, lines: impl Iterator<Item = &'l str>) -> Outcome {
        let mut screen = self.screen.borrow_mut();
        for line in lines.filter(|_| !screen.json()).collect::<Vec<_>>() {
            screen.line(format!("     {}", tame(line)))?;
        }
        screen.flush()?;
        Ok(())
    }

    /// A record of the plugin's log; an error with its place.
    pub(super) fn record(&self, record: &LogRecord) -> Outcome {
        let mut screen = self.screen.borrow_mut();
        if screen.json() {
            screen.json_line(&json!({ "event": "log", "record": record }))?;
            return Ok(());
        }
        if self.repeats(record) {
            return Ok(());
        }
        let line = self.as_the_author_knows_it(&log_line(&screen, record));
        screen.line(line)?;
        screen.flush()?;
        drop(screen);
        let stack = record.extra.as_ref().and_then(|extra| extra["stack"].as_str());
        match stack.filter(|_| record.level == LogLevel::Error) {
            Some(stack) => {
                stack.clone_into(&mut self.stack.borrow_mut());
                self.show_place(&self.as_the_author_knows_it(stack))
            }
            None => Ok(()),
        }
    }

    /// Whether a record says what stands here already: a crash on standard error, after its own record.
    fn repeats(&self, record: &LogRecord) -> bool {
        let line = record.message.trim();
        record.source == LogSource::Stderr
            && (line.starts_with("plugin \"") && line.contains("\" crashed: ")
                || self.stack.borrow().lines().any(|shown| shown.trim() == line))
    }

    /// Something went wrong, in the words of whoever said it. Gives what a page is to show of it.
    pub(super) fn fault(&self, event: &str, fault: &Fault) -> Outcome<DevelopmentFault> {
        self.failing.set(true);
        let message = self.as_the_author_knows_it(&fault.message);
        let details = self.as_the_author_knows_it(&fault.details.join("\n"));
        let place = self.place(&message).or_else(|| self.place(&details));
        let frame = place.as_ref().and_then(Place::frame);
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let told = DevelopmentFault {
            message: message.clone(),
            details: details.clone(),
            file: place.as_ref().map(|place| self.name_of(&place.file)),
            line: place.as_ref().map(|place| number(place.line)),
            column: place.as_ref().and_then(|place| place.column).map(number),
            frame,
        };
        let mut screen = self.screen.borrow_mut();
        if screen.json() {
            let mut line = serde_json::to_value(&told).unwrap_or_default();
            line["event"] = event.into();
            screen.json_line(&line)?;
            return Ok(told);
        }
        let word = screen.paint(Style::Bad, "error");
        screen.line(format!("{word}  {}", tame(&message).replace("\\n", "\n       ")))?;
        let shown = place.as_ref().is_some_and(|place| self.was_shown(place));
        for line in details.lines().filter(|_| !fault.told && !shown) {
            screen.line(format!("       {}", tame(line)))?;
        }
        screen.flush()?;
        drop(screen);
        if let Some(place) = place {
            self.show(&place)?;
        }
        Ok(told)
    }

    fn place(&self, text: &str) -> Option<Place> {
        Place::of(text, &[&self.folder, &self.run_dir])
    }

    fn show_place(&self, text: &str) -> Outcome {
        self.place(text).map_or(Ok(()), |place| self.show(&place))
    }

    fn show(&self, place: &Place) -> Outcome {
        if self.was_shown(place) {
            return Ok(());
        }
        let Some(frame) = place.frame() else { return Ok(()) };
        let column = place.column.map(|column| format!(":{column}")).unwrap_or_default();
        let mut screen = self.screen.borrow_mut();
        let heading = screen
            .paint(Style::Bold, &format!("{}:{}{column}", tame(&self.name_of(&place.file)), place.line));
        screen.line(format!("       {heading}"))?;
        for line in frame.lines() {
            screen.line(format!("       {}", tame(line)))?;
        }
        screen.flush()?;
        *self.shown.borrow_mut() = Some((place.clone(), Instant::now()));
        Ok(())
    }

    fn was_shown(&self, place: &Place) -> bool {
        let again = |(shown, at): &(Place, Instant)| shown == place && at.elapsed() < SAME_FAULT;
        self.shown.borrow().as_ref().is_some_and(again)
    }

    /// The supervisor knows the folder by our link to it.
    fn as_the_author_knows_it(&self, text: &str) -> String {
        text.replace(&*self.link.to_string_lossy(), &self.run_dir.to_string_lossy())
    }

    fn name_of(&self, file: &Path) -> String {
        file.strip_prefix(&self.folder).unwrap_or(file).display().to_string()
    }
}
