//! What the tests of the session share: a host that answers a few methods, and the plugin's end of a conversation with it.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
#![allow(dead_code, unreachable_pub, reason = "each test file compiles this for itself and uses its part")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outboard_context::Reply;
use outboard_host::session::{ContextCalls, NoiseSink, Session, SessionLimits};
use outboard_protocol::{ErrorReason, RpcError};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Nothing here takes longer, unless it hangs.
pub const GUARD: Duration = Duration::from_secs(20);
pub const LONG: Duration = Duration::from_secs(10);

pub struct Host {
    pub lines: Mutex<Vec<String>>,
    pub remarks: Mutex<Vec<String>>,
    pub notifications: Mutex<Vec<String>>,
    /// Large answers that are being fetched or have been.
    pub fetched: Arc<AtomicUsize>,
    /// Large answers come when there are permits.
    pub supply: Arc<Semaphore>,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            lines: Mutex::default(),
            remarks: Mutex::default(),
            notifications: Mutex::default(),
            fetched: Arc::default(),
            supply: Arc::new(Semaphore::new(0)),
        }
    }
}

impl ContextCalls for Host {
    fn request(&self, method: &str, params: Option<&RawValue>) -> Reply {
        match method {
            "echo" => Reply::Now(Ok(params.map_or_else(null, RawValue::to_owned))),
            "never" => Reply::Later(Box::pin(std::future::pending())),
            "panic" => Reply::Later(Box::pin(async { panic!("a mistake of ours") })),
            "fetch" => {
                let (fetched, supply) = (Arc::clone(&self.fetched), Arc::clone(&self.supply));
                Reply::Large(Box::pin(async move {
                    fetched.fetch_add(1, Ordering::Relaxed);
                    supply.acquire().await.unwrap().forget();
                    Ok(to_raw_value(&"x".repeat(3000)).unwrap())
                }))
            }
            "large" => Reply::Now(Ok(to_raw_value(&"x".repeat(3000)).unwrap())),
            _ => Reply::Now(Err(RpcError::new(ErrorReason::MethodNotFound, format!("no method {method}")))),
        }
    }
    fn takes_time(&self, method: &str) -> bool {
        ["never", "panic", "fetch"].contains(&method)
    }
    fn notify(&self, method: &str, _: Option<&RawValue>) {
        self.notifications.lock().unwrap().push(method.to_owned());
    }
}

impl NoiseSink for Host {
    fn line(&self, line: &[u8]) {
        self.lines.lock().unwrap().push(String::from_utf8_lossy(line).into_owned());
    }
    fn remark(&self, remark: &str) {
        self.remarks.lock().unwrap().push(remark.to_owned());
    }
}

pub fn null() -> Box<RawValue> {
    to_raw_value(&Value::Null).unwrap()
}

/// The plugin's end of the conversation.
pub struct Plugin {
    pub input: tokio::io::Lines<BufReader<ReadHalf<DuplexStream>>>,
    pub output: WriteHalf<DuplexStream>,
    pub session: Session,
    pub host: Arc<Host>,
    pub tasks: JoinSet<()>,
}

impl Plugin {
    pub fn connect(limits: &SessionLimits) -> Self {
        let (ours, theirs) = tokio::io::duplex(16 * 1024);
        let (reader, writer) = tokio::io::split(ours);
        let (input, output) = tokio::io::split(theirs);
        let host = Arc::new(Host::default());
        let mut tasks = JoinSet::new();
        let (context, noise) =
            (Arc::clone(&host) as Arc<dyn ContextCalls>, Arc::clone(&host) as Arc<dyn NoiseSink>);
        let session = Session::open(reader, writer, context, noise, limits, &mut tasks);
        Self { input: BufReader::new(input).lines(), output, session, host, tasks }
    }

    pub async fn say(&mut self, text: &str) {
        self.output.write_all(text.as_bytes()).await.unwrap();
        self.output.write_all(b"\n").await.unwrap();
    }

    pub async fn hear(&mut self) -> Value {
        let line =
            timeout(GUARD, self.input.next_line()).await.expect("the host says something").unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// One full round trip: everything said before it has been dealt with.
    pub async fn settle(&mut self) {
        self.say(r#"{"jsonrpc":"2.0","id":"settle","method":"echo"}"#).await;
        while self.hear().await["id"] != "settle" {}
    }
}

pub fn plugin() -> Plugin {
    Plugin::connect(&SessionLimits::default())
}
