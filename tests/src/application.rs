//! A host application: one connection to the control API, by which it provides services and is asked.

use std::collections::VecDeque;
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::Supervisor;
use crate::socket::{self, Socket};

/// A host application. Dropped, its connection is closed.
pub struct Application {
    socket: Socket<UnixStream>,
    sent: u64,
    /// Items that came while an answer was waited for.
    items: VecDeque<Value>,
}

impl Application {
    /// One that is connected.
    pub fn connect(supervisor: &Supervisor) -> Self {
        let header = [("authorization", supervisor.control.authorization.as_str())];
        let socket = socket::open_unix(&supervisor.control.socket, &header).unwrap();
        Self { socket, sent: 0, items: VecDeque::new() }
    }

    /// One that provides a service, and was told whether it is the one.
    pub fn providing(supervisor: &Supervisor, service: &str) -> Self {
        let mut application = Self::connect(supervisor);
        let answer = application.ask("service.provide", json!({ "service": service }));
        assert!(answer.get("result").is_some(), "{answer}");
        assert_eq!(application.item()["type"], "holds");
        application
    }

    /// Sends a question and reads nothing.
    pub fn say(&mut self, method: &str, params: Value) -> u64 {
        self.sent += 1;
        self.socket.say(&json!({ "jsonrpc": "2.0", "id": self.sent, "method": method, "params": params }));
        self.sent
    }

    /// The whole answer to a question.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.say(method, params);
        loop {
            let heard = self.socket.hear().expect("the connection ended before the answer");
            if heard["id"] == id {
                return heard;
            }
            if heard["method"] == "service.provided" {
                self.items.push_back(heard["params"]["result"].clone());
            }
        }
    }

    /// The next thing that the provider is told.
    pub fn item(&mut self) -> Value {
        if let Some(item) = self.items.pop_front() {
            return item;
        }
        loop {
            let heard = self.socket.hear().expect("the connection ended before it was told anything");
            if heard["method"] == "service.provided" {
                return heard["params"]["result"].clone();
            }
        }
    }

    /// The next call; whatever else it is told before is passed over.
    pub fn call(&mut self) -> Value {
        loop {
            let item = self.item();
            if item["type"] == "call" {
                return item;
            }
        }
    }

    /// Answers a call.
    pub fn answer(&mut self, call: &Value, result: Value) -> Value {
        self.ask("service.answer", json!({ "call": call["call"], "result": result }))
    }
}
