//! The control API as a client of any language sees it: JSON-RPC by HTTP POST on the control socket, and its subscription
//! to state changes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::http::{Answer, Connection};
use crate::socket;

/// What a client needs to know.
#[derive(Debug, Clone)]
pub struct Control {
    /// The socket.
    pub socket: PathBuf,
    /// The header that lets us in.
    pub authorization: String,
}

impl Control {
    /// Reads what `supervisor.json` says.
    pub fn find(runtime_dir: &Path) -> Self {
        let record = std::fs::read_to_string(runtime_dir.join("supervisor.json")).unwrap();
        let record: Value = serde_json::from_str(&record).unwrap();
        let credential = std::fs::read_to_string(record["credentialFile"].as_str().unwrap()).unwrap();
        Self {
            socket: runtime_dir.join("control.sock"),
            authorization: format!("Bearer {}", credential.trim()),
        }
    }

    /// Sends a call with these further header lines, each ended by CRLF.
    pub fn post(&self, headers: &str, method: &str, params: &Value) -> io::Result<Answer> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let mut connection = Connection::unix(&self.socket)?;
        let head = format!(
            "POST / HTTP/1.1\r\nhost: outboard\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
            body.len()
        );
        connection.write(format!("{head}{body}").as_bytes())?;
        connection.answer()
    }

    /// Asks; gives the whole answer, which has a `result` or an `error`.
    pub fn ask(&self, method: &str, params: &Value) -> io::Result<Value> {
        let answer = self.post(&format!("authorization: {}\r\n", self.authorization), method, params)?;
        Ok(answer.json())
    }

    /// Subscribes to state changes, and gathers them until the supervisor ends.
    pub fn gather_states(&self) -> Arc<Mutex<Vec<Value>>> {
        let mut socket = socket::open_unix(&self.socket, &[("authorization", &self.authorization)]).unwrap();
        socket.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "host.subscribe", "params": {} }));
        let answer = socket.hear().unwrap();
        assert!(answer.get("result").is_some(), "{answer}");
        let gathered = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&gathered);
        std::thread::spawn(move || {
            while let Some(heard) = socket.hear() {
                into.lock().unwrap().push(heard["params"]["result"].clone());
            }
        });
        gathered
    }
}
