//! The one table of the control API. Adding a row here is how a method comes to exist; the compiler then asks for the rest.
//!
//! The enums [`CallName`] and [`SubscriptionName`] are for whoever serves: a `match` on them without a catch-all does not compile
//! while a row is not answered. The marker types are for whoever asks: each ties a name to its parameters and its answer. With the
//! feature `schema` the rows hold the schemas from which the OpenRPC document, the reference and TypeScript's types are generated.

#[cfg(feature = "schema")]
use schemars::{Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{
    AirlineSetParams, AirlineStatus, AnswerParams, AuthSetParams, AuthStatus, BackupParams, BackupReport,
    BusEvent, ConfigDocument, ConfigEntry, ConfigImportParams, ConfigImportReport, ConfigKeyParams,
    ConfigSetParams, DataReport, DevelopmentParams, HostEvent, InvokeParams, LogLevelParams, LogLevelReport,
    LogRecord, LogsParams, NoParams, PluginParams, PluginStatus, ProvideItem, ProvideParams, RescanReport,
    ServiceStatus, StatusParams, StatusReport, WhyReport,
};
use crate::context::config::DeleteResult;
use crate::context::service::{AskParams, AskResult, EmitParams};
use crate::error::ErrorReason;
use crate::handshake::Empty;
#[cfg(feature = "schema")]
use crate::table::SchemaRef;
use crate::table::names;

/// The OpenRPC document of this table, as `rpc.discover` answers it. It is generated; `make schema` writes it anew.
pub const OPENRPC: &str = include_str!("../../schema/control.openrpc.json");

/// One call of the table.
#[derive(Debug, Clone, Copy)]
pub struct CallRow {
    /// The name on the wire.
    pub name: &'static str,
    /// The version of the product that brought it.
    pub since: &'static str,
    /// What it does, in a sentence or two.
    pub summary: &'static str,
    /// Why it may fail, beside what any call may fail for: `invalid_params` and `internal_error`.
    pub errors: &'static [ErrorReason],
    /// The schema of its parameters.
    #[cfg(feature = "schema")]
    pub params: fn(&mut SchemaGenerator) -> Schema,
    /// The schema of its answer.
    #[cfg(feature = "schema")]
    pub answer: fn(&mut SchemaGenerator) -> Schema,
}

/// One subscription of the table.
#[derive(Debug, Clone, Copy)]
pub struct SubscriptionRow {
    /// The call that begins it.
    pub name: &'static str,
    /// The name of its notifications.
    pub notification: &'static str,
    /// The call that ends it.
    pub unsubscribe: &'static str,
    /// The version of the product that brought it.
    pub since: &'static str,
    /// What it tells, in a sentence or two.
    pub summary: &'static str,
    /// Why it may be refused, as in [`CallRow::errors`].
    pub errors: &'static [ErrorReason],
    /// The schema of its parameters.
    #[cfg(feature = "schema")]
    pub params: fn(&mut SchemaGenerator) -> Schema,
    /// The schema of each item.
    #[cfg(feature = "schema")]
    pub item: fn(&mut SchemaGenerator) -> Schema,
}

/// A call as a type: what is asked, and what is answered.
pub trait Call {
    /// Which row it is.
    const CALL: CallName;
    /// The name on the wire.
    const NAME: &'static str = Self::CALL.name();
    /// What is asked.
    type Params: Serialize + DeserializeOwned + Send + 'static;
    /// What is answered.
    type Answer: Serialize + DeserializeOwned + Clone + Send + 'static;
}

/// A subscription as a type: what is asked for, and what is told.
pub trait Subscription {
    /// The call that begins it.
    const NAME: &'static str;
    /// The name of its notifications.
    const NOTIFICATION: &'static str;
    /// The call that ends it.
    const UNSUBSCRIBE: &'static str;
    /// What is asked for.
    type Params: Serialize + DeserializeOwned;
    /// What each notification holds.
    type Item: Serialize + DeserializeOwned;
}

macro_rules! control_table {
    (
        calls {$(
            $call:ident $name:literal ($params:ty) -> $answer:ty,
            since $since:literal, errors [$($reason:ident)*], $summary:literal;
        )*}
        subscriptions {$(
            $subscription:ident $begins:literal $told:literal $ends:literal ($wanted:ty) -> $item:ty,
            since $from:literal, errors [$($refusal:ident)*], $about:literal;
        )*}
    ) => {
        /// Every call, in the order of the documentation.
        pub const CALLS: &[CallRow] = &[$(
            CallRow {
                name: $name,
                since: $since,
                summary: $summary,
                errors: &[$(ErrorReason::$reason),*],
                #[cfg(feature = "schema")]
                params: <$params as SchemaRef>::json_schema_ref,
                #[cfg(feature = "schema")]
                answer: <$answer as SchemaRef>::json_schema_ref,
            },
        )*];

        /// Every subscription, in the order of the documentation.
        pub const SUBSCRIPTIONS: &[SubscriptionRow] = &[$(
            SubscriptionRow {
                name: $begins,
                notification: $told,
                unsubscribe: $ends,
                since: $from,
                summary: $about,
                errors: &[$(ErrorReason::$refusal),*],
                #[cfg(feature = "schema")]
                params: <$wanted as SchemaRef>::json_schema_ref,
                #[cfg(feature = "schema")]
                item: <$item as SchemaRef>::json_schema_ref,
            },
        )*];

        names!(
            /// What an operator may ask.
            CallName { $($call $name $summary;)* }
        );
        names!(
            /// What an operator may subscribe to.
            SubscriptionName { $($subscription $begins $about;)* }
        );

        $(
            #[doc = $summary]
            #[derive(Debug, Clone, Copy)]
            pub struct $call;
            impl Call for $call {
                const CALL: CallName = CallName::$call;
                type Params = $params;
                type Answer = $answer;
            }
        )*

        $(
            #[doc = $about]
            #[derive(Debug, Clone, Copy)]
            pub struct $subscription;
            impl Subscription for $subscription {
                const NAME: &'static str = $begins;
                const NOTIFICATION: &'static str = $told;
                const UNSUBSCRIBE: &'static str = $ends;
                type Params = $wanted;
                type Item = $item;
            }
        )*
    };
}

control_table! {
    calls {
        Discover "rpc.discover" (NoParams) -> Box<RawValue>,
            since "0.1.0", errors [],
            "The OpenRPC document of everything that may be asked here.";
        Status "status" (StatusParams) -> StatusReport,
            since "0.1.0", errors [NotFound],
            "The supervisor and its plugins at this moment, or one plugin.";
        Start "start" (PluginParams) -> PluginStatus,
            since "0.1.0", errors [NotFound Conflict ShuttingDown],
            "Start a plugin, and forget its earlier failures. Answered when it runs, or when it is clear that it will not.";
        Stop "stop" (PluginParams) -> PluginStatus,
            since "0.1.0", errors [NotFound Conflict ShuttingDown],
            "Stop a plugin until the next start, of itself or of the supervisor. Answered when nothing of it is left running.";
        Restart "restart" (PluginParams) -> PluginStatus,
            since "0.1.0", errors [NotFound Conflict ShuttingDown],
            "Stop a plugin and start it again.";
        Enable "enable" (PluginParams) -> PluginStatus,
            since "0.1.0", errors [NotFound Conflict ShuttingDown LimitExceeded StorageFull StorageCorrupt],
            "Start a plugin now and with every start of the supervisor.";
        Disable "disable" (PluginParams) -> PluginStatus,
            since "0.1.0", errors [NotFound Conflict ShuttingDown LimitExceeded StorageFull StorageCorrupt],
            "Stop a plugin now, and do not start it with the supervisor.";
        Rescan "rescan" (NoParams) -> RescanReport,
            since "0.1.0", errors [ShuttingDown],
            "Read the plugin folders again, and say what was found.";
        Why "why" (PluginParams) -> WhyReport,
            since "0.1.0", errors [NotFound],
            "Why a plugin is as it is: its state, and the ends of its processes with what was decided upon each.";
        Logs "logs" (LogsParams) -> Vec<LogRecord>,
            since "0.1.0", errors [NotFound],
            "The latest log records, oldest first.";
        LogsLevel "logs.level" (PluginParams) -> LogLevelReport,
            since "0.1.0", errors [NotFound],
            "The least level that is kept of a plugin's log.";
        LogsLevelSet "logs.level.set" (LogLevelParams) -> LogLevelReport,
            since "0.1.0", errors [NotFound],
            "Set the least level that is kept of a plugin's log. It holds until the supervisor ends.";
        ConfigGet "config.get" (ConfigKeyParams) -> ConfigEntry,
            since "0.1.0", errors [NotFound],
            "The value of a plugin's key, and where it comes from.";
        ConfigSet "config.set" (ConfigSetParams) -> Empty,
            since "0.1.0", errors [NotFound LimitExceeded StorageFull StorageCorrupt],
            "Set a plugin's key. Answered when the value is on disk.";
        ConfigDelete "config.delete" (ConfigKeyParams) -> DeleteResult,
            since "0.1.0", errors [NotFound LimitExceeded StorageFull StorageCorrupt],
            "Forget a plugin's key. Answered when the deletion is on disk.";
        ConfigList "config.list" (PluginParams) -> Vec<ConfigEntry>,
            since "0.1.0", errors [NotFound],
            "Every key of a plugin with its value: those that were set, and the manifest's defaults for the others.";
        ConfigExport "config.export" (PluginParams) -> ConfigDocument,
            since "0.1.0", errors [NotFound],
            "What was set for a plugin, as one document, without defaults.";
        ConfigImport "config.import" (ConfigImportParams) -> ConfigImportReport,
            since "0.1.0", errors [NotFound LimitExceeded StorageFull StorageCorrupt],
            "Set everything that a document holds for a plugin. All of it is on disk when this is answered, or nothing was changed.";
        Databases "databases" (PluginParams) -> DataReport,
            since "0.1.0", errors [NotFound],
            "A plugin's data folder, measured now.";
        Backup "backup" (BackupParams) -> BackupReport,
            since "0.1.0", errors [Conflict LimitExceeded StorageFull StorageCorrupt Timeout],
            "Copy the supervisor's database and those of plugins into one new file. Answered when it is on disk, complete and under its name.";
        AuthSet "auth.set" (AuthSetParams) -> AuthStatus,
            since "0.1.0", errors [StorageFull StorageCorrupt],
            "Sign in: plugins read the token from now on.";
        AuthClear "auth.clear" (NoParams) -> AuthStatus,
            since "0.1.0", errors [StorageFull StorageCorrupt],
            "Sign out.";
        AuthStatusOf "auth.status" (NoParams) -> AuthStatus,
            since "0.1.0", errors [],
            "Whether somebody is signed in.";
        AirlineSet "airline.set" (AirlineSetParams) -> AirlineStatus,
            since "0.1.0", errors [StorageFull StorageCorrupt],
            "Bind the host to an airline.";
        AirlineClear "airline.clear" (NoParams) -> AirlineStatus,
            since "0.1.0", errors [StorageFull StorageCorrupt],
            "Bind the host to no airline.";
        AirlineStatusOf "airline.status" (NoParams) -> AirlineStatus,
            since "0.1.0", errors [],
            "The airline that the host is bound to, without its secrets.";
        Invoke "ipc.invoke" (InvokeParams) -> Box<RawValue>,
            since "0.1.0", errors [NotFound Conflict Timeout LimitExceeded ShuttingDown Cancelled],
            "Call a channel that a plugin handles, as its UI does. The answer is the plugin's, any JSON; so are errors with other codes.";
        Services "services" (NoParams) -> Vec<ServiceStatus>,
            since "0.1.0", errors [],
            "Every service that is provided, wanted or chosen: who provides it, who uses it, and how much.";
        ServiceAnswer "service.answer" (AnswerParams) -> Empty,
            since "0.1.0", errors [NotFound],
            "Answer a call that came by `service.provide` on this connection, once. `not_found`: nobody waits for it any more.";
        ServiceEmit "service.emit" (EmitParams) -> Empty,
            since "0.1.0", errors [Conflict],
            "An event of a service that this connection provides. Events reach their consumers in the order in which they were sent, whether or not each is awaited.";
        ServiceAsk "service.ask" (AskParams) -> AskResult,
            since "0.1.0", errors [Conflict],
            "Ask one consumer of a service that this connection provides, by an event. The answer is the consumer's, or the stated default.";
        DevelopmentTell "development.tell" (DevelopmentParams) -> Empty,
            since "0.1.0", errors [NotFound LimitExceeded],
            "Tell a plugin's open pages how its making goes: what is wrong with it, that it is well again, or that they are to load anew. Pages that are opened later hear of a fault too. `outboard dev` says it.";
    }
    subscriptions {
        LogRecords "logs.subscribe" "logs.record" "logs.unsubscribe" (LogsParams) -> LogRecord,
            since "0.1.0", errors [NotFound],
            "The latest log records, then those that come: none twice, none left out.";
        BusEvents "events.subscribe" "events.event" "events.unsubscribe" (PluginParams) -> BusEvent,
            since "0.1.0", errors [NotFound],
            "What a plugin pushes to its UIs. Values that are kept come first.";
        HostEvents "host.subscribe" "host.event" "host.unsubscribe" (NoParams) -> HostEvent,
            since "0.1.0", errors [],
            "State changes of plugins, and what else the host application may want to act upon.";
        Provided "service.provide" "service.provided" "service.withdraw" (ProvideParams) -> ProvideItem,
            since "0.1.0", errors [],
            "Provide a service for as long as the subscription lasts: calls come by it, and are answered by `service.answer`.";
    }
}

/// The name that is nearest to one that does not exist, among calls and subscriptions; `None` where none is like it.
pub fn nearest(name: &str) -> Option<&'static str> {
    const LIKE: f64 = 0.6;
    // Longer than every name; what is longer is like none of them, and is not measured.
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    served()
        .map(|known| (strsim::normalized_damerau_levenshtein(known, name), known))
        .filter(|(likeness, _)| *likeness >= LIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}

/// Every name that is answered: calls, and what begins and ends subscriptions.
pub fn served() -> impl Iterator<Item = &'static str> {
    let subscriptions = SUBSCRIPTIONS.iter().flat_map(|row| [row.name, row.unsubscribe]);
    CALLS.iter().map(|row| row.name).chain(subscriptions)
}
