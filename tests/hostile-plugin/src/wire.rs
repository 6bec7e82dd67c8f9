//! The protocol by hand: one JSON message a line, and whatever else a fault wants to write there.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

/// An answer that takes longer than this will not come.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Wire {
    output: Mutex<Box<dyn Write + Send>>,
    next: AtomicU64,
    asked: Mutex<HashMap<u64, SyncSender<Value>>>,
}

impl Wire {
    /// Standard input and output, or the descriptors that the host names.
    pub(crate) fn open() -> (Box<dyn Read>, Self) {
        let (input, output): (Box<dyn Read>, Box<dyn Write + Send>) = match std::env::var("OUTBOARD_RPC_FDS")
        {
            Ok(numbers) => {
                let (read, write) = numbers.split_once(',').unwrap();
                let open = |number: &str| format!("/proc/self/fd/{number}");
                let output = File::options().write(true).open(open(write)).unwrap();
                (Box::new(File::open(open(read)).unwrap()), Box::new(output))
            }
            Err(_) => (Box::new(std::io::stdin()), Box::new(std::io::stdout())),
        };
        (input, Self { output: Mutex::new(output), next: AtomicU64::new(1), asked: Mutex::default() })
    }

    pub(crate) fn output(&self) -> MutexGuard<'_, Box<dyn Write + Send>> {
        self.output.lock().unwrap()
    }

    /// Writes bytes as they are.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let mut output = self.output();
        // The host may have hung up; that ends this process soon enough.
        let _ = output.write_all(bytes).and_then(|()| output.flush());
    }

    fn say(&self, message: &Value) {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        self.raw(&line);
    }

    pub(crate) fn result(&self, id: &Value, result: Value) {
        self.say(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }

    pub(crate) fn error(&self, id: &Value, code: i64, message: &str) {
        self.say(&json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}));
    }

    pub(crate) fn tell(&self, method: &str, params: Value) {
        self.say(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Asks, and gives the whole answer. Not from the main loop, which brings the answers.
    pub(crate) fn ask(&self, method: &str, params: Value) -> Value {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = sync_channel(1);
        self.asked.lock().unwrap().insert(id, sender);
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        answer.recv_timeout(PATIENCE).unwrap_or_else(|_| json!({"error": {"message": "no answer"}}))
    }

    pub(crate) fn answered(&self, message: &Value) {
        let asked = message["id"].as_u64().and_then(|id| self.asked.lock().unwrap().remove(&id));
        if let Some(sender) = asked {
            // Whoever asked may have given up.
            let _ = sender.send(message.clone());
        }
    }
}
