//! One process of the plugin and the scripted host that talks with it.
//!
//! Made by [`crate::stage`], used by the cases. A reader task answers context calls and writes the record; a writer task
//! takes frames; cases wait for what the record says. Must not know what a case wants to see.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outboard_host::process::{Exit, Spawned};
use outboard_host::trial::{Door, Trial};
use outboard_protocol::wire::FRAME_MAX;
use outboard_protocol::wire::frame::Decoder;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, watch};

use crate::limits::Limits;
use crate::record::{Entry, Record};
use crate::script::Script;

/// Frames that wait for a plugin that does not read. More than any case sends, and the answers to a plugin's own calls.
const WAITING: usize = 4096;
/// Between the pieces of a frame that is cut: long enough that a waiting reader has taken the piece before.
const BETWEEN_PIECES: Duration = Duration::from_millis(30);
/// One read's worth of bytes.
const CHUNK: usize = 64 * 1024;
/// How long killed processes may take to go.
const KILLED: Duration = Duration::from_secs(5);
/// How long the rest of a dead process's words may take.
const READ_OUT_WITHIN: Duration = Duration::from_secs(2);

/// The ids of the host's own calls. Cases use others.
pub(crate) const INITIALIZE_ID: u64 = 1_000_001;
pub(crate) const START_ID: u64 = 1_000_002;
pub(crate) const STOP_ID: u64 = 1_000_003;

enum Outgoing {
    /// Written one after the other with a pause between, and nothing of others in between.
    Pieces(Vec<Vec<u8>>),
    Close,
}

/// What the reader task shares with the cases.
struct Ear {
    record: watch::Sender<Record>,
    outgoing: mpsc::Sender<Outgoing>,
    script: Mutex<Script>,
    /// Answers are kept back while this is `Some`.
    held: Mutex<Option<Vec<Vec<u8>>>>,
}

/// A conversation under way. Dropped, the process is killed.
pub(crate) struct Conversation {
    trial: Held,
    ear: Arc<Ear>,
    limits: Limits,
    data: PathBuf,
}

struct Held {
    exit: outboard_host::process::ExitWatch,
    containment: outboard_host::process::Containment,
    door: Door,
}

/// How a conversation ended.
pub(crate) struct Ended {
    pub(crate) record: Record,
    /// `None`: it had to be killed.
    pub(crate) exit: Option<Exit>,
}

impl Conversation {
    /// Begins to listen. `data` is the plugin's data folder.
    pub(crate) fn begin(trial: Trial, script: Script, limits: Limits, data: PathBuf) -> Self {
        let Trial { spawned, door } = trial;
        let Spawned { exit, containment, wire_writer, wire_reader, stdout, stderr, .. } = spawned;
        let (outgoing, frames) = mpsc::channel(WAITING);
        let ear = Arc::new(Ear {
            record: watch::Sender::new(Record::default()),
            outgoing,
            script: Mutex::new(script),
            held: Mutex::new(None),
        });
        tokio::spawn(write(wire_writer, frames));
        tokio::spawn(listen(wire_reader, Arc::clone(&ear)));
        for log in stdout.into_iter().chain([stderr]) {
            tokio::spawn(keep_log(log, Arc::clone(&ear)));
        }
        Self { trial: Held { exit, containment, door }, ear, limits, data }
    }

    /// Sends bytes as they are, in pieces.
    pub(crate) fn send_pieces(&self, pieces: Vec<Vec<u8>>) {
        // Full or closed: the answer that is awaited next will be missing, which is the finding.
        let _ = self.ear.outgoing.try_send(Outgoing::Pieces(pieces));
    }

    /// Sends one message.
    pub(crate) fn send(&self, message: &Value) {
        let mut frame = message.to_string().into_bytes();
        frame.push(b'\n');
        self.send_pieces(vec![frame]);
    }

