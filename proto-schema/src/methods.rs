//! The one table of methods. Adding a row here is how a method comes to exist; the compiler then asks for the rest.
//!
//! Each group of rows is an enum as well ([`ContextCall`], [`HostCall`], …). Whoever answers matches on it without a catch-all, so a
//! new row does not compile before the services, the conformance kit and the Rust SDK's test host answer it. The marker types are
//! for whoever asks. With the feature `schema` the rows hold the schemas from which everything else is generated. Must not know who
//! answers a method.

#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(feature = "schema")]
use crate::context::logger;
use crate::context::{airline, auth, config, database, ipc, server, service};
use crate::handshake;
#[cfg(feature = "schema")]
use crate::table::SchemaRef;
use crate::table::names;

/// Who calls whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// A host call.
    HostToPlugin,
    /// A context call.
    PluginToHost,
    /// Either side.
    Both,
}

/// Whether an answer is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Exactly one answer follows.
    Request,
    /// Nothing follows.
    Notification,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// The name on the wire.
    pub name: &'static str,
    /// Who calls whom.
    pub direction: Direction,
    /// Whether an answer is awaited.
    pub kind: Kind,
    /// The protocol version that brought it.
    pub since: u32,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// The schema of its parameters.
    #[cfg(feature = "schema")]
    pub params: fn(&mut SchemaGenerator) -> Schema,
    /// The schema of its result, for requests.
    #[cfg(feature = "schema")]
    pub result: Option<fn(&mut SchemaGenerator) -> Schema>,
}

/// A request as a type: its name on the wire and what it carries. `Params` is what the maker of the call owns.
pub trait Request {
    /// The name on the wire.
    const NAME: &'static str;
    /// What is asked.
    type Params: Serialize;
    /// What is answered.
    type Answer: DeserializeOwned;
}

macro_rules! method_table {
    ($(#[doc = $about:literal] $direction:ident $kind:ident $group:ident {
        $($variant:ident $name:literal ($params:ty) $(-> $result:ty)?, since $since:literal, $summary:literal;)*
    })*) => {
        /// Every method, in the order of the documentation.
        pub const METHODS: &[Method] = &[$($(
            Method {
                name: $name,
                direction: Direction::$direction,
                kind: Kind::$kind,
                since: $since,
                summary: $summary,
                #[cfg(feature = "schema")]
                params: <$params as SchemaRef>::json_schema_ref,
                #[cfg(feature = "schema")]
                result: method_table!(@result $($result)?),
            },
        )*)*];

        $(
            names!(#[doc = $about] $group { $($variant $name $summary;)* });
            $(method_table!(@marker $variant $name ($params) $(-> $result)?, $summary);)*
        )*
    };
    (@result) => { None };
    (@result $result:ty) => { Some(<$result as SchemaRef>::json_schema_ref) };
    (@marker $variant:ident $name:literal ($params:ty) -> $result:ty, $summary:literal) => {
        #[doc = $summary]
        #[derive(Debug, Clone, Copy)]
        pub struct $variant;
        impl Request for $variant {
            const NAME: &'static str = $name;
            type Params = $params;
            type Answer = $result;
        }
    };
    (@marker $variant:ident $name:literal ($params:ty), $summary:literal) => {
        #[doc = $summary]
        #[derive(Debug, Clone, Copy)]
        pub struct $variant;
        impl $variant {
            /// The name on the wire.
            pub const NAME: &'static str = $name;
        }
    };
}

