//! What the test host answers to context calls: the same rules as the real context, from memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use outboard_protocol::context::airline::{
    Airline, GetCurrentResult, RefreshResult, RequestParams, RequestResult,
};
use outboard_protocol::context::auth::{GetTokenResult, IsAuthenticatedResult};
use outboard_protocol::context::config::{
    DeleteParams, DeleteResult, GetAllResult, GetParams, GetResult, SetParams,
};
use outboard_protocol::context::database::{OpenParams, OpenResult};
use outboard_protocol::context::ipc::ChannelParams;
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::context::server::{PrefixParams, RegisterResult};
use outboard_protocol::context::service::{AskParams, AskResult, CallParams, ReplyParams, SubscribeParams};
use outboard_protocol::handshake::Empty;
use outboard_protocol::methods::{ContextCall, ContextNotice, SharedCall};
use outboard_protocol::{RpcError, error::ErrorReason};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::Notify;

/// Where the plugin is told that its routes are; nothing listens there.
pub(super) const BASE_URL: &str = "http://127.0.0.1:2066";

type AirlineApi = Box<dyn Fn(RequestParams) -> RequestResult + Send>;

/// What answers a service: its method and parameters in, the answer out.
pub(super) type ServiceApi = Box<dyn Fn(&str, Value) -> Result<Value, RpcError> + Send>;

/// An event of a service that the plugin provides.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Emitted {
    /// The service.
    pub service: String,
    /// The event.
    pub event: String,
    /// What was told.
    #[serde(default)]
    pub payload: Value,
    /// The one consumer that gets it; all of them, when absent.
    #[serde(default)]
    pub to: Option<String>,
    /// Only the newest counts.
    #[serde(default)]
    pub latest: bool,
}

/// An event that the plugin pushed to its UIs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Event {
    /// The leaf name of the channel.
    pub channel: String,
    /// What was pushed.
    #[serde(default)]
    pub payload: Value,
    /// Whether it is kept for whoever connects later.
    #[serde(default, rename = "retain")]
    pub retained: bool,
}

/// A log record of the plugin.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Record {
    /// How much it matters.
    pub level: LogLevel,
    /// Which part of the plugin speaks.
    pub tag: String,
    /// What it says.
    pub message: String,
    /// Anything else.
    #[serde(default)]
    pub extra: Option<Value>,
}

/// Everything that the host knows of the outside, and what the plugin has told it.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) config: BTreeMap<String, Value>,
    pub(super) defaults: BTreeMap<String, Value>,
    pub(super) token: Option<String>,
    pub(super) airline: Option<Airline>,
    pub(super) airline_api: Option<AirlineApi>,
    pub(super) foreign_prefixes: BTreeSet<String>,
    pub(super) database_bytes: Option<u64>,
    prefixes: BTreeSet<String>,
    channels: BTreeSet<String>,
    pub(super) services: BTreeMap<String, ServiceApi>,
    subscriptions: BTreeSet<(String, String)>,
    emitted: VecDeque<Emitted>,
    replies: VecDeque<ReplyParams>,
    events: VecDeque<Event>,
    records: Vec<Record>,
}

/// The facts while the plugin runs, and a bell that rings when it has told something.
pub(super) struct World {
    pub(super) data_dir: PathBuf,
    facts: Mutex<Facts>,
    changed: Notify,
}

impl World {
    pub(super) fn new(facts: Facts, data_dir: PathBuf) -> Self {
        Self { data_dir, facts: Mutex::new(facts), changed: Notify::new() }
    }