    /// Sends a request.
    pub(crate) fn ask(&self, id: impl Into<Value>, method: &str, params: &Value) {
        if method == "initialize" {
            self.ear.record.send_modify(|record| record.entries.push(Entry::Initialize));
        }
        self.send(&json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params}));
    }

    /// Closes the wire's input, after what was sent before.
    pub(crate) fn hang_up(&self) {
        let _ = self.ear.outgoing.try_send(Outgoing::Close);
    }

    /// From here on, context calls get no answer until [`Self::release`].
    pub(crate) fn hold(&self) {
        self.ear.held.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }

    pub(crate) fn release(&self) {
        let held = self.ear.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        held.into_iter().flatten().for_each(|frame| self.send_pieces(vec![frame]));
    }

    /// Waits until the record says so. False: the time is up, or the plugin will say nothing more.
    pub(crate) async fn until(&self, limit: Duration, says: impl Fn(&Record) -> bool) -> bool {
        let mut record = self.ear.record.subscribe();
        let waited = tokio::time::timeout(limit, record.wait_for(|record| says(record) || record.ended));
        waited.await.is_ok() && says(&self.record())
    }

    /// Waits for the answer with this id. `None`: there was none in time.
    pub(crate) async fn answer(&self, id: impl Into<Value>, limit: Duration) -> Option<Value> {
        let id = id.into();
        self.until(limit, |record| record.answer(&id).is_some()).await;
        self.record().answer(&id).cloned()
    }

    /// What was said so far.
    pub(crate) fn record(&self) -> watch::Ref<'_, Record> {
        self.ear.record.borrow()
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn door(&self) -> &Door {
        &self.trial.door
    }

    /// How the process ended, if it does within this time.
    pub(crate) async fn exited(&self, limit: Duration) -> Option<Exit> {
        tokio::time::timeout(limit, self.trial.exit.exited()).await.ok()
    }

    /// Says `stop` and waits for the answer.
    pub(crate) async fn stop(&self) -> Option<Value> {
        self.ask(STOP_ID, "stop", &json!({"reason": "stopped"}));
        self.answer(STOP_ID, self.limits.grace).await
    }

    /// Stops the plugin, hangs up, ends whatever is left and reads to the end.
    pub(crate) async fn finish(self) -> Ended {
        self.release();
        if self.trial.exit.now().is_none() {
            self.stop().await;
        }
        self.end().await
    }

    /// As [`Self::finish`], without saying `stop`.
    pub(crate) async fn end(self) -> Ended {
        self.hang_up();
        let exit = self.exited(self.limits.grace).await;
        // What cannot be killed is the machine's trouble, and no finding about the plugin.
        let _ = self.trial.containment.prove_empty(KILLED).await;
        self.until(READ_OUT_WITHIN, |record| record.ended).await;
        let record = self.record().clone();
        Ended { record, exit }
    }
}

async fn write(mut wire: pipe::Sender, mut frames: mpsc::Receiver<Outgoing>) {
    while let Some(Outgoing::Pieces(pieces)) = frames.recv().await {
        let last = pieces.len().saturating_sub(1);
        for (number, piece) in pieces.into_iter().enumerate() {
            if wire.write_all(&piece).await.is_err() {
                return;
            }
            if number < last {
                tokio::time::sleep(BETWEEN_PIECES).await;
            }
        }
    }
}

async fn listen(mut wire: pipe::Receiver, ear: Arc<Ear>) {
    let mut decoder = Decoder::new(FRAME_MAX);
    let mut chunk = vec![0; CHUNK];
    while let Ok(got @ 1..) = wire.read(&mut chunk).await {
        decoder.feed(&chunk[..got]);
        while let Some(frame) = decoder.next_frame() {
            if let Some((entry, bytes)) = Entry::heard(&frame) {
                ear.heard(entry, bytes);
            }
        }
        if ear.record.borrow().is_full() {
            break;
        }
    }
    let rest = decoder.remainder();
    let remainder = (!rest.is_empty()).then(|| String::from_utf8_lossy(rest).chars().take(80).collect());
    ear.record.send_modify(|record| {
        record.remainder = remainder;
        record.ended = true;
    });
}

async fn keep_log(mut pipe: pipe::Receiver, ear: Arc<Ear>) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(got @ 1..) = pipe.read(&mut chunk).await {
        ear.record.send_modify(|record| record.log(&chunk[..got]));
    }
}

impl Ear {
    fn heard(&self, entry: Entry, bytes: usize) {
        let answer = match &entry {
            Entry::Message(message) => self.answer(message),
            _ => None,
        };
        self.record.send_modify(|record| {
            record.entries.push(entry);
            record.bytes += bytes;
        });
        let Some(frame) = answer else { return };
        match &mut *self.held.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(held) => {
                held.push(frame);
                self.record.send_modify(|record| record.held += 1);
            }
            None => {
                let _ = self.outgoing.try_send(Outgoing::Pieces(vec![frame]));
            }
        }
    }

    /// The host's answer to a context call.
    fn answer(&self, message: &Value) -> Option<Vec<u8>> {
        let (method, id) = (message.get("method")?.as_str()?, message.get("id")?);
        let params = message.get("params").cloned().unwrap_or_default();
        let mut members = serde_json::Map::new();
        self.record.send_modify(|record| {
            let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
            members = script.answer(method, &params, record);
        });
        members.insert("jsonrpc".to_owned(), json!("2.0"));
        members.insert("id".to_owned(), id.clone());
        let mut frame = Value::Object(members).to_string().into_bytes();
        frame.push(b'\n');
        Some(frame)
    }
}