method_table! {
    /// What the host asks of a plugin.
    HostToPlugin Request HostCall {
        Initialize "initialize" (handshake::InitializeParams) -> handshake::InitializeResult, since 1,
            "The first message of a session: the host says who it is, which protocol versions it speaks and where things are; the plugin answers with the version it chose and what it can do.";
        Start "start" (handshake::Empty) -> handshake::Empty, since 1,
            "Run onStart. The answer means that the plugin is ready; an error means that it refused, and it is not started again by itself.";
        Resume "resume" (handshake::ResumeParams) -> handshake::Empty, since 1,
            "Sent in place of start after an update, to a plugin that declared onResume.";
        Stop "stop" (handshake::StopParams) -> handshake::Empty, since 1,
            "Run onStop. After the answer the plugin closes what it holds and exits; its standard input is closed next.";
        Ping "ping" (handshake::Empty) -> handshake::Empty, since 1,
            "Are you there? Any answer will do, an error too; several pings in a row that stay unanswered mean that the plugin hangs.";
        IpcInvoke "ipc.invoke" (ipc::InvokeParams) -> serde_json::Value, since 1,
            "A UI or an operator calls a channel that the plugin handles.";
    }
    /// What the host tells a plugin.
    HostToPlugin Notification HostNotice {
        ConfigChanged "config.changed" (config::ChangedParams), since 1,
            "A value of this plugin's configuration changed, by whomever.";
        AuthChanged "auth.changed" (auth::AuthChangedParams), since 1,
            "Somebody signed in or out.";
        AirlineChanged "airline.changed" (airline::AirlineChangedParams), since 1,
            "The host is bound to another airline, or to none.";
        DatabaseQuota "database.quota" (database::QuotaParams), since 1,
            "The plugin's data folder has come near its quota, or reached it.";
        ServiceEvent "service.event" (service::EventParams), since 1,
            "An event of a service that the plugin is subscribed to.";
        ServiceChanged "service.changed" (service::ChangedParams), since 1,
            "A service that the plugin uses is answered, is answered no longer, or will be soon.";
        ServiceSubscribed "service.subscribed" (service::SubscribedParams), since 1,
            "To a provider: who is subscribed to one of its events, at its start and whenever that changes.";
    }
    /// What a plugin asks of the host.
    PluginToHost Request ContextCall {
        ConfigGet "config.get" (config::GetParams) -> config::GetResult, since 1,
            "The value of a key: what was set, else the manifest's default, else the caller's.";
        ConfigSet "config.set" (config::SetParams) -> handshake::Empty, since 1,
            "Set a key. The answer means that the value is on disk.";
        ConfigDelete "config.delete" (config::DeleteParams) -> config::DeleteResult, since 1,
            "Forget a key. The answer means that the deletion is on disk.";
        ConfigGetAll "config.getAll" (handshake::Empty) -> config::GetAllResult, since 1,
            "Every key with its value.";
        IpcHandle "ipc.handle" (ipc::ChannelParams) -> handshake::Empty, since 1,
            "From now on the plugin answers `ipc.invoke` on this channel.";
        IpcRemoveHandler "ipc.removeHandler" (ipc::ChannelParams) -> handshake::Empty, since 1,
            "From now on it does not.";
        AuthIsAuthenticated "auth.isAuthenticated" (handshake::Empty) -> auth::IsAuthenticatedResult, since 1,
            "Whether somebody is signed in.";
        AuthGetToken "auth.getToken" (handshake::Empty) -> auth::GetTokenResult, since 1,
            "The host's bearer token.";
        AirlineGetCurrent "airline.getCurrent" (handshake::Empty) -> airline::GetCurrentResult, since 1,
            "The airline that the host is bound to, at this moment.";
        AirlineRefresh "airline.refresh" (airline::RefreshParams) -> airline::RefreshResult, since 1,
            "After a 401: exchange the stored refresh token for a new bearer. One exchange serves every plugin that asks.";
        AirlineRequest "airline.request" (airline::RequestParams) -> airline::RequestResult, since 1,
            "One HTTP exchange with the airline, bearer and refresh included, for languages without an SDK.";
        DatabaseOpen "database.open" (database::OpenParams) -> database::OpenResult, since 1,
            "The path of an SQLite file in the plugin's own data folder, which is made if need be.";
        ServerRegister "server.register" (server::PrefixParams) -> server::RegisterResult, since 1,
            "Send HTTP requests below this prefix to the plugin.";
        ServerUnregister "server.unregister" (server::PrefixParams) -> handshake::Empty, since 1,
            "Send them no longer.";
        ServiceSubscribe "service.subscribe" (service::SubscribeParams) -> handshake::Empty, since 1,
            "From now on the plugin gets `service.event` for this event, whoever provides the service, now or later.";
        ServiceUnsubscribe "service.unsubscribe" (service::SubscribeParams) -> handshake::Empty, since 1,
            "From now on it does not.";
        ServiceAsk "service.ask" (service::AskParams) -> service::AskResult, since 1,
            "From a provider: ask one consumer by an event. The answer is the consumer's, or the stated default.";
    }
    /// What a plugin tells the host.
    PluginToHost Notification ContextNotice {
        Log "log" (logger::LogParams<'static>), since 1,
            "One log record.";
        IpcSend "ipc.send" (ipc::SendParams<'static>), since 1,
            "Push an event to every connected UI of this plugin.";
        ServiceEmit "service.emit" (service::EmitParams), since 1,
            "From a provider: an event for the consumers that are subscribed to it.";
        ServiceReply "service.reply" (service::ReplyParams), since 1,
            "The answer to an event that came with an `answer` id.";
    }
    /// What either side asks of the other.
    Both Request SharedCall {
        ServiceCall "service.call" (service::CallParams) -> serde_json::Value, since 1,
            "Call a method of a service. A consumer asks the host; the host asks the provider, with the caller's id.";
    }
    /// What either side tells the other.
    Both Notification SharedNotice {
        CancelRequest "$/cancelRequest" (CancelParams), since 1,
            "The caller no longer wants the answer. The called side still answers, with the error `cancelled` or with what it had.";
        Progress "$/progress" (ProgressParams), since 1,
            "The call with this id is still being worked on: its deadline starts anew.";
    }
}

/// Parameters of `$/cancelRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct CancelParams {
    /// The id of the call, as its caller chose it.
    #[cfg_attr(feature = "schema", schemars(with = "CallId"))]
    pub id: serde_json::Value,
}

/// Parameters of `$/progress`. Further members are for people to read.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ProgressParams {
    /// The id of the call, as its caller chose it.
    #[cfg_attr(feature = "schema", schemars(with = "CallId"))]
    pub id: serde_json::Value,
    /// What is being done, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The id of a call: a number or a string.
#[cfg(feature = "schema")]
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum CallId {
    /// As a number.
    Number(u64),
    /// As a string.
    Text(String),
}

/// The row with this name.
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}