    pub(super) fn answer(&self, method: &str, params: Option<&RawValue>) -> Result<Value, RpcError> {
        let Some(call) = ContextCall::named(method) else {
            if let Some(SharedCall::ServiceCall) = SharedCall::named(method) {
                return self.lock().call_service(read(params)?);
            }
            let message = format!("a host has no method {method:?}");
            return Err(RpcError::new(ErrorReason::MethodNotFound, message));
        };
        let mut facts = self.lock();
        match call {
            ContextCall::ConfigGet => json(facts.get(read(params)?)),
            ContextCall::ConfigSet => {
                let SetParams { key, value } = read(params)?;
                facts.config.insert(key.as_str().to_owned(), value);
                json(Empty {})
            }
            ContextCall::ConfigDelete => {
                let DeleteParams { key } = read(params)?;
                json(DeleteResult { deleted: facts.config.remove(key.as_str()).is_some() })
            }
            ContextCall::ConfigGetAll => {
                let mut values = facts.defaults.clone();
                values.extend(facts.config.clone());
                json(GetAllResult { values })
            }
            ContextCall::IpcHandle => {
                let ChannelParams { channel } = read(params)?;
                facts.channels.insert(channel.as_str().to_owned());
                json(Empty {})
            }
            ContextCall::IpcRemoveHandler => {
                let ChannelParams { channel } = read(params)?;
                facts.channels.remove(channel.as_str());
                json(Empty {})
            }
            ContextCall::ServerRegister => facts.register(&read(params)?),
            ContextCall::ServerUnregister => {
                let PrefixParams { prefix } = read(params)?;
                facts.prefixes.remove(prefix.as_str());
                json(Empty {})
            }
            ContextCall::DatabaseOpen => self.open_database(&read(params)?, facts.database_bytes),
            ContextCall::AuthIsAuthenticated => {
                json(IsAuthenticatedResult { authenticated: facts.token.is_some() })
            }
            ContextCall::AuthGetToken => json(GetTokenResult { token: facts.token.clone() }),
            ContextCall::AirlineGetCurrent => json(GetCurrentResult { airline: facts.airline.clone() }),
            ContextCall::AirlineRefresh => facts.refresh(),
            ContextCall::AirlineRequest => facts.request(read(params)?),
            ContextCall::ServiceSubscribe => {
                let SubscribeParams { service, event } = read(params)?;
                facts.subscriptions.insert((service.to_string(), event.to_string()));
                json(Empty {})
            }
            ContextCall::ServiceUnsubscribe => {
                let SubscribeParams { service, event } = read(params)?;
                facts.subscriptions.remove(&(service.to_string(), event.to_string()));
                json(Empty {})
            }
            // There are no other plugins here that could be asked.
            ContextCall::ServiceAsk => {
                let AskParams { to, default, .. } = read(params)?;
                json(AskResult {
                    value: default.unwrap_or_default(),
                    because: Some(format!("{to} is not there")),
                })
            }
        }
    }

    fn open_database(&self, params: &OpenParams, max_bytes: Option<u64>) -> Result<Value, RpcError> {
        std::fs::create_dir_all(&self.data_dir)
            .map_err(|error| RpcError::new(ErrorReason::StorageFull, error.to_string()))?;
        json(OpenResult { path: self.data_dir.join(params.file.as_str()).display().to_string(), max_bytes })
    }

    pub(super) fn told(&self, method: &str, params: Option<&RawValue>) {
        match ContextNotice::named(method) {
            Some(ContextNotice::Log) => {
                if let Ok(record) = read(params) {
                    self.lock().records.push(record);
                }
            }
            Some(ContextNotice::IpcSend) => {
                if let Ok(event) = read(params) {
                    self.lock().events.push_back(event);
                }
            }
            Some(ContextNotice::ServiceEmit) => {
                if let Ok(emitted) = read(params) {
                    self.lock().emitted.push_back(emitted);
                }
            }
            Some(ContextNotice::ServiceReply) => {
                if let Ok(reply) = read(params) {
                    self.lock().replies.push_back(reply);
                }
            }
            None => {}
        }
        self.changed.notify_waiters();
    }

    pub(super) fn stored(&self, key: &str) -> Option<Value> {
        self.lock().config.get(key).cloned()
    }

