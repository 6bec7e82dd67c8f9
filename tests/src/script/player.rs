//! Plays a script over a wire: writes to one end, and takes what comes from the other as events.

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
}

impl<W: Write> Player<W> {
    /// A player that writes here and hears these.
    pub fn new(output: W, events: Receiver<Event>, drive: impl FnMut(&[Value]) + 'static) -> Self {
        Self { output, events, names: Names::new(), drive: Box::new(drive), ended: false }
    }

    /// Plays a script to its end.
    ///
    /// # Errors
    /// The first line at which something else was heard than what is written, and what that was.
    pub fn play(&mut self, script: &Script) -> Result<(), String> {
        for (number, step) in script.steps() {
            self.step(step).map_err(|why| format!("line {number}: {why}"))?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Say(text) => {
                self.write(pattern::fill(text, &self.names).as_bytes());
                Ok(())
            }
            Step::Bytes(bytes) => {
                self.write(bytes);
                Ok(())
            }
            Step::Drive(words) => {
                (self.drive)(words);
                Ok(())
            }
            Step::Hear(written, more) => self.hear(written, *more),
            Step::Leave(wanted) => self.leave(wanted.clone()),
            Step::Stay => Ok(()),
        }
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

    fn hear(&mut self, written: &Value, more: bool) -> Result<(), String> {
        let Event::Line(line) = self.next(written)? else {
            return Err(format!("the wire has ended; written is {written}"));
        };
        let heard: Value =
            serde_json::from_str(&line).map_err(|error| format!("{line:?} is no JSON: {error}"))?;
        pattern::compare(written, &heard, more, &mut self.names)
            .map_err(|why| format!("{why}\n written {written}\n heard   {line}"))
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
