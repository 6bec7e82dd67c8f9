//! Plays a script over a wire: writes to one end, and takes what comes from the other as events.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender};

use serde_json::{Value, json};

use super::pattern::{self, Names};
use super::{Script, Step};
use crate::patience::GUARD;

/// What comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A line, without its end.
    Line(String),
    /// No line comes any more.
    End,
    /// SIGTERM.
    Signal,
}

type Drive = Box<dyn FnMut(&[Value])>;

/// One side of a conversation.
pub struct Player<W> {
    output: W,
    events: Receiver<Event>,
    /// What was heard under a name, and what is known beforehand.
    pub names: Names,
    /// Carries out what has to be done to the host.
    drive: Drive,
    ended: bool,
    /// How many messages ahead one may come that is written for later: two that do not depend on each other have no order.
    pub leeway: usize,
}

impl<W: Write> Player<W> {
    /// A player that writes here and hears these.
    pub fn new(output: W, events: Receiver<Event>, drive: impl FnMut(&[Value]) + 'static) -> Self {
        Self { output, events, names: Names::new(), drive: Box::new(drive), ended: false, leeway: 0 }
    }

    /// Plays a script to its end.
    ///
    /// # Errors
    /// The first line at which something else was heard than what is written, and what that was.
    pub fn play(&mut self, script: &Script) -> Result<(), String> {
        let mut heard = BTreeSet::new();
        for (index, (number, step)) in script.steps().iter().enumerate() {
            if !heard.remove(&index) {
                self.step(index, step, script, &mut heard).map_err(|why| format!("line {number}: {why}"))?;
            }
        }
        Ok(())
    }

    fn step(
        &mut self,
        index: usize,
        step: &Step,
        script: &Script,
        heard: &mut BTreeSet<usize>,
    ) -> Result<(), String> {
        match step {
            Step::Say(text) => self.write(pattern::fill(text, &self.names).as_bytes()),
            Step::Bytes(bytes) => self.write(bytes),
            Step::Drive(words) => (self.drive)(words),
            Step::Leave(wanted) => return self.leave(wanted.clone()),
            Step::Stay => {}
            Step::Hear(written, more) => {
                while let Err((line, why)) = self.hear(written, *more)? {
                    let early = self.written_later(index, script, heard, &line);
                    let early = early.ok_or_else(|| format!("{why}\n written {written}\n heard   {line}"))?;
                    heard.insert(early);
                }
            }
        }
        Ok(())
    }

    /// The place of a message that has come before its turn.
    fn written_later(
        &mut self,
        index: usize,
        script: &Script,
        heard: &BTreeSet<usize>,
        line: &str,
    ) -> Option<usize> {
        let later = script.steps().iter().enumerate().skip(index + 1);
        let hears = later.filter_map(|(at, (_, step))| match step {
            Step::Hear(written, more) if !heard.contains(&at) => Some((at, written, *more)),
            _ => None,
        });
        let mut hears = hears.take(self.leeway);
        hears.find(|(_, written, more)| self.fits(written, line, *more).is_ok()).map(|(at, ..)| at)
    }

    fn write(&mut self, bytes: &[u8]) {
        // A side that has gone is seen by what is not heard.
        let _ = self.output.write_all(bytes).and_then(|()| self.output.flush());
    }

    fn leave(&mut self, mut wanted: Vec<Event>) -> Result<(), String> {
        while !wanted.is_empty() {
            let event = self.next(&Value::Null)?;
            let Some(index) = wanted.iter().position(|wanted| *wanted == event) else {
                return Err(format!("{event:?} came instead of {wanted:?}"));
            };
            wanted.remove(index);
        }
        Ok(())
    }

    /// The next message: as written, or what it is and how it differs.
    fn hear(&mut self, written: &Value, more: bool) -> Result<Result<(), (String, String)>, String> {
        let Event::Line(line) = self.next(written)? else {
            return Err(format!("the wire has ended; written is {written}"));
        };
        Ok(self.fits(written, &line, more).map_err(|why| (line, why)))
    }

    /// Compares, and remembers names where it fits.
    fn fits(&mut self, written: &Value, line: &str, more: bool) -> Result<(), String> {
        let heard: Value = serde_json::from_str(line).map_err(|error| format!("it is not JSON: {error}"))?;
        let mut names = self.names.clone();
        pattern::compare(written, &heard, more, &mut names)?;
        self.names = names;
        Ok(())
    }

    /// The next event, pings aside unless one is wanted.
    fn next(&mut self, wanted: &Value) -> Result<Event, String> {
        loop {
            let event = self.events.recv_timeout(GUARD).map_err(|_| format!("nothing came in {GUARD:?}"))?;
            let Event::Line(line) = &event else {
                self.ended |= event == Event::End;
                return Ok(event);
            };
            match ping(line).filter(|_| wanted["method"] != "ping") {
                Some(id) => self.answer_ping(&id),
                None => return Ok(event),
            }
        }
    }

    /// Answers pings, and `stop`, until the wire's input ends.
    pub fn idle(&mut self) {
        while !self.ended
            && let Ok(Event::Line(line)) = self.events.recv()
        {
            if let Some(id) = ping(&line) {
                self.answer_ping(&id);
            }
            let message: Value = serde_json::from_str(&line).unwrap_or_default();
            if message["method"] == "stop" {
                self.answer_ping(&message["id"]);
            }
        }
    }

    fn answer_ping(&mut self, id: &Value) {
        let answer = json!({ "jsonrpc": "2.0", "id": id, "result": {} });
        self.write(format!("{answer}\n").as_bytes());
    }
}

fn ping(line: &str) -> Option<Value> {
    let message: Value = serde_json::from_str(line).ok()?;
    (message["method"] == "ping").then(|| message["id"].clone())
}

/// Reads lines on a thread, so that a full pipe holds nobody up.
pub fn listen(input: impl Read + Send + 'static, events: SyncSender<Event>) {
    std::thread::spawn(move || {
        for line in BufReader::new(input).lines() {
            let Ok(line) = line else { break };
            if events.send(Event::Line(line)).is_err() {
                return;
            }
        }
        let _ = events.send(Event::End);
    });
}