    pub(super) fn store(&self, key: &str, value: Value) {
        self.lock().config.insert(key.to_owned(), value);
    }

    pub(super) fn sign(&self, token: Option<String>) {
        self.lock().token = token;
    }

    pub(super) fn bind(&self, airline: Option<Airline>) {
        self.lock().airline = airline;
    }

    pub(super) fn records(&self) -> Vec<Record> {
        self.lock().records.clone()
    }

    pub(super) fn registered_prefixes(&self) -> Vec<String> {
        self.lock().prefixes.iter().cloned().collect()
    }

    pub(super) async fn next_emitted(&self) -> Emitted {
        self.until(|facts| facts.emitted.pop_front()).await
    }

    pub(super) async fn reply_to(&self, answer: &str) -> ReplyParams {
        self.until(|facts| {
            let at = facts.replies.iter().position(|reply| reply.answer == answer)?;
            facts.replies.remove(at)
        })
        .await
    }

    pub(super) fn subscriptions(&self) -> Vec<(String, String)> {
        self.lock().subscriptions.iter().cloned().collect()
    }

    pub(super) async fn next_event(&self) -> Event {
        self.until(|facts| facts.events.pop_front()).await
    }

    pub(super) async fn logged(&self, message: &str) -> Record {
        self.until(|facts| facts.records.iter().find(|record| record.message == message).cloned()).await
    }

    async fn until<T>(&self, mut look: impl FnMut(&mut Facts) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let found = look(&mut self.lock());
            if let Some(found) = found {
                return found;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Facts {
    fn call_service(&self, call: CallParams) -> Result<Value, RpcError> {
        let CallParams { service, method, params, .. } = call;
        let Some(answer) = self.services.get(service.as_str()) else {
            let what = format!("nobody provides {service} here; Setup::service does");
            return Err(RpcError::new(ErrorReason::NoProvider, what).with("service", service.as_str()));
        };
        let params = params.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        answer(method.as_str(), params)
    }

    fn get(&self, params: GetParams) -> GetResult {
        let key = params.key.as_str();
        match self.config.get(key).or_else(|| self.defaults.get(key)) {
            Some(value) => GetResult { value: value.clone(), found: true },
            None => GetResult { value: params.default.unwrap_or(Value::Null), found: false },
        }
    }

    fn register(&mut self, params: &PrefixParams) -> Result<Value, RpcError> {
        let prefix = params.prefix.as_str();
        if self.foreign_prefixes.contains(prefix) {
            let message = format!("{prefix} belongs to the plugin \"another\"");
            return Err(RpcError::new(ErrorReason::Conflict, message).with("owner", "another"));
        }
        self.prefixes.insert(prefix.to_owned());
        json(RegisterResult { url: format!("{BASE_URL}{prefix}") })
    }

    fn refresh(&self) -> Result<Value, RpcError> {
        let token = self.airline.as_ref().and_then(|airline| airline.token.clone());
        let token = token
            .ok_or_else(|| RpcError::new(ErrorReason::AuthRequired, "there is nothing to refresh with"))?;
        json(RefreshResult { token })
    }

    fn request(&self, params: RequestParams) -> Result<Value, RpcError> {
        let api = self
            .airline_api
            .as_ref()
            .ok_or_else(|| RpcError::new(ErrorReason::NotFound, "the test has set up no airline_api"))?;
        json(api(params))
    }
}

fn json(value: impl Serialize) -> Result<Value, RpcError> {
    serde_json::to_value(value).map_err(|error| RpcError::new(ErrorReason::InternalError, error.to_string()))
}

fn read<T: DeserializeOwned>(params: Option<&RawValue>) -> Result<T, RpcError> {
    serde_json::from_str(params.map_or("{}", RawValue::get))
        .map_err(|error| RpcError::new(ErrorReason::InvalidParams, error.to_string()))
}
